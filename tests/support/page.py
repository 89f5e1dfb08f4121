# SPDX-License-Identifier: Apache-2.0
"""Uses the page of `linnet serve` as people do, and looks at it.

page.py use CHROMIUM URL SOUND FOLDER PID LIVE SRT: all of it. PID: of the server, which is to end; LIVE: a file with
the words that `linnet live` gives for SOUND; SRT: what `linnet transcribe -f srt` does.
page.py token CHROMIUM URL SOUND FOLDER TOKEN: what of it has to do with a token.
SOUND: a recording, which the microphone hears and which is chosen as a file; FOLDER: where screenshots and downloads
go."""
import difflib
import json
import os
import re
import signal
import sys
import tempfile
import time
from urllib.parse import urlsplit

from websockets.sync.client import connect

from browser import PATIENCE_S, Browser

SETTINGS = ["model", "language", "task", "decoder"]
SIZES = [(columns, rows, scheme) for columns, rows in ((1280, 800), (400, 860)) for scheme in ("light", "dark")]

# Texts whose contrast is below 4.5:1 (3:1 where they are large), of those that can be seen; disabled controls aside.
CONTRAST = """(() => {
    const numbers = (color) => color.match(/[0-9.]+/g).map(Number);
    const linear = (x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = (e) => {
        for (; e !== null; e = e.parentElement) {
            const color = numbers(getComputedStyle(e).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
            if (color[3] > 0) return null;
        }
        return [255, 255, 255];
    };
    const low = [];
    let n = 0;
    for (const e of document.querySelectorAll('body *')) {
        const isText = [...e.childNodes].some((c) => c.nodeType === 3 && c.data.trim() !== '') || e.matches('select');
        if (!isText || e.matches('option, :disabled, .hidden, .hidden *') || e.getClientRects().length === 0) continue;
        const style = getComputedStyle(e), back = ground(e);
        const [a, b] = [light(numbers(style.color)), back ? light(back) : NaN].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        n++;
        if (!((a + 0.05) / (b + 0.05) >= (isLarge ? 3 : 4.5)))
            low.push(`${e.outerHTML.slice(0, 80)}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
    }
    return {n, low};
})()"""

FOCUSED = """(() => {
    const e = document.activeElement, style = getComputedStyle(e.closest('.drop') ?? e);
    return {id: e.id || e.dataset.do || e.className || e.tagName, isBody: e === document.body,
            isSeen: e.matches('audio, video') || // whose controls are the browser's own
                (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)};
})()"""

# Notes while somebody speaks: how often there were words of each colour, and the clock at the first word.
WATCH = """(() => {
    const seen = window.seen = {provisional: 0, committed: 0, first: ''};
    const lines = document.querySelector('#live .lines');
    new MutationObserver(() => {
        for (const name of ['provisional', 'committed'])
            seen[name] += document.querySelector(`#live .open .${name}`) !== null;
        if (seen.first === '' && lines.textContent !== '')
            seen.first = document.querySelector('#clock').textContent;
    }).observe(lines, {childList: true});
})()"""

bad = 0


def check(good, what):
    global bad
    if not good:
        print("FAILED:", what)
        bad = 1


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def words_of_srt(text):
    return words(" ".join(line for line in text.splitlines() if "-->" not in line and not line.strip().isdigit()))


def look(browser, folder, name):
    """The page as it is now, in all sizes and schemes."""
    for columns, rows, scheme in SIZES:
        browser.show(columns, rows, scheme)
        wide = browser.js("document.documentElement.scrollWidth")
        check(wide <= columns, f"{name}: {wide} pixels wide on {columns}")
        contrast = browser.js(CONTRAST)
        check(contrast["n"] > 5 and not contrast["low"], f"{name}, {scheme}: contrast too low: {contrast}")
        browser.screenshot(f"{folder}/{name}-{columns}-{scheme}.png")
    for role, title in browser.focusable():
        check(title != "", f"{name}: a {role} without a name")


def check_keyboard(browser, wanted, name):
    """Tab comes to all of these, in order, each with a mark."""
    browser.js("""(() => { const first = document.createElement('span');
        first.tabIndex = -1;
        document.body.prepend(first);
        first.focus();
        first.remove(); })()""")
    reached = []
    for _ in range(40):
        browser.key("Tab", 9)
        focused = browser.js(FOCUSED)
        if focused["isBody"]:
            break
        if focused["id"] not in reached[-1:]: # a player has several controls
            reached.append(focused["id"])
        check(focused["isSeen"], f"{name}: the focus on {focused['id']} cannot be seen")
    check(reached == wanted, f"{name}: Tab goes {reached}, wanted {wanted}")


