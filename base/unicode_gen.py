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


def lower_runs():
    """[first, last, step, difference] of letters with a single lower-case partner."""
    out = []
    for c in CODES:
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c:
            continue
        d = ord(low) - c
        if out and out[-1][3] == d and c - out[-1][1] <= 2 and out[-1][2] in (0, c - out[-1][1]):
            out[-1][2] = c - out[-1][1]
            out[-1][1] = c
        else:
            out.append([c, c, 0, d])
    return [[a, b, s or 1, d] for a, b, s, d in out]


def decompositions():
    pool, entries, seen = [], [], {}
    for c in CODES:
        full = tuple(map(ord, u.normalize("NFKD", chr(c))))
        if full == (c,) or 0xAC00 <= c <= 0xD7A3:
            continue
        if full not in seen:
            seen[full] = len(pool)
            pool.extend(full)
        entries.append((c, seen[full], len(full)))
    return pool, entries


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
array("uint32_t", "combining_runs", [f"0x{c << 8 | k:x}" for c, k in runs(lambda c: u.combining(chr(c)))],
      "first code << 8 | canonical combining class")
array("struct lower_run", "lower_runs", [f"{{0x{a:x}, 0x{b:x}, {s}, {d}}}" for a, b, s, d in lower_runs()],
      "upper-case letters with one lower-case partner")
POOL, ENTRIES = decompositions()
array("uint32_t", "decomposed", [f"0x{c:x}" for c in POOL], "what codes decompose to, one after another")
array("struct decomposition", "decompositions", [f"{{0x{c:x}, {o}, {n}}}" for c, o, n in ENTRIES],
      "full compatibility decompositions (NFKD), in order of codes")
array("struct composition", "compositions", [f"{{0x{a:x}, 0x{b:x}, 0x{c:x}}}" for a, b, c in compositions()],
      "canonical compositions (NFC), in order of pairs")
