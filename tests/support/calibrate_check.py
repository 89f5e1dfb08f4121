#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""calibrate_check.py make HYP.jsonl FOLDER: writes FOLDER/ref and FOLDER/utt2spk, in which words are right about as
often as their probabilities are high.
calibrate_check.py fit HYP.jsonl FOLDER CALIBRATION.json: the parameters and figures are those that numpy finds.
calibrate_check.py applied HYP.jsonl CALIBRATED.jsonl CALIBRATION.json: nothing has changed but confidences, by the
formula."""
import json
import random
import sys

import numpy as np


def check(good, what):
    if not good:
        sys.exit(f"FAILED: {what}")


def read(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def words_of(utterance):
    """The words of the text with their probabilities, where blanks part the decoder's words too; else none."""
    found = [w for s in utterance["segments"] for w in s["words"] if w["word"].strip() != ""]
    if [w["word"].strip() for w in found] != utterance["text"].split():
        return []
    return [(w["word"].strip(), w["probability"]) for w in found]


def make(hypotheses, folder):
    draw = random.Random(15)
    every = sorted(p for u in hypotheses for _, p in words_of(u))
    check(len(every) >= 80, f"{len(every)} words are too few to test with")
    with open(f"{folder}/ref", "w", encoding="utf-8") as ref, open(f"{folder}/utt2spk", "w", encoding="utf-8") as spk:
        for i, u in enumerate(hypotheses):
            words = u["text"].split()
            ranks = [every.index(p) / len(every) for _, p in words_of(u)] or [0.5] * len(words)
            kept = [w if draw.random() < 0.3 + 0.4 * r else f"wrong{k}" for k, (w, r) in enumerate(zip(words, ranks))]
            print(u["utt"], *kept, file=ref)
            print(u["utt"], f"speaker{i // 2}", file=spk)


def logit(p):
    p = np.clip(p, 0.00005, 0.99995)
    return np.log(p / (1 - p))


def calibrated(p, temperature, offset):
    return 1 / (1 + np.exp(-(logit(p) / temperature + offset)))


def fit(p, right):
    """Weighted least squares, again and again."""
    design, w = np.stack([logit(p), np.ones_like(p)], axis=1), np.zeros(2)
    for _ in range(50):
        q = 1 / (1 + np.exp(-design @ w))
        v = q * (1 - q)
        w = np.linalg.solve(design.T @ (v[:, None] * design), design.T @ (v * (design @ w) + right - q))
    return 1 / w[0], w[1]


def figures(p, right):
    bins = np.clip(np.ceil(p * 15).astype(int) - 1, 0, 14)
    ece = sum(abs(right[bins == i].sum() - p[bins == i].sum()) for i in range(15)) / len(p)
    q, share = np.clip(p, 0.00005, 0.99995), right.mean()
    most = -len(p) * (share * np.log2(share) + (1 - share) * np.log2(1 - share))
    return {"ece": ece, "nce": 1 + np.log2(np.where(right == 1, q, 1 - q)).sum() / most}


def near(found, wanted, what):
    for key, value in wanted.items():
        check(abs(found[key] - value) <= 1e-6 * (1 + abs(value)), f"{what}: {key} {found[key]}, numpy {value}")


def check_fit(hypotheses, folder, path):
    with open(f"{folder}/ref", encoding="utf-8") as f:
        references = {line.split()[0]: line.split()[1:] for line in f}
    with open(f"{folder}/utt2spk", encoding="utf-8") as f:
        speakers = dict(line.split() for line in f)
    names = sorted(set(speakers.values()))
    rows = [(p, w == r, names.index(speakers[u["utt"]]) % 2) for u in hypotheses
            for (w, p), r in zip(words_of(u), references[u["utt"]])]
    p, right, half = (np.array(column, dtype=float) for column in zip(*rows))
    with open(path, encoding="utf-8") as f:
        entry, = json.load(f)["calibrations"]
    check(entry["words"] == len(rows) and entry["decoder"] != "" and entry["streaming"] is False, f"{entry}")
    temperature, offset = fit(p, right)
    near(entry, {"temperature": temperature, "offset": offset}, "all")
    near(entry["before"], figures(p, right), "before")
    near(entry["after"], figures(calibrated(p, temperature, offset), right), "after")
    crossed = np.empty_like(p)
    for k in (0, 1):
        crossed[half == k] = calibrated(p[half == k], *fit(p[half != k], right[half != k]))
    near(entry["cross_validated"], figures(crossed, right), "cross-validated")
    check(entry["after"]["nce"] > entry["before"]["nce"], "no better than before")


def check_applied(before, after, path):
    with open(path, encoding="utf-8") as f:
        entry, = json.load(f)["calibrations"]
    n = 0
    for a, b in zip(before, after, strict=True):
        for s, t in zip(a["segments"], b["segments"], strict=True):
            for v, w in zip(s["words"], t["words"], strict=True):
                wanted = calibrated(v["probability"], entry["temperature"], entry["offset"])
                # probabilities are known to half of their fourth decimal, and confidences are written with four
                slope = wanted * (1 - wanted) / entry["temperature"] / max(v["probability"] * (1 - v["probability"]), 5e-5)
                check(abs(w["confidence"] - wanted) < 0.51e-4 * (1 + slope), f"{v}: {w}, wanted {wanted}")
                check(v["confidence"] == v["probability"], f"{v}: calibrated before")
                v["confidence"] = w["confidence"]
                n += 1
        check(a == b, f"{a['utt']}: more than confidences has changed")
    check(n >= 80, "too few words")


def main():
    what, hypotheses, rest = sys.argv[1], read(sys.argv[2]), sys.argv[3:]
    if what == "make":
        make(hypotheses, *rest)
    elif what == "fit":
        check_fit(hypotheses, *rest)
    else:
        check_applied(hypotheses, read(rest[0]), rest[1])


main()
