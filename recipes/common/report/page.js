// SPDX-License-Identifier: Apache-2.0
// page.js - what of the report needs a script: tables that can be sorted, spectrograms that follow their players, two
// systems side by side.  All text goes into the page as text.
"use strict";

const $ = (id) => document.getElementById(id);

function make(name, kind, ...inside) {
    const element = document.createElement(name);
    if (kind)
        element.className = kind;
    element.append(...inside);
    return element;
}

// ---- tables

// Cells without a value come last, whichever way it is sorted.
function sortBy(head) {
    const row = head.parentElement, body = head.closest("table").tBodies[0], column = [...row.cells].indexOf(head);
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1, isNumber = head.classList.contains("number");
    const keyed = [...body.rows].map((line) => {
        const value = line.cells[column].dataset.value;
        return [value === undefined ? null : isNumber ? Number(value) : value, line];
    });
    keyed.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) :
        sign * (isNumber ? a - b : a.localeCompare(b, undefined, {numeric: true})));
    for (const other of row.cells)
        other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    body.append(...keyed.map(([, line]) => line));
}

for (const button of document.querySelectorAll(".sort"))
    button.addEventListener("click", () => sortBy(button.closest("th")));

// ---- players

function follow(card) {
    const player = card.querySelector("audio"), picture = card.querySelector(".spectrogram");
    if (player === null || picture === null)
        return;
    const columns = picture.viewBox.baseVal.width, duration = Number(picture.dataset.duration);
    const cursor = picture.querySelector(".cursor");
    const show = () => {
        cursor.setAttribute("transform", `translate(${player.currentTime / duration * columns})`);
        if (!player.paused)
            requestAnimationFrame(show);
    };
    player.addEventListener("seeked", show);
    player.addEventListener("play", () => {
        for (const other of document.querySelectorAll("audio"))
            if (other !== player)
                other.pause();
        show();
    });
    picture.addEventListener("click", (e) => {
        const place = picture.getBoundingClientRect(), word = e.target.closest(".word");
        const at = word !== null ? Number(word.dataset.start) : (e.clientX - place.left) / place.width * duration;
        player.currentTime = Math.min(Math.max(at, 0), duration);
        player.play();
    });
}

document.querySelectorAll(".card").forEach(follow);

// On paper everything is open.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((e) => { e.open = true; }));

// ---- two systems side by side

const STEP = 20; // utterances that are shown at a time

// What was written for a word: " word" is right, "~word" another, "+word" put in, "−" left out, "" nothing at all.
const isRight = (text) => text[0] === " ";

// "3 ~mac - +the" beside the reference: for each of its words what was written, and what was put in before it.
function unpack(words, packed) {
    const right = words.map(() => null), before = Array.from({length: words.length + 1}, () => []);
    let at = 0, errors = 0;
    for (const part of packed === "" ? [] : packed.split(" ")) {
        const sign = part[0];
        if (sign === "+")
            before[at].push(part);
        else if (sign === "~" || sign === "-")
            right[at++] = sign === "~" ? part : "−";
        else
            for (let n = Number(part); n > 0; n--, at++)
                right[at] = ` ${words[at]}`;
        errors += "~-+".includes(sign) ? 1 : 0;
    }
    return {right, before, errors};
}

// Columns {said, first, second}: what was said, and what each wrote there, "" for nothing.
function columnsOf(words, first, second) {
    const columns = [];
    for (let i = 0; i <= words.length; i++) {
        const n = Math.max(first.before[i].length, second.before[i].length);
        for (let k = 0; k < n; k++) {
            const [a, b] = [first, second].map((one) => one.before[i][k] ?? "");
            columns.push({said: "", first: a, second: b});
        }
        if (i < words.length)
            columns.push({said: words[i], first: first.right[i], second: second.right[i]});
    }
    return columns;
}

const split = (text) => text === "" ? [] : text.split(" ");

// Of every utterance that both have, those where most is at stake first.
function pairsOf(set, first, second) {
    const pairs = [];
    set.ids.forEach((id, i) => {
        const packed = [first, second].map((name) => set.systems[name][i]), words = split(set.references[i]);
        if (packed.includes(null))
            return;
        const [a, b] = packed.map((text) => unpack(words, text));
        const columns = packed[0] === packed[1] ? null : columnsOf(words, a, b);
        pairs.push({id, words, a, b, columns, differing: columns?.filter((c) => c.first !== c.second) ?? []});
    });
    return pairs.sort((x, y) => Math.abs(y.a.errors - y.b.errors) - Math.abs(x.a.errors - x.b.errors) ||
        y.differing.length - x.differing.length);
}

