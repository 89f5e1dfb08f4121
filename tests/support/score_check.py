#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""score_check.py LINNET FOLDER [REF HYP RULES]: compares `linnet score` with jiwer (error rates, counts, alignments) and
its bootstrap with numpy, on REF and HYP or on 300 utterances of its own, which go into FOLDER."""
import collections
import json
import random
import subprocess
import sys
import unicodedata

import jiwer
import numpy as np

SAMPLES = 1000


def check(good, what):
    if not good:
        sys.exit(f"FAILED: {what}")


def score(linnet, *arguments):
    """The object that it prints; 1: some hypotheses are missing."""
    done = subprocess.run([linnet, "score", "--json", *arguments], stdout=subprocess.PIPE, check=False)
    check(done.returncode in (0, 1), f"score {arguments}")
    return json.loads(done.stdout)


def write(path, texts):
    with open(path, "w", encoding="utf-8") as f:
        for i, words in enumerate(texts):
            f.write(f"u{i:03} {' '.join(words)}\n")


def spoil(words, vocabulary, draw):
    """Words with errors: few different ones, so that many alignments are equally good."""
    out = []
    for word in words:
        what = draw.random()
        if what >= 0.1:
            out.append(draw.choice(vocabulary) if what < 0.25 else word)
        if draw.random() < 0.1:
            out.append(draw.choice(vocabulary))
    return out


def make(folder):
    draw = random.Random(15)
    vocabulary = "a b the cat été 你 好 sat on mat".split()
    references = [[draw.choice(vocabulary) for _ in range(draw.choice((0, 1, 5, 10, 40)))] for _ in range(300)]
    paths = [f"{folder}/{name}" for name in ("ref", "hyp", "hyp2")]
    write(paths[0], references)
    for path in paths[1:]:
        write(path, [spoil(words, vocabulary, draw) for words in references])
    return paths


def counts(output):
    return {"ins": output.insertions, "del": output.deletions, "sub": output.substitutions,
            "errors": output.insertions + output.deletions + output.substitutions,
            "total": output.hits + output.deletions + output.substitutions}


def same_counts(edits, output, what):
    wanted = counts(output)
    rate = 100 * wanted["errors"] / max(1, wanted["total"])
    check({k: edits[k] for k in wanted} == wanted, f"{what}: {edits}, jiwer {wanted}")
    if wanted["total"] > 0:
        check(abs(edits["percent"] - rate) < 1e-4, f"{what}: {edits['percent']} %, jiwer {rate}")


def chunks(output):
    """jiwer's alignment in the form of ours."""
    names = {"equal": "ok", "substitute": "sub", "delete": "del", "insert": "ins"}
    reference, hypothesis = output.references[0], output.hypotheses[0]
    for c in output.alignments[0]:
        for k in range(max(c.ref_end_idx - c.ref_start_idx, c.hyp_end_idx - c.hyp_start_idx)):
            yield [names[c.type], reference[c.ref_start_idx + k] if c.type != "insert" else None,
                   hypothesis[c.hyp_start_idx + k] if c.type != "delete" else None]


def words_of(alignment, side):
    return " ".join(step[side] for step in alignment if step[side] is not None)