def check_live(browser, expected, folder):
    text = "document.querySelector('#live .lines').innerText"
    browser.js(WATCH)
    browser.show(1280, 800, "light")
    browser.click("#record")
    browser.until(lambda: words(browser.js(text)), "words appear")
    browser.until(lambda: browser.js("document.querySelector('#level').getAttribute('aria-valuenow') > 0"), "a level")
    browser.screenshot(f"{folder}/speaking-1280-light.png")
    colors = browser.js("""['provisional', 'committed'].map((name) => {
        const e = document.createElement('span');
        e.className = name;
        document.querySelector('#live .lines').append(e);
        const color = getComputedStyle(e).color;
        e.remove();
        return color;
    })""")
    check(colors[0] != colors[1], "what may change looks like what does not")
    browser.until(lambda: browser.js("document.querySelector('#clock').textContent") >= "0:12", "the recording's end")
    browser.key("Enter", 13, modifiers=2)
    browser.until(lambda: browser.js("document.querySelector('#record').dataset.state") == "idle", "it stops")
    check(browser.js("document.querySelector('#live .open') === null"), "an open utterance is left")
    seen = browser.js("window.seen")
    check(seen["first"] < "0:11", f"the first words appear at {seen['first']} of 11 s")
    check(seen["provisional"] > 0 and seen["committed"] > 0, f"no words of both colours: {seen}")
    got = words(browser.js("[...document.querySelectorAll('#live .text')].map((e) => e.textContent).join(' ')"))
    likeness = difflib.SequenceMatcher(None, got, expected).ratio()
    check("ask what you can do for your country" in " ".join(got) and likeness > 0.8,
          f"spoken: {got}, expected: {expected}")
    log = words(browser.js("[...document.querySelectorAll('#live [role=log] p')].map((e) => e.textContent).join(' ')"))
    check(log == got, f"a screen reader is told {log}")
    browser.hover("#live .word")
    tip = browser.js("document.querySelector('#tip').hidden ? '' : document.querySelector('#tip').textContent")
    check(re.fullmatch(r"\d\.\d\d – \d\.\d\d s, \d+ % sure", tip), f"a word tells '{tip}'")
    browser.key("Escape", 27)
    check(browser.js("document.querySelector('#tip').hidden"), "Escape leaves the word's times open")


def check_arrows(browser, expected):
    """The words are one place of the Tab key; the arrow keys go from one to the next and tell its times."""
    check_keyboard(browser, [*SETTINGS, "tab-file", "choose", "AUDIO", "copy", "txt", "srt", "vtt", "json", "clear",
                             "lines"], "a transcript")
    browser.js("document.querySelector('#file .lines').focus()")
    browser.key("ArrowRight", 39)
    told = browser.js("document.querySelector('#told').textContent")
    check(words(told)[0] == expected[1] and re.search(r": \d+\.\d\d – \d+\.\d\d s, \d+ % sure$", told),
          f"the arrow key tells '{told}'")
    check(not browser.js("document.querySelector('#tip').hidden"), "the picked word does not show its times")


def check_file(browser, sound, expected, folder):
    browser.click("#tab-file")
    check_keyboard(browser, [*SETTINGS, "tab-file", "choose"], "a recording")
    browser.drop_file("#drop", sound)
    status = "document.querySelector('#job-status').textContent"
    browser.until(lambda: browser.js(status) == "Done.", "it is transcribed")
    got = words(browser.js("[...document.querySelectorAll('#file .text')].map((e) => e.textContent).join(' ')"))
    check(got == expected, f"a file: {got}, expected {expected}")
    check_arrows(browser, expected)

    browser.download_to(folder)
    stem = os.path.splitext(os.path.basename(sound))[0]
    for kind in ("txt", "srt", "vtt", "json"):
        path = f"{folder}/{stem}.{kind}"
        browser.click(f"#file [data-do={kind}]")
        browser.until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, f"{kind} is downloaded")
    with open(f"{folder}/{stem}.srt", encoding="utf-8") as file:
        srt = file.read()
    check(words_of_srt(srt) == expected, f"SRT: {srt}")
    check(re.match(r"1\n00:00:\d\d,\d\d\d --> 00:00:\d\d,\d\d\d\n\S", srt), f"SRT: {srt}")
    with open(f"{folder}/{stem}.json", encoding="utf-8") as file:
        segments = json.load(file)["segments"]
    check([w for s in segments for word in s["words"] for w in words(word["word"])] == expected, f"JSON: {segments}")

    # The player goes where a word is clicked, and the words follow it.
    browser.click("#file .word:nth-child(4)")
    start = browser.js("document.querySelectorAll('#file .word')[3].word.start")
    at_s = "document.querySelector('#player audio').currentTime"
    browser.until(lambda: browser.js(f"{at_s} > {start} + 0.2"), "it plays from the word on")
    check(browser.js(f"{at_s} < {start} + 5"), "it plays from elsewhere")
    check(browser.js("document.querySelector('#file .current') !== null"), "no word is current")
    browser.js("document.querySelector('#player audio').pause()")


