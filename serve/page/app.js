// SPDX-License-Identifier: Apache-2.0
// app.js - the page of `linnet serve`: speech from the microphone over the websocket /v1/stream, recordings by
// POST /v1/audio/transcriptions (doc/serve.md has both), and transcripts whose words tell their times.
//
// From top to bottom: formats of files, a transcript on the page, the server, the microphone, a recording, the page.

const $ = (id) => document.getElementById(id);
const at = (path) => new URL(path, import.meta.url); // works below any path of a proxy

// Whisper's.
const LANGUAGES = "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he " +
    "hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl " +
    "nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz " +
    "vi yi yo yue zh";
const RARE = {ba: "Bashkir", bo: "Tibetan", jw: "Javanese", tl: "Tagalog"}; // that browsers do not know, or otherwise
const UNSURE = 0.5; // the confidence below which a word is marked

// ---- times and texts

const two = (n) => String(n).padStart(2, "0");

// 3723.4 -> 1:02:03
function shortTime(s) {
    const n = Math.floor(s), hours = Math.floor(n / 3600), minutes = Math.floor(n / 60) % 60;
    return (hours > 0 ? `${hours}:${two(minutes)}` : `${minutes}`) + `:${two(n % 60)}`;
}

function cueTime(s, point) {
    const ms = Math.round(s * 1000), n = Math.floor(ms / 1000);
    return [n / 3600, n / 60 % 60, n % 60].map((x) => two(Math.floor(x))).join(":") + point +
        String(ms % 1000).padStart(3, "0");
}

// A text as pieces, each a word with what stands behind it; text before the first word goes with that one.  Words that
// are not in the text are left out; without words there is one piece.
function cutText(text, words) {
    const pieces = [];
    let end = 0;
    for (const word of words) {
        const bare = word.word.trim(), begin = bare === "" ? -1 : text.indexOf(bare, end);
        if (begin < 0)
            continue;
        pieces.push({begin: pieces.length > 0 ? begin : 0, word});
        end = begin + bare.length;
    }
    if (pieces.length === 0)
        pieces.push({begin: 0, word: null});
    pieces.forEach((piece, i) => {
        piece.end = i + 1 < pieces.length ? pieces[i + 1].begin : text.length;
        piece.text = text.slice(piece.begin, piece.end);
    });
    return pieces;
}

// ---- formats of files

const CUE = {line: 42, most: 84, long_s: 7, least_s: 1}; // characters of a line and of two, seconds

const width = (text) => [...text].reduce((n, c) => n + (c >= "\u2e80" ? 2 : 1), 0);

// Segments as cues of subtitles; long ones are cut between words, best where a sentence ends.
function cuesOf(segments) {
    const cues = [];
    for (const segment of segments) {
        let cue = null;
        for (const {text, word} of segment.pieces) {
            const {start, end} = word ?? segment;
            if (cue === null || width(cue.text + text.trimEnd()) > CUE.most || end - cue.start > CUE.long_s ||
                (/[.!?。！？]\s*$/u.test(cue.text) && cue.end - cue.start >= CUE.least_s))
                cues.push(cue = {start, end, text: ""});
            cue.text += text;
            cue.end = end;
        }
    }
    return cues.filter((cue) => cue.text.trim() !== "").map((cue) => ({...cue, text: inLines(cue.text.trim())}));
}

// In two lines of about the same length where one is too short.
function inLines(text) {
    const plain = text.replaceAll("-->", "->");
    if (width(plain) <= CUE.line)
        return plain;
    let best = -1;
    for (let i = plain.indexOf(" "); i >= 0; i = plain.indexOf(" ", i + 1))
        if (Math.abs(i - plain.length / 2) < Math.abs(best - plain.length / 2))
            best = i;
    return best < 0 ? plain : `${plain.slice(0, best)}\n${plain.slice(best + 1)}`;
}

const subtitles = (segments, point, isNumbered) => cuesOf(segments).map((cue, i) =>
    (isNumbered ? `${i + 1}\n` : "") +
    `${cueTime(cue.start, point)} --> ${cueTime(cue.end, point)}\n${cue.text}\n\n`).join("");

