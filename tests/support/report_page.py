# SPDX-License-Identifier: Apache-2.0
"""Uses the page of a report (that of report_case.py) as people do, and looks at it.

report_page.py CHROMIUM PAGE FOLDER SOUND. FOLDER: where screenshots go; SOUND: for the browser's microphone, which
nobody asks for."""
import sys
import tempfile
import time

import page
from browser import Browser
from page import CONTRAST, FOCUSED, SIZES, check

RESCORING, GREEDY = '<rescoring> | "8 bits", int8', "CTC greedy, fp32"
def look(browser, folder):
    """All of the page, in all sizes and schemes."""
    for columns, rows, scheme in SIZES:
        browser.show(columns, rows, scheme)
        wide = browser.js("document.documentElement.scrollWidth")
        check(wide <= columns, f"{wide} pixels wide on {columns}")
        contrast = browser.js(CONTRAST)
        check(contrast["n"] > 100 and not contrast["low"], f"{columns}, {scheme}: contrast too low: {contrast}")
        browser.show(columns, browser.js("document.documentElement.scrollHeight"), scheme)
        browser.screenshot(f"{folder}/report-{columns}-{scheme}.png")
    for role, title in browser.focusable():
        check(title != "", f"a {role} without a name")
    browser.show(*SIZES[0])


def texts(browser, selector):
    return browser.js(f"[...document.querySelectorAll({selector!r})].map((e) => e.textContent.trim())")


def check_table(browser):
    """By mouse and by keyboard."""
    cells = "#results tbody tr > :nth-child({})"
    check(texts(browser, cells.format(1)) == ["1", "2", "3"], "the table's first order")
    head = "document.querySelector('#results th:nth-child({})')"
    browser.click("#results th:nth-child(5) .sort")
    check(texts(browser, cells.format(1)) == ["2", "1", "3"], f"by WER: {texts(browser, cells.format(5))}")
    check(browser.js(head.format(5) + ".getAttribute('aria-sort')") == "ascending", "no aria-sort")
    browser.js(head.format(8) + ".querySelector('button').focus()")
    for wanted, order in (["1", "2", "3"], "ascending"), (["3", "2", "1"], "descending"):
        browser.key("Enter", 13, text="\r")
        check(texts(browser, cells.format(1)) == wanted, f"by speed: {texts(browser, cells.format(8))}")
        check(browser.js(head.format(8) + ".getAttribute('aria-sort')") == order, f"aria-sort is not {order}")
    check(browser.js(head.format(5) + ".getAttribute('aria-sort')") is None, "two columns are sorted by")
    browser.click("#results th:nth-child(9) .sort")  # of which two have no value
    check(texts(browser, cells.format(1))[0] == "3", "what is not there comes first")


def choose(browser, name, system):
    browser.js(f"""(() => {{ const e = document.querySelector('#{name}'); e.value = '{system}';
        e.dispatchEvent(new Event('change', {{bubbles: true}})); }})()""")


def check_side_by_side(browser):
    both = "document.querySelector('#first').value + ' ' + document.querySelector('#second').value"
    check(browser.js(both) == "rescoring_int8 greedy_fp32", f"the two best are {browser.js(both)}")
    check(texts(browser, ".both h3 .count") == ["0 and 2 errors, 2 words", "0 and 1 errors, 6 words",
                                                "1 and 0 errors, 3 words"],
          f"side by side: {texts(browser, '.both h3')}")
    differs = "[...document.querySelectorAll('.both .differs')].map((e) => [...e.children].map((c) => c.textContent))"
    check(browser.js(differs) == [["≠\u00a0", "\u00a0", "+oh"], ["≠night", "night", "~knight"], ["≠the", "the", "−"],
                                  ["≠two", "~too", "two"]], f"marked: {browser.js(differs)}")
    told = browser.js("document.querySelector('#told').textContent")
    check(told == f"Of 4 utterances {RESCORING} has fewer errors in 2, {GREEDY} in 1; both write the same in 1. Of the "
                  f"words that differ {RESCORING} alone has 2 right, {GREEDY} alone 1.", f"the summary: {told}")
    hidden = texts(browser, ".both li")
    check(hidden[:2] == [f"nothing said: {RESCORING} nothing, {GREEDY} oh",
                         f"night: {RESCORING} right, {GREEDY} knight"], f"read out: {hidden}")
    choose(browser, "second", "live_int8")
    check(any("</script><script>" in text for text in texts(browser, ".both .differs span")), "no strange word")
    check(len(texts(browser, ".both")) == 3, "the second choice")
    browser.click("#all")
    check(len(texts(browser, ".both")) == 4, "not all, where all are wanted")
    browser.click("#find")
    browser.call("Input.insertText", text="MAT")
    check(texts(browser, ".both h3")[0].startswith("u1 ") and len(texts(browser, ".both")) == 1,
          f"with MAT: {texts(browser, '.both h3')}")


