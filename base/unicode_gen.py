#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes base/unicode_data.h from Python's own copy of the Unicode character database (14.0 in Python 3.11)."""
import unicodedata as u

CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CLASSES = {"L": "L", "Nd": "D", "N": "N", "Mn": "Q", "M": "M", "P": "P", "S": "S", "Z": "Z", "C": "C"}
ORDER = "CLDNQMPSZ"  # of enum unicode_class in base/unicode.h


def klass(c):
    category = u.category(chr(c))
    return CLASSES.get(category, CLASSES[category[0]])


def array(kind, name, items, comment):
    print(f"\n/* {comment} */\nstatic const {kind} {name}[] = {{")
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 118:
            print(line)
            line = "   "
        line += f" {item},"
    print(line + "\n};")


def runs(value):
    """[(first code of a run, its value)]"""
    out, last = [], None
    for c in CODES:
        v = value(c)
        if v != last:
            out.append((c, v))
        last = v
    return out


def wide_runs():
    """Codes that are not assigned count as those before them."""
    out = []
    for c in CODES:
        wide = u.east_asian_width(chr(c)) in "WF"
        if u.category(chr(c)) != "Cn" and (not out or out[-1][1] != wide):
            out.append((c, wide))
    return out


def case_runs(change):
    """[first, last, step, difference] of letters with a single partner of the other case."""
    out = []
    for c in CODES:
        other = change(chr(c))
        if len(other) != 1 or ord(other) == c:
            continue
        d = ord(other) - c
        if out and out[-1][3] == d and c - out[-1][1] <= 2 and out[-1][2] in (0, c - out[-1][1]):
            out[-1][2] = c - out[-1][1]
            out[-1][1] = c
        else:
            out.append([c, c, 0, d])
    return [[a, b, s or 1, d] for a, b, s, d in out]


POOL, PLACES = [], {}


def mappings(change, is_wanted):
    """(code, place in the pool, number) of codes that become several, or others."""
    out = []
    for c in CODES:
        full = tuple(map(ord, change(chr(c))))
        if full == (c,) or not is_wanted(c, full):
            continue
        if full not in PLACES:
            PLACES[full] = len(POOL)
            POOL.extend(full)
        out.append((c, PLACES[full], len(full)))
    return out


def is_hangul(c):
    return 0xAC00 <= c <= 0xD7A3


def nfd(text):
    return u.normalize("NFD", text)


def nfkd(text):
    return u.normalize("NFKD", text)


def compositions():
    out = []
    for c in CODES:
        d = u.decomposition(chr(c)).split()
        if len(d) == 2 and not d[0].startswith("<"):
            a, b = int(d[0], 16), int(d[1], 16)
            if u.normalize("NFC", chr(a) + chr(b)) == chr(c):
                out.append((a, b, c))
    return sorted(out)


print(f"""/* SPDX-License-Identifier: Apache-2.0
 * unicode_data.h - tables from the Unicode character database {u.unidata_version}, made by unicode_gen.py; do not edit.
 *
 * The facts are Unicode's (https://www.unicode.org/license.txt).  Hangul syllables are left out: they are computed. */""")
array("uint32_t", "class_runs", [f"0x{c << 4 | ORDER.index(k):x}"
                                 for c, k in runs(klass)],
      "first code << 4 | enum unicode_class, in order of codes")
array("uint32_t", "wide_runs", [f"0x{c << 1 | k:x}" for c, k in wide_runs()],
      "first code << 1 | whether it is wide")
array("uint32_t", "combining_runs", [f"0x{c << 8 | k:x}" for c, k in runs(lambda c: u.combining(chr(c)))],
      "first code << 8 | canonical combining class")
for name, change, what in (("lower_runs", str.lower, "upper-case letters with one lower-case partner"),
                           ("upper_runs", str.upper, "lower-case letters with one upper-case partner")):
    array("struct case_run", name, [f"{{0x{a:x}, 0x{b:x}, {s}, {d}}}" for a, b, s, d in case_runs(change)], what)
MAPPINGS = (
    ("canonical", mappings(nfd, lambda c, full: not is_hangul(c)), "full canonical decompositions (NFD)"),
    ("compatible", mappings(nfkd, lambda c, full: full != tuple(map(ord, nfd(chr(c))))),
     "full compatibility decompositions (NFKD), where they are others"),
    ("long_upper", mappings(str.upper, lambda c, full: len(full) > 1), "upper case of several letters"),
)
array("uint32_t", "mapped", [f"0x{c:x}" for c in POOL], "what codes are mapped to, one after another")
for name, entries, what in MAPPINGS:
    array("struct mapping", name, [f"{{0x{c:x}, {o}, {n}}}" for c, o, n in entries], what + ", in order of codes")
array("struct composition", "compositions", [f"{{0x{a:x}, 0x{b:x}, 0x{c:x}}}" for a, b, c in compositions()],
      "canonical compositions (NFC), in order of pairs")