const FORMATS = {
    txt: {type: "text/plain", write: (segments) => segments.map((s) => `${s.text.trim()}\n`).join("")},
    srt: {type: "application/x-subrip", write: (segments) => subtitles(segments, ",", true)},
    vtt: {type: "text/vtt", write: (segments) => `WEBVTT\n\n${subtitles(segments, ".", false)}`},
    json: {
        type: "application/json",
        write: (segments) => JSON.stringify({
            language: segments.find((s) => s.language)?.language,
            duration: segments.at(-1)?.end ?? 0,
            text: segments.map((s) => s.text.trim()).join(" "),
            segments: segments.map(({start, end, text, words}) => ({start, end, text, words})),
        }, null, 1) + "\n",
    },
};

function save(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {type: `${type};charset=utf-8`}));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---- a transcript on the page

class Transcript {
    constructor(place, emptyText, {seek, name}) {
        this.root = $("transcript").content.cloneNode(true).firstElementChild;
        this.lines = this.root.querySelector(".lines");
        this.log = this.root.querySelector("[role=log]");
        this.root.querySelector(".empty").textContent = emptyText;
        this.seek = seek;
        this.name = name;
        this.clear();
        this.root.querySelector(".tools").addEventListener("click", (e) => this.keep(e.target.dataset.do));
        this.lines.addEventListener("keydown", (e) => this.move(e));
        this.lines.addEventListener("focus", () => this.lines.matches(":focus-visible") && this.pick(this.picked));
        this.lines.addEventListener("blur", () => this.pick(-1));
        for (const type of ["click", "mouseover", "mouseout"])
            this.lines.addEventListener(type, (e) => this.point(e));
        if (!navigator.clipboard)
            this.root.querySelector("[data-do=copy]").remove();
        place.append(this.root);
    }

    clear() {
        this.segments = [];
        this.words = []; // {start, end, element}
        this.picked = 0; // by the keyboard
        this.open = this.current = null;
        this.lines.replaceChildren();
        this.lines.tabIndex = -1;
        this.log.replaceChildren();
        hideTip();
        this.show();
    }

    show() {
        this.root.querySelector(".tools").hidden = this.segments.length === 0;
        this.root.querySelector(".empty").hidden = this.segments.length > 0 || this.open !== null;
    }

    // A segment that will not change: {start, end, text, words, language}.
    add(segment) {
        segment.pieces = cutText(segment.text, segment.words);
        this.setOpen(null);
        if (segment.text.trim() === "")
            return;
        this.segments.push(segment);
        this.lines.append(this.paragraph(segment, segment.text.length));
        this.log.append(Object.assign(document.createElement("p"), {textContent: segment.text}));
        while (this.log.children.length > 20)
            this.log.firstChild.remove();
        this.lines.tabIndex = this.words.length > 0 ? 0 : -1;
        this.show();
    }

    // The text of an utterance that is going on, or null.  committed: bytes that stay.
    setOpen(segment) {
        const bytes = segment !== null ? new TextEncoder().encode(segment.text).subarray(0, segment.committed) : [];
        const paragraph = segment !== null && segment.text !== "" ? this.paragraph(
            {...segment, pieces: cutText(segment.text, segment.words)}, new TextDecoder().decode(bytes).length) : null;
        paragraph?.classList.add("open");
        if (paragraph !== null && this.open !== null)
            this.open.replaceWith(paragraph);
        else if (paragraph !== null)
            this.lines.append(paragraph);
        else
            this.open?.remove();
        this.open = paragraph;
        this.show();
        const isAtEnd = innerHeight + scrollY > document.body.scrollHeight - 200;
        if (paragraph !== null && isAtEnd)
            paragraph.scrollIntoView({block: "nearest"});
    }