function summary(pairs, names) {
    const count = (test) => pairs.filter(test).length;
    let onlyFirst = 0, onlySecond = 0;
    for (const {differing} of pairs)
        for (const c of differing) {
            onlyFirst += isRight(c.first);
            onlySecond += isRight(c.second);
        }
    return `Of ${pairs.length} utterances ${names[0]} has fewer errors in ${count((p) => p.a.errors < p.b.errors)}, ` +
        `${names[1]} in ${count((p) => p.b.errors < p.a.errors)}; both write the same in ` +
        `${count((p) => p.differing.length === 0)}. Of the words that differ ${names[0]} alone has ${onlyFirst} ` +
        `right, ${names[1]} alone ${onlySecond}.`;
}

function written(text) {
    return make("span", text === "" || isRight(text) ? "" : "wrong", isRight(text) ? text.slice(1) : text || "\u00a0");
}

function showColumn({said, first, second}) {
    const differs = first !== second, column = make("span", differs ? "column differs" : "column");
    column.append(make("span", "", said || "\u00a0"), written(first), written(second));
    if (differs)
        column.firstChild.prepend(make("span", "mark", "≠"));
    return column;
}

// As a screen reader has it.
function told({said, first, second}, names) {
    const say = (text) => isRight(text) ? "right" : text === "" || text === "−" ? "nothing" : text.slice(1);
    return make("li", "", `${said || "nothing said"}: ${names[0]} ${say(first)}, ${names[1]} ${say(second)}`);
}

function showPair(pair, {numbers, names}) {
    const columns = make("div", "columns"), rows = make("div", "rows");
    const all = pair.columns ?? columnsOf(pair.words, pair.a, pair.b);
    columns.append(...all.map(showColumn));
    columns.dir = "auto";
    rows.append(make("div", "names", make("span", "", "said"), ...numbers.map((n) => make("span", "", n))), columns);
    rows.setAttribute("aria-hidden", "true");
    const title = make("h3", "", pair.id, " ",
        make("span", "count", `${pair.a.errors} and ${pair.b.errors} errors, ${pair.words.length} words`));
    const sound = document.getElementById(`sound-${pair.id}`);
    if (sound !== null) {
        const link = make("a", "fine", "listen");
        link.href = `#${encodeURIComponent(sound.id)}`;
        title.append(" ", link);
    }
    return make("article", "both", title, rows, make("p", "hidden", pair.words.join(" ")),
        make("ul", "hidden", ...pair.differing.map((column) => told(column, names))));
}

function sideBySide() {
    const {names, sets} = JSON.parse($("data").textContent);
    let shown = [], n = 0, chosen = null;

    const showMore = () => {
        const next = shown.slice(n, n + STEP);
        $("pairs").append(...next.map((pair) => showPair(pair, chosen)));
        n += next.length;
        $("more").hidden = n >= shown.length;
        $("more").textContent = `Show more (${shown.length - n} left)`;
    };
    const filter = () => {
        const wanted = $("find").value.trim().toLocaleLowerCase(), all = $("all").checked;
        shown = chosen.pairs.filter((pair) => (all || pair.differing.length > 0) && (wanted === "" ||
            [pair.id, ...pair.words, ...pair.differing.flatMap((c) => [c.first, c.second])]
                .some((text) => text.toLocaleLowerCase().includes(wanted))));
        n = 0;
        $("pairs").replaceChildren();
        showMore();
        const say = chosen.pairs.length === 0 ? "" : wanted === "" ? summary(chosen.pairs, chosen.names) :
            `${shown.length} utterances with “${wanted}”.`;
        $("told").textContent = chosen.why || say;
    };
    const choose = () => {
        const [first, second] = [$("first").value, $("second").value], both = [names[first], names[second]];
        const set = both[0][2], isOne = set === both[1][2];
        chosen = {numbers: both.map((name) => name[0]), names: both.map((name) => name[1]),
            why: isOne ? "" : "These two were run on different sets.",
            pairs: isOne ? pairsOf(sets[set], first, second) : []};
        filter();
    };
    for (const id of ["first", "second"])
        $(id).addEventListener("change", choose);
    $("find").addEventListener("input", filter);
    $("all").addEventListener("change", filter);
    $("choice").addEventListener("submit", (e) => e.preventDefault());
    $("more").addEventListener("click", () => {
        const last = $("pairs").lastElementChild;
        showMore();
        if ($("more").hidden && last?.nextElementSibling) { // the focus would be lost with the button
            last.nextElementSibling.tabIndex = -1;
            last.nextElementSibling.focus();
        }
    });
    choose();
}

if ($("data") !== null)
    sideBySide();