def notice(browser, what):
    return browser.until(lambda: browser.js("document.querySelector('#notice-text').textContent"), what)


def check_failures(browser, url, pid, folder):
    """No recording, no room, a server that goes away while somebody speaks, and one that is not there: each is told."""
    browser.choose_file("#choose", os.path.abspath(__file__))
    told = notice(browser, "no recording is told")
    check("not audio" in told, f"no recording is told so: {told}")
    browser.click("#notice-close")
    browser.click("#tab-live")
    with connect(f"ws{url[4:]}v1/stream") as other:
        other.send('{"type": "start"}')
        other.recv(timeout=PATIENCE_S)
        browser.click("#record")
        told = notice(browser, "no room is told")
        check("busy" in told and "again" in told, f"no room is told so: {told}")
    look(browser, folder, "busy")
    browser.until(lambda: start_again(browser), "there is room again")
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.5)  # two at once would be one; the second ends what the first lets go on
    os.kill(pid, signal.SIGTERM)
    told = notice(browser, "a lost connection is told")
    check("lost" in told and "Start" in told, f"a lost connection is told so: {told}")
    browser.until(lambda: browser.js("document.querySelector('#record').dataset.state") == "idle", "it stops")
    browser.click("#record")
    browser.until(lambda: browser.js("/reached/.test(document.querySelector('#notice-text').textContent)"),
                  "a server that is not there is told")


def start_again(browser):
    state = "document.querySelector('#record').dataset.state"
    browser.click("#record")
    browser.until(lambda: browser.js(state) in ("live", "idle"), "it starts")
    return browser.js(state) == "live"


def check_network(browser, url):
    hosts = {urlsplit(request).netloc for request in browser.requests if not request.startswith(("data:", "blob:"))}
    check(hosts == {urlsplit(url).netloc}, f"requests go to {hosts}")
    check(browser.errors == [], f"the console says {browser.errors}")


def token(browser, url, _, folder, good):
    """A server that wants a token: the page asks for it, and uses it for requests and websockets."""
    browser.open(url)
    browser.until(lambda: browser.js("!document.querySelector('#token-form').hidden"), "a token is asked for")
    check(browser.js("document.activeElement.id") == "token", "the token's field has no focus")
    look(browser, folder, "token")
    for text, models in ("wrong", 0), (good, 1):
        browser.js("document.querySelector('#token').select()")
        browser.call("Input.insertText", text=text)
        browser.key("Enter", 13, text="\r")
        browser.until(lambda: browser.js("document.querySelector('#token-form').hidden") == bool(models), "it is tried")
        browser.until(lambda: browser.js("document.querySelector('#model').options.length") == models, "models")
    browser.click("#record")
    browser.until(lambda: browser.js("document.querySelector('#record').dataset.state") == "live", "live sound")
    browser.click("#record")
    browser.until(lambda: browser.js("document.querySelector('#record').dataset.state") == "idle", "it stops")
    check(browser.js("document.querySelector('#notice').hidden"), "something is wrong with a good token")


def use(browser, url, sound, folder, pid, live, srt):
    with open(live, encoding="utf-8") as file:
        spoken = words(file.read())
    with open(srt, encoding="utf-8") as file:
        written = words_of_srt(file.read())
    browser.open(url)
    browser.until(lambda: browser.js("document.querySelector('#model').value") == "whisper-base", "models")
    browser.js("""(() => { const e = document.querySelector('#language');
        e.value = 'en'; e.dispatchEvent(new Event('change', {bubbles: true})); })()""")
    check_keyboard(browser, [*SETTINGS, "tab-live", "record"], "at first")
    look(browser, folder, "start")
    check_live(browser, spoken, folder)
    look(browser, folder, "spoken")
    check_file(browser, sound, written, folder)
    look(browser, folder, "file")
    check_network(browser, url)
    check_failures(browser, url, int(pid), folder)


def main(what, program, url, sound, folder, *more):
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, profile, sound)
        try:
            browser.show(*SIZES[0])
            {"use": use, "token": token}[what](browser, url, sound, folder, *more)
            browser.close()
        except Exception:
            browser.screenshot(f"{folder}/failed.png")
            print(browser.js("document.querySelector('#notice').innerText"), browser.errors)
            raise
        finally:
            browser.kill()
    return bad


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