    paragraph(segment, committed) {
        const p = document.createElement("p"), text = document.createElement("span");
        const time = document.createElement(this.seek ? "button" : "span");
        p.className = "segment";
        time.className = "time";
        time.textContent = shortTime(segment.start);
        if (this.seek) {
            time.type = "button";
            time.tabIndex = -1; // the arrow keys come to all words
            time.setAttribute("aria-label", `Play from ${shortTime(segment.start)}`);
            time.addEventListener("click", () => this.seek(segment.start));
        }
        text.className = "text";
        for (const piece of segment.pieces) {
            const cut = Math.max(0, committed - piece.begin); // may be in a word: before its full stop
            for (const [part, isFixed] of [[piece.text.slice(0, cut), true], [piece.text.slice(cut), false]])
                if (part !== "")
                    text.append(this.piece(part, piece.word, isFixed, segment.committed === undefined),
                        part.slice(part.trimEnd().length));
        }
        p.append(time, text);
        return p;
    }

    piece(text, word, isFixed, isFinal) {
        const element = document.createElement("span");
        element.textContent = text.trimEnd();
        element.className = isFixed ? "committed" : "provisional";
        if (word === null)
            return element;
        element.classList.add("word");
        element.classList.toggle("unsure", isFixed && word.confidence < UNSURE);
        element.word = word;
        if (isFinal)
            this.words.push({start: word.start, end: word.end, element});
        return element;
    }

    // The word that is heard at a time of the recording.
    follow(s) {
        let low = 0, high = this.words.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.words[middle].start <= s)
                low = middle + 1;
            else
                high = middle;
        }
        const element = low > 0 ? this.words[low - 1].element : null;
        if (element === this.current)
            return;
        for (const [one, isCurrent] of [[this.current, false], [element, true]]) {
            one?.classList.toggle("current", isCurrent);
            one?.removeAttribute("aria-current");
        }
        element?.setAttribute("aria-current", "true");
        if (this.current === null || isSeen(this.current)) // who scrolled away is left there
            element?.scrollIntoView({block: "nearest"});
        this.current = element;
    }

    point(e) {
        const element = e.target.closest(".word");
        if (element === null || e.type === "mouseout")
            hideTip();
        else if (e.type === "mouseover")
            showTip(element);
        else
            this.seek?.(element.word.start);
    }

    // Marks the word, shows and tells its times; -1: none.
    pick(i) {
        this.lines.querySelector(".picked")?.classList.remove("picked");
        hideTip();
        if (this.words[i] === undefined)
            return;
        this.picked = i;
        this.words[i].element.classList.add("picked");
        this.words[i].element.scrollIntoView({block: "nearest"});
        $("told").textContent = `${this.words[i].element.textContent}: ${showTip(this.words[i].element)}`;
    }

    move(e) {
        const i = this.picked, last = this.words.length - 1;
        const to = {ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: last}[e.key];
        if (e.target !== this.lines || e.ctrlKey || e.altKey || e.metaKey)
            return;
        if (e.key === "Enter" && this.words[this.picked] !== undefined)
            this.seek?.(this.words[this.picked].start);
        else if (this.words[to] !== undefined)
            this.pick(to);
        else
            return;
        e.preventDefault();
    }

    keep(what) {
        if (what === "copy")
            navigator.clipboard.writeText(FORMATS.txt.write(this.segments));
        else if (what === "clear")
            this.clear();
        else if (FORMATS[what])
            save(`${this.name()}.${what}`, FORMATS[what].type, FORMATS[what].write(this.segments));
    }
}

function isSeen(element) {
    const {top, bottom} = element.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
}

