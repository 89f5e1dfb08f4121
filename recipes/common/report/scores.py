# SPDX-License-Identifier: Apache-2.0
"""scores.py - what `linnet score --json --align` says of a system, checked."""
import sys
from collections import namedtuple

from .reading import Trouble, dig, number

# One utterance as a system decoded it: steps are (kind, reference word or None, hypothesis word or None).
Utterance = namedtuple("Utterance", "errors total steps")

RATE = ("percent", "errors", "total", "ins", "del", "sub")
WORDS_OF = {"ok": (str, str), "sub": (str, str), "del": (str, type(None)), "ins": (type(None), str)}


def check_rates(score):
    """True, or it raises; the others likewise."""
    for name in ("wer", "cer"):
        if any(number(dig(score, name, key)) is None for key in RATE):
            raise Trouble(f"has no \"{name}\" with the numbers {', '.join(RATE)}")
    for name in ("by_speaker", "by_length"):
        groups = score.get(name) or {}
        if not isinstance(groups, dict):
            raise Trouble(f"\"{name}\" is no object")
        for group, rate in groups.items():
            if any(number(dig(rate, key)) is None for key in RATE):
                raise Trouble(f"\"{name}\", \"{group}\" has no numbers")
    return True


def check_confidence(confidence):
    if confidence is None:
        return True
    bins = dig(confidence, "bins")
    if number(dig(confidence, "ece")) is None or not isinstance(bins, list):
        raise Trouble("\"confidence\" has no \"ece\" and \"bins\"")
    for one in bins:
        if any(number(dig(one, key)) is None for key in ("low", "high", "n")):
            raise Trouble("a bin of \"confidence\" has no numbers low, high, n")
    return True


def read_steps(item):
    steps = dig(item, "alignment")
    if not isinstance(dig(item, "id"), str) or not isinstance(steps, list):
        raise Trouble("\"utterances\" is no list of {\"id\", \"alignment\"}")
    for step in steps:
        if not isinstance(step, list) or len(step) != 3 or str(step[0]) not in WORDS_OF:
            raise Trouble(f"the alignment of {item['id']} is no list of [kind, word, word]")
        if tuple(type(word) for word in step[1:]) != WORDS_OF[step[0]]:
            raise Trouble(f"the alignment of {item['id']} has a step '{step[0]}' without its words")
    return [(step[0], *(word if word is None else sys.intern(word) for word in step[1:])) for step in steps]


def read_utterances(score):
    """Of a score with alignments; None of one without."""
    items = score.get("utterances")
    if items is None:
        return None
    if not isinstance(items, list):
        raise Trouble("\"utterances\" is no list")
    utterances = {}
    for item in items:
        steps = read_steps(item)
        errors = sum(kind != "ok" for kind, _, _ in steps)
        utterances[item["id"]] = Utterance(errors, sum(kind != "ins" for kind, _, _ in steps), steps)
    return utterances


def reference_words(utterances):
    return (step[1] for one in utterances.values() for step in one.steps if step[1] is not None)


# Scripts that are written without blanks between words: ranges of code points.
UNSPACED = ((0x0e00, 0x0eff), (0x0f00, 0x109f), (0x1780, 0x17ff), (0x3040, 0x30ff), (0x3400, 0x9fff), (0xf900, 0xfaff),
            (0x20000, 0x3ffff))


def is_unspaced(texts):
    """Whether more than half of the letters are of such scripts."""
    letters = [ord(c) for text in texts for c in text if c.isalpha()]
    n = sum(any(low <= code <= high for low, high in UNSPACED) for code in letters)
    return 2 * n > len(letters)