def against_jiwer(found):
    """Texts are those of the alignments, which are normalized; the check that they are the files' is the caller's."""
    confusions = collections.Counter()
    references = [words_of(u["alignment"], 1) for u in found["utterances"]]
    hypotheses = [words_of(u["alignment"], 2) for u in found["utterances"]]
    for u, reference, hypothesis in zip(found["utterances"], references, hypotheses):
        one = jiwer.process_words(reference, hypothesis)
        same_counts(u["wer"], one, u["id"])
        wanted = list(chunks(one))
        check(u["alignment"] == wanted, f"{u['id']}: {u['alignment']}, jiwer {wanted}")
        confusions.update(tuple(step) for step in wanted if step[0] != "ok")
    every = jiwer.process_words(references, hypotheses)
    same_counts(found["wer"], every, "all")
    check(abs(found["wer"]["percent"] - 100 * every.wer) < 1e-4, f"{found['wer']['percent']} %, jiwer's {every.wer}")
    bare = [[text.replace(" ", "") for text in texts] for texts in (references, hypotheses)]
    letters = jiwer.process_characters(*bare)
    same_counts(found["cer"], letters, "letters")
    order = {"sub": 0, "del": 1, "ins": 2}
    ranked = sorted(confusions.items(), key=lambda c: (order[c[0][0]], -c[1], *((w or "").encode() for w in c[0][1:])))
    wanted = [[*what, n] for kind in order for what, n in [c for c in ranked if c[0][0] == kind][:5]]
    check(found["confusions"] == wanted, f"confusions: {found['confusions']}, wanted {wanted}")


def draws(n_samples, n):
    """The utterances that the program draws: splitmix64 from the state 1."""
    with np.errstate(over="ignore"):
        z = np.uint64(1) + np.arange(1, n_samples * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z % np.uint64(n)).astype(int).reshape(n_samples, n)


def differences(rows, more, total):
    return 100 * more[rows].sum(axis=1) / total[rows].sum(axis=1)


def p_of(samples):
    return min(1, 2 * min((samples >= 0).mean(), (samples <= 0).mean()))


def against_numpy(difference, a, b):
    """The same draws give the same numbers; other draws the same but for chance."""
    errors = [np.array([u["wer"]["errors"] for u in found["utterances"]]) for found in (a, b)]
    total, more = np.array([u["wer"]["total"] for u in a["utterances"]]), errors[1] - errors[0]
    n, n_tail = len(total), int(0.025 * SAMPLES)
    samples = np.sort(differences(draws(SAMPLES, n), more, total))
    wanted = {"percent": 100 * more.sum() / total.sum(), "low": samples[n_tail], "high": samples[-1 - n_tail],
              "p": p_of(samples)}
    for key, value in wanted.items():
        check(abs(difference[key] - value) <= 0.5001e-4, f"{key} {difference[key]}, numpy {value}")
    # A quantile q of N normal samples has a standard error of sqrt(q (1 - q) / N) / density, 2.67 sd / sqrt(N) at
    # 0.025; with 1000 and 100000 samples that of the difference is 0.085 sd. Five of them.
    rng = np.random.default_rng(15)
    other = differences(rng.integers(0, n, (100000, n)), more, total)
    for key, q in (("low", 0.025), ("high", 0.975)):
        value = np.quantile(other, q)
        check(abs(difference[key] - value) < 5 * 0.085 * other.std(), f"{key} {difference[key]}, numpy's own {value}")
    p = p_of(other)
    check(abs(difference["p"] - p) < 5 * 2 * np.sqrt(max(p, 1e-3) / 2 / SAMPLES) + 1e-3,
          f"p {difference['p']}, numpy's own {p}")


def main():
    linnet, folder = sys.argv[1:3]
    if len(sys.argv) > 3:
        against_jiwer(score(linnet, "--align", "--confusions=5", *sys.argv[3:5], "--normalize", sys.argv[5]))
        return
    paths = make(folder)
    a = score(linnet, "--align", "--confusions=5", "--against", paths[2], f"--samples={SAMPLES}", *paths[:2])
    b = score(linnet, "--align", paths[0], paths[2])
    for side, path in ((1, paths[0]), (2, paths[1])):
        with open(path, encoding="utf-8") as f:
            lines = [line.split() for line in f]
        given = {line[0]: unicodedata.normalize("NFC", " ".join(line[1:])) for line in lines}
        check(given == {u["id"]: words_of(u["alignment"], side) for u in a["utterances"]}, f"{path}: other words")
    against_jiwer(a)
    check(a["against"]["wer"] == b["wer"], "another error rate against")
    against_numpy(a["difference"], a, b)


main()