function showTip(element) {
    const tip = $("tip"), {start, end, confidence} = element.word, place = element.getBoundingClientRect();
    const sure = confidence > 0 ? `, ${Math.round(confidence * 100)} % sure` : "";
    tip.textContent = `${start.toFixed(2)} – ${end.toFixed(2)} s${sure}`;
    tip.hidden = false;
    const {width: w, height: h} = tip.getBoundingClientRect();
    const isBelow = place.bottom + h + 8 < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(innerWidth - w - 8, place.left + (place.width - w) / 2))}px`;
    tip.style.top = `${isBelow ? place.bottom + 6 : place.top - h - 6}px`;
    return tip.textContent;
}

function hideTip() {
    $("tip").hidden = true;
}

// ---- what the browser remembers, where it is allowed to

function recall(store, name) {
    try {
        return window[store].getItem(name);
    } catch {
        return null;
    }
}

function remember(store, name, value) {
    try {
        window[store].setItem(name, value);
    } catch { /* then it forgets */ }
}

// ---- the server

let token = recall("sessionStorage", "token") ?? "";
let models = [];
const authorization = () => (token !== "" ? {Authorization: `Bearer ${token}`} : {});

const TEXTS = {
    busy: "The server is busy: it has no room for more now. Try again in a moment.",
    away: "The server cannot be reached. Check that it runs and that you are connected, then try again.",
    lost: "The connection to the server was lost. The words so far are kept; press Start to go on.",
    token: "The server wants an access token, or does not know this one. Whoever runs it can tell you a token.",
    large: "The recording is larger than this server takes.",
};

function tell(text) {
    $("notice-text").textContent = text;
    $("notice").hidden = text === "";
}

function askToken() {
    $("token-form").hidden = false;
    $("token").focus();
    if (token !== "")
        tell(TEXTS.token);
}

// What an answer that is no good means, for people.
function meaning(status, body) {
    let said = "";
    try {
        said = JSON.parse(body).error.message;
    } catch { /* no error object */ }
    if (status === 401) {
        askToken();
        return token !== "" ? TEXTS.token : "";
    }
    return {0: TEXTS.away, 413: TEXTS.large, 429: TEXTS.busy, 503: TEXTS.busy}[status] ??
        `The server answered: ${said || `error ${status}`}`;
}

// Fills in the models; returns why that cannot be done, or "".
async function loadModels() {
    let answer;
    try {
        answer = await fetch(at("v1/models"), {headers: authorization()});
    } catch {
        return TEXTS.away;
    }
    if (!answer.ok)
        return meaning(answer.status, await answer.text());
    models = (await answer.json()).data;
    fill($("model"), models.map(({id}) => [id, id]));
    restore();
    fitSettings();
    return "";
}

function fill(select, pairs) {
    const old = select.value;
    select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
    if (pairs.some(([value]) => value === old))
        select.value = old;
}

// ---- settings

const SETTINGS = ["model", "language", "task", "decoder"];

// What the model can do is offered, as far as the server tells.
function fitSettings() {
    const model = models.find(({id}) => id === $("model").value) ?? {};
    const isLive = !$("live").hidden;
    const decoders = (model.decoders ?? []).filter(({live}) => live || !isLive).map(({name}) => name);
    fill($("decoder"), [["", "Automatic"], ...decoders.map((name) => [name, name.replaceAll("_", " ")])]);
    $("decoder").disabled = decoders.length === 0;
    for (const name of ["language", "task"])
        $(name).disabled = model.decoders?.every(({languages}) => !languages) ?? false;
}

function restore() {
    for (const name of SETTINGS) {
        const value = recall("localStorage", name);
        if (value !== null && [...$(name).options].some((o) => o.value === value))
            $(name).value = value;
        if (name === "model")
            fitSettings();
    }
}

// The settings that are chosen, without those at their defaults.
const chosen = () => Object.fromEntries(SETTINGS.filter((name) => !$(name).disabled && $(name).value !== "")
    .map((name) => [name, $(name).value]));

// ---- the microphone

const MICROPHONE = {
    NotAllowedError: "The browser does not let this page hear the microphone. Allow it beside the page's address, " +
        "then press Start again.",
    NotFoundError: "There is no microphone. Connect one, then press Start again.",
    NotReadableError: "The microphone cannot be used: another program may have it.",
    insecure: "Browsers give the microphone only to pages that come by https, or from this very machine " +
        "(http://localhost). Recordings can be transcribed all the same.",
};
const MOST_WAITING = 8 << 20; // bytes that the network does not take
const PATIENCE_MS = 1000;

// One recording from the microphone, from Start to the server's last word.
class Recording {
    constructor({ready, event, level, lost, end}) {
        Object.assign(this, {ready, event, level, lost, end});
        this.waiting = []; // pieces before the server is ready
        this.n_samples = 0;
    }

    // Returns when sound comes; throws what is wrong, as a text for people.
    async open() {
        if (!navigator.mediaDevices?.getUserMedia)
            throw MICROPHONE.insecure;
        try {
            this.media = await navigator.mediaDevices.getUserMedia(
                {audio: {channelCount: 1, echoCancellation: false, noiseSuppression: false}});
        } catch (e) {
            throw MICROPHONE[e.name] ?? `The microphone cannot be used: ${e.message}`;
        }
        this.context = new AudioContext();
        await this.context.audioWorklet.addModule(at("recorder.js")).catch(() => { throw TEXTS.away; });
        this.worklet = new AudioWorkletNode(this.context, "recorder", {numberOfOutputs: 0});
        this.worklet.port.onmessage = ({data}) => this.take(data);
        this.media.getAudioTracks()[0].onended = () => this.lost();
        this.connect();
        this.context.createMediaStreamSource(this.media).connect(this.worklet);
    }

    connect() {
        const url = at("v1/stream"), bytes = new TextEncoder().encode(token);
        const name = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
        url.protocol = url.protocol.replace("http", "ws");
        this.socket = new WebSocket(url, token !== "" ? ["linnet", `linnet-token.${name}`] : []);
        this.socket.onopen = () => this.say({
            type: "start", ...chosen(), sample_rate: this.context.sampleRate, encoding: "s16le", word_times: true,
        });
        this.socket.onmessage = ({data}) => this.hear(JSON.parse(data));
        this.socket.onclose = ({reason}) => this.fail(reason);
    }

    say(message) {
        this.socket.send(JSON.stringify(message));
    }

    take({samples, peak, isLast}) {
        this.n_samples += samples.length;
        this.level(peak, this.n_samples / this.context.sampleRate);
        if (this.isSent || this.isClosed)
            return;
        if (this.isReady)
            this.socket.send(samples);
        else
            this.waiting.push(samples);
        if (this.socket.bufferedAmount > MOST_WAITING)
            this.close("The network is too slow for live sound. The words so far are kept.");
        else if (isLast)
            this.sendFinish();
    }

    hear(event) {
        if (event.type === "ready") {
            this.isReady = true;
            this.waiting.splice(0).forEach((samples) => this.socket.send(samples));
            this.ready();
            if (this.isSilent)
                this.sendFinish();
        } else if (event.type === "error") {
            this.close(event.code === "busy" ? TEXTS.busy : `The server answered: ${event.message}`);
        } else if (event.type === "end") {
            this.close("");
        } else {
            this.event(event);
        }
    }

    // No more sound; the server's last words are to come.
    finish() {
        if (this.isFinishing || this.isClosed)
            return;
        this.isFinishing = true;
        this.worklet?.port.postMessage("end");
        this.media.getTracks().forEach((track) => track.stop());
        setTimeout(() => this.sendFinish(), PATIENCE_MS); // where the worklet does not answer
    }

    sendFinish() {
        this.isSilent = true;
        if (!this.isReady || this.isSent || this.isClosed)
            return;
        this.isSent = true;
        this.say({type: "finish"});
    }

    // The connection ended, or never was: why, a request can tell.
    async fail(reason) {
        if (this.isClosed)
            return;
        if (reason !== "")
            this.close(`The server ended the connection: ${reason}`);
        else
            this.close(this.isReady ? TEXTS.lost : await loadModels() || TEXTS.busy);
    }

    close(why) {
        if (this.isClosed)
            return;
        this.isClosed = true;
        this.media?.getTracks().forEach((track) => track.stop());
        this.context?.close();
        this.socket?.close();
        this.end(why);
    }
}

// ---- the microphone's part of the page

const wave = {bars: [], width: 4}; // levels, the last one at the right; pixels

function drawWave(level) {
    const canvas = $("wave"), context = canvas.getContext("2d"), scale = devicePixelRatio || 1;
    const w = canvas.clientWidth, h = canvas.clientHeight;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    canvas.width = w * scale;
    canvas.height = h * scale;
    context.scale(scale, scale);
    context.fillStyle = getComputedStyle(canvas).color;
    wave.bars.push(level);
    wave.bars.splice(0, wave.bars.length - Math.floor(w / wave.width));
    if (isCalm) { // a bar as long as the level, that does not run
        context.fillRect(0, h / 2 - 3, w * level, 6);
        return;
    }
    wave.bars.forEach((bar, i) => {
        const height = Math.max(2, bar * h), left = w - (wave.bars.length - i) * wave.width;
        context.fillRect(left, (h - height) / 2, wave.width - 2, height);
    });
}

const live = {
    recording: null,
    before_s: 0, // of earlier recordings in the same transcript

    setState(state, text) {
        const button = $("record");
        button.dataset.state = state;
        $("record-text").textContent = {idle: "Start", live: "Stop"}[state] ?? "Wait";
        button.disabled = state === "finishing" || state === "starting";
        if (document.activeElement === document.body) // it had the focus, and was disabled meanwhile
            button.focus({preventScroll: true});
        $("live-status").textContent = text;
    },

    async start() {
        tell("");
        wave.bars = [];
        live.setState("starting", "Asking for the microphone …");
        if (live.transcript.segments.length === 0)
            live.before_s = 0;
        const recording = live.recording = new Recording({
            ready: () => live.setState("live", "Listening. Grey words may still change."),
            event: (e) => live.take(e),
            level: (peak, s) => live.showLevel(peak, s),
            lost: () => live.stop(),
            end: (why) => live.stopped(recording, why),
        });
        try {
            await recording.open();
        } catch (why) {
            recording.close(typeof why === "string" ? why : `The microphone cannot be used: ${why.message}`);
        }
    },

    stop() {
        live.setState("finishing", "Waiting for the last words …");
        live.recording.finish();
    },

    toggle() {
        const state = $("record").dataset.state;
        if (state === "live")
            live.stop();
        else if (state === "idle")
            live.start();
    },

    take(event) {
        const shift = (s) => Math.round((s + live.before_s) * 1000) / 1000;
        const segment = {
            start: shift(event.start), end: shift(event.end), text: event.text, language: event.language,
            words: (event.words ?? []).map((w) => ({...w, start: shift(w.start), end: shift(w.end)})),
        };
        if (event.type === "partial")
            live.transcript.setOpen({...segment, committed: event.committed});
        else if (event.type === "final")
            live.transcript.add(segment);
    },

    showLevel(peak, s) {
        const level = Math.max(0, Math.min(1, (20 * Math.log10(peak + 1e-9) + 54) / 54)); // from -54 dB
        $("level").setAttribute("aria-valuenow", Math.round(level * 100));
        $("clock").textContent = shortTime(s);
        drawWave(level);
    },

    stopped(recording, why) {
        live.before_s += recording.context ? recording.n_samples / recording.context.sampleRate : 0;
        live.recording = null;
        live.transcript.setOpen(null);
        live.setState("idle", why === "" ? "Done. Start goes on behind the text." : "Stopped.");
        $("level").setAttribute("aria-valuenow", 0);
        $("wave").width = 0; // nothing is drawn
        tell(why);
    },
};

// ---- a recording's part of the page

// The words of a verbose answer, each in its segment: they stand in segments, or in a list of all.
function segmentsOf(answer) {
    const rest = [...(answer.words ?? [])];
    const list = answer.segments ?? [{start: 0, end: answer.duration ?? 0, text: answer.text ?? ""}];
    return list.map((segment) => {
        let words = segment.words ?? [];
        if (segment.words === undefined) {
            const n = rest.findIndex((word) => word.start >= segment.end - 1e-3 && word.end > segment.end + 1e-3);
            words = rest.splice(0, n < 0 ? rest.length : n);
        }
        return {start: segment.start, end: segment.end, text: segment.text.trim(), language: answer.language, words};
    });
}

const job = {
    request: null,
    media: null,

    open(file) {
        job.cancel();
        tell("");
        job.name = file.name.replace(/\.[^.]*$/, "") || "recording";
        job.transcript.clear();
        job.showPlayer(file);
        job.send(file);
    },

    showPlayer(file) {
        if (job.url)
            URL.revokeObjectURL(job.url);
        job.url = URL.createObjectURL(file);
        const media = job.media = document.createElement(file.type.startsWith("video/") ? "video" : "audio");
        media.controls = true;
        media.setAttribute("aria-label", `Player of ${file.name}`);
        const follow = () => {
            job.transcript.follow(media.currentTime);
            if (!media.paused)
                requestAnimationFrame(follow);
        };
        media.addEventListener("play", follow);
        media.addEventListener("seeked", follow);
        media.addEventListener("error", () => {
            if (job.media !== media)
                return;
            $("player").textContent = "This browser cannot play the recording; its words come all the same.";
            job.media = null;
        });
        media.src = job.url;
        $("player").replaceChildren(media);
        $("player").hidden = false;
    },

    seek(s) {
        if (job.media === null)
            return;
        job.media.currentTime = s;
        job.media.play().catch(() => {});
    },

    send(file) {
        const form = new FormData(), request = job.request = new XMLHttpRequest();
        for (const [name, value] of Object.entries(chosen()))
            if (name !== "task")
                form.append(name, value);
        form.append("response_format", "verbose_json");
        form.append("timestamp_granularities[]", "word");
        form.append("timestamp_granularities[]", "segment");
        form.append("stream", "true");
        form.append("include[]", "progress");
        form.append("file", file);
        request.open("POST", at(`v1/audio/${chosen().task === "translate" ? "translations" : "transcriptions"}`));
        for (const [name, value] of Object.entries(authorization()))
            request.setRequestHeader(name, value);
        const stream = new EventText((event) => job.take(event));
        request.upload.onprogress = ({loaded, total}) => job.show(`Sending ${file.name} …`, loaded / total);
        request.upload.onload = () => job.show(`Transcribing ${file.name} …`, null);
        request.onprogress = () => {
            if (request.getResponseHeader("content-type")?.startsWith("text/event-stream"))
                stream.add(request.responseText);
        };
        request.onload = () => job.loaded(request, stream);
        request.onerror = () => job.ended(TEXTS.away);
        request.send(form);
        $("job").hidden = false;
        $("drop").classList.add("small");
        job.show(`Sending ${file.name} …`, 0);
    },

    show(text, share) {
        if ($("job-status").textContent !== text)
            $("job-status").textContent = text;
        if (share === null)
            $("progress").removeAttribute("value");
        else
            $("progress").value = share;
    },

    // An event of the answer, while it is made: a segment with its words, or only more of the text.
    take(event) {
        if (event.type === "transcript.text.segment") {
            job.hasSegments = true;
            segmentsOf({segments: [event], language: event.language}).forEach((s) => job.transcript.add(s));
        } else if (event.type === "transcript.progress" && event.duration > 0) {
            const share = event.seconds / event.duration;
            job.show($("job-status").textContent, share < 1 ? share : null);
        } else if (event.type === "transcript.text.done") {
            job.done = event;
            job.transcript.segments.forEach((s) => s.language ??= event.language);
        } else if (event.type === "error") {
            job.failure = `The server answered: ${event.error?.message ?? event.message}`;
        }
    },

    loaded(request, stream) {
        if (request.status !== 200) {
            job.ended(meaning(request.status, request.responseText));
            return;
        }
        if (request.getResponseHeader("content-type").startsWith("text/event-stream"))
            stream.add(request.responseText);
        else
            job.done = JSON.parse(request.responseText);
        if (!job.hasSegments && job.done)
            segmentsOf(job.done).forEach((s) => job.transcript.add(s));
        job.ended(job.failure ?? (job.done ? "" : TEXTS.lost));
    },

    ended(why) {
        job.request = null;
        job.done = job.failure = undefined;
        job.hasSegments = false;
        $("job").hidden = true;
        const isEmpty = job.transcript.segments.length === 0;
        $("job-status").textContent = why !== "" ? "" : isEmpty ? "No speech was found." : "Done.";
        tell(why);
    },

    cancel() {
        if (job.request === null)
            return;
        job.request.abort();
        job.ended("");
        $("job-status").textContent = "Cancelled.";
    },
};

// Server-sent events out of a text that grows.
class EventText {
    constructor(take) {
        this.take = take;
        this.at = 0;
    }

    add(text) {
        for (let end; (end = text.indexOf("\n\n", this.at)) >= 0; this.at = end + 2) {
            const lines = text.slice(this.at, end).split("\n").filter((line) => line.startsWith("data:"));
            const data = lines.map((line) => line.slice(5).trim()).join("\n");
            if (data !== "" && data !== "[DONE]")
                this.take(JSON.parse(data));
        }
    }
}

// ---- the page

function showTab(name) {
    for (const tab of ["live", "file"]) {
        $(tab).hidden = tab !== name;
        $(`tab-${tab}`).setAttribute("aria-selected", String(tab === name));
        $(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
    }
    fitSettings();
}

function listLanguages() {
    const names = new Intl.DisplayNames(["en"], {type: "language", fallback: "code"});
    const pairs = LANGUAGES.split(" ").map((code) => [code, RARE[code] ?? names.of(code)]);
    pairs.sort((a, b) => a[1].localeCompare(b[1], "en"));
    fill($("language"), [["", "Detect"], ...pairs]);
}

function listen() {
    $("record").addEventListener("click", live.toggle);
    $("cancel").addEventListener("click", job.cancel);
    $("choose").addEventListener("change", () => {
        if ($("choose").files.length > 0)
            job.open($("choose").files[0]);
        $("choose").value = ""; // the same file may be chosen again
    });
    $("notice-close").addEventListener("click", () => tell(""));
    $("settings").addEventListener("submit", (e) => e.preventDefault());
    $("settings").addEventListener("change", ({target}) => {
        remember("localStorage", target.id, target.value);
        if (target.id === "model")
            fitSettings();
    });
    $("token-form").addEventListener("submit", async (e) => {
        e.preventDefault();
        token = $("token").value;
        $("token-form").hidden = true;
        tell("");
        const why = await loadModels();
        tell(why);
        if (why === "")
            remember("sessionStorage", "token", token);
    });
    for (const tab of ["live", "file"])
        $(`tab-${tab}`).addEventListener("click", () => showTab(tab));
    document.querySelector("[role=tablist]").addEventListener("keydown", ({key}) => {
        if (key !== "ArrowLeft" && key !== "ArrowRight")
            return;
        const other = $("live").hidden ? "live" : "file";
        showTab(other);
        $(`tab-${other}`).focus();
    });
    document.addEventListener("keydown", (e) => {
        if (e.key === "Escape")
            hideTip();
        else if (e.key === "Enter" && e.ctrlKey && !$("live").hidden)
            live.toggle();
        else
            return;
        e.preventDefault();
    });
    acceptDrops();
}

function acceptDrops() {
    const mark = (is) => $("drop").classList.toggle("over", is);
    document.addEventListener("dragover", (e) => {
        if (!e.dataTransfer.types.includes("Files"))
            return;
        e.preventDefault();
        showTab("file");
        mark(true);
    });
    document.addEventListener("dragleave", (e) => mark(e.relatedTarget !== null));
    document.addEventListener("drop", (e) => {
        mark(false);
        if (e.dataTransfer.files.length === 0)
            return;
        e.preventDefault();
        job.open(e.dataTransfer.files[0]);
    });
}

const now = () => new Date().toISOString().slice(0, 16).replace("T", "-").replace(":", "");

live.transcript = new Transcript($("live"), "Press Start and speak: the words appear here while you do.",
    {seek: null, name: () => `speech-${now()}`});
job.transcript = new Transcript($("file"), "The words appear here while the recording is transcribed.",
    {seek: job.seek, name: () => job.name});
listLanguages();
listen();
loadModels().then(tell);