def check_player(browser):
    """A click on a word plays from there, and the cursor follows."""
    player = "document.querySelector('#worst audio')"
    browser.until(lambda: browser.js(f"{player}.readyState > 0"), "the sound can be read")
    length = browser.js(f"{player}.duration")
    browser.click("#worst .word:nth-of-type(3) rect")
    start = browser.js("Number(document.querySelectorAll('#worst .card .word')[1].dataset.start)")
    browser.until(lambda: browser.js(f"{player}.currentTime > {start}"), "it plays from the word on")
    check(browser.js("document.querySelector('#worst .cursor').hasAttribute('transform')"), "no cursor")
    browser.js(f"{player}.pause()")
    check(abs(length - 1.2) < 0.02, f"the first utterance has {length} s of sound")
    size = browser.js("""(async () => { const image = new Image();
        image.src = document.querySelector('#worst image').getAttribute('href');
        await image.decode();
        return [image.naturalWidth, image.naturalHeight]; })()""")
    check(size[0] >= 600 and size[1] == 129, f"the spectrogram has {size} pixels")


def check_keyboard(browser):
    """Tab comes to everything, with a mark that is seen."""
    browser.js("document.activeElement.blur(), scrollTo(0, 0)")
    reached = []
    for _ in range(120):
        browser.key("Tab", 9)
        focused = browser.js(FOCUSED)
        if focused["isBody"]:
            break
        reached.append(focused["id"])
        check(focused["isSeen"], f"the focus on {focused['id']} cannot be seen")
    for wanted in ("skip", "sort", "AUDIO", "scroll", "first", "second", "find", "all", "SUMMARY"):
        check(wanted in reached, f"Tab does not come to {wanted}: {reached}")


def use(browser, path, folder):
    address = f"file://{path}"
    start = time.monotonic()
    browser.open(address)
    print(f"open after {time.monotonic() - start:.1f} s")
    check(browser.js("document.title") == "custom – linnet", f"the title: {browser.js('document.title')}")
    landmarks = [browser.js(f"document.querySelectorAll('{name}').length")
                 for name in ("header", "nav", "main", "footer")]
    check(landmarks == [1, 1, 1, 1], f"landmarks: {landmarks}")
    plots = browser.js("[...document.querySelectorAll('svg.plot')].map((e) => e.querySelectorAll('use, path').length)")
    check(len(plots) == 5 and min(plots) > 5, f"plots: {plots}")
    named = texts(browser, "svg.plot text")
    check([named.count(text) for text in ("WER in percent", "accuracy", "confidence")] == [2, 3, 3], f"axes: {named}")
    look(browser, folder)
    check_keyboard(browser)
    check_table(browser)
    check_side_by_side(browser)
    check_player(browser)
    others = [url for url in browser.requests if not url.startswith("data:") and url != address]
    check(not others, f"asks for {others}")
    check(browser.errors == [], f"the console says {browser.errors}")


def main(program, path, folder, sound):
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, profile, sound)
        try:
            browser.show(*SIZES[0])
            use(browser, path, folder)
            browser.close()
        except Exception:
            browser.screenshot(f"{folder}/failed.png")
            print(browser.errors)
            raise
        finally:
            browser.kill()
    return page.bad


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
