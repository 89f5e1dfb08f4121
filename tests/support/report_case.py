# SPDX-License-Identifier: Apache-2.0
"""The folder of an experiment as the stages of a recipe leave it, for the tests of its report.

report_case.py make FOLDER: two recordings, four utterances, three systems, and all but score/ and compare/.
report_case.py align FOLDER: alignments and confidences into score/*.json, which `linnet score` made.
report_case.py check PAGE WORDS...: whether the page holds together and needs nothing else, and has the words."""
import json
import math
import os
import re
import sys
import wave
from html.parser import HTMLParser

RATE_HZ = 16000
NASTY = "</script><script>document.title='taken'</script>"

# Utterance: recording, start, end, speaker, reference; then what each system writes.
UTTERANCES = {
    "u1": ("first", 0.2, 1.7, "ann", "the cat sat on the mat"),
    "u2": ("first", 2.0, 3.5, "ann", "a small bird sings"),
    "u3": ("second", 0.0, -1, "bob", "one two three"),
    "u4": ("first", 3.6, 4.8, "bob", "good night"),
}
HYPOTHESES = {
    "greedy_fp32": ("the cat sat on mat", "a small word sings", "one two three", "oh good knight"),
    "rescoring_int8": ("the cat sat on the mat", "a small word sings", "one too three", "good night"),
    "live_int8": ("the hat sat mat", f"a small {NASTY} things", "", "good night"),
}
SYSTEMS = """# name, title, kind, precision, set, options
greedy_fp32	CTC greedy	whole	fp32	dev	-d ctc_greedy
rescoring_int8	<rescoring> | "8 bits"	whole	int8	dev	-d attention_rescoring --precision int8
live_int8	streaming	streaming	int8	dev	--streaming
"""
STATS = {
    "greedy_fp32": {"real_time_factor": 0.0512, "peak_memory_mb": 240.4},
    "rescoring_int8": {"real_time_factor": 0.125, "peak_memory_mb": 118.6},
    "live_int8": {"real_time_factor": 0.31, "peak_memory_mb": 121, "latency": {"with_compute": {
        "first_text_p50": 0.75, "final_p50": 0.42, "average_lagging": 1.234}}},
}
FACTS = {
    "recipe": "custom", "model": "small <model>", "note": "a model early in training", "commit": "0123456789ab",
    "machine": "2 processors", "processor": "a processor", "threads": "2", "command": "recipes/custom/run.sh --data x",
    "date": "2026-01-02", "version": "0.1.0",
}
LENGTHS = [{"decoder": "segmental", "utterances": 20, "joins": 21.5, "errors_utterances": 3, "total_utterances": 15,
            "errors_joins": 4, "total_joins": 15}, {"decoder": "attention", "utterances": 20, "joins": 80}]
SURE = 0.9


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_json(folder, name, document):
    write(folder, name, json.dumps(document, ensure_ascii=False) + "\n")


def write_sound(path, pieces):
    """pieces: (seconds, amplitude) of a sweep; its level is 3 dB below the amplitude's."""
    samples, phase = [], 0.0
    for seconds, amplitude in pieces:
        for i in range(int(seconds * RATE_HZ)):
            phase += 2 * math.pi * (300 + 1000 * (i % RATE_HZ) / RATE_HZ) / RATE_HZ
            samples.append(int(32767 * amplitude * math.sin(phase)))
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))


def hypothesis(utterance, text):
    """A line of hyp.jsonl: a word each 0.2 s."""
    words = [{"word": f" {word}", "start": round(0.1 + 0.2 * i, 3), "end": round(0.25 + 0.2 * i, 3), "confidence": SURE}
             for i, word in enumerate(text.split())]
    return {"utt": utterance, "file": "first.wav", "duration": 1.5, "language": "en", "text": text,
            "segments": [{"start": 0, "end": 1.5, "text": text, "words": words}], "nbest": []}


def make(folder):
    data = f"{folder}/data/dev"
    os.makedirs(data)
    write_sound(f"{data}/first.wav", [(1.9, 0.1), (3.0, 0.01)])
    write_sound(f"{data}/second.wav", [(1.2, 0.1)])
    write(data, "wav.scp", "first first.wav\nsecond second.wav\n")
    for name, column in ("text", 4), ("utt2spk", 3):
        write(data, name, "".join(f"{utterance} {u[column]}\n" for utterance, u in UTTERANCES.items()))
    write(data, "segments", "".join(f"{utterance} {u[0]} {u[1]} {u[2]}\n" for utterance, u in UTTERANCES.items()))
    write(folder, "systems.tsv", SYSTEMS)
    write_json(folder, "facts.json", FACTS)
    write_json(folder, "lengths.json", LENGTHS)
    for system, texts in HYPOTHESES.items():
        lines = list(zip(UTTERANCES, texts))
        write(folder, f"decode/{system}/hyp.txt", "".join(f"{utterance} {text}\n" for utterance, text in lines))
        write(folder, f"decode/{system}/hyp.jsonl", "".join(json.dumps(hypothesis(*line)) + "\n" for line in lines))
        write_json(folder, f"decode/{system}/stats.json", STATS[system])


# ---- alignments

def align(reference, words):
    """The fewest edits; a match or substitution before a deletion, a deletion before an insertion, from the end."""
    cost = [[i + j if i * j == 0 else 0 for j in range(len(words) + 1)] for i in range(len(reference) + 1)]
    for i, said in enumerate(reference, 1):
        for j, written in enumerate(words, 1):
            cost[i][j] = min(cost[i - 1][j - 1] + (said != written), cost[i - 1][j] + 1, cost[i][j - 1] + 1)
    steps, i, j = [], len(reference), len(words)
    while i > 0 or j > 0:
        differs = i > 0 and j > 0 and reference[i - 1] != words[j - 1]
        if i > 0 and j > 0 and cost[i][j] == cost[i - 1][j - 1] + differs:
            i, j = i - 1, j - 1
            steps.append(["sub" if differs else "ok", reference[i], words[j]])
        elif i > 0 and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            steps.append(["del", reference[i], None])
        else:
            j -= 1
            steps.append(["ins", None, words[j]])
    return steps[::-1]


def add_alignments(folder):
    for system, texts in HYPOTHESES.items():
        path = f"{folder}/score/{system}.json"
        with open(path, encoding="utf-8") as file:
            score = json.load(file)
        score["utterances"] = [{"id": utterance, "alignment": align(u[4].split(), text.split())}
                               for (utterance, u), text in zip(UTTERANCES.items(), texts)]
        steps = [step[0] for one in score["utterances"] for step in one["alignment"]]
        n, n_right = sum(step != "del" for step in steps), steps.count("ok")
        score["confidence"] = {"n": n, "ece": round(abs(SURE - n_right / n), 6), "nce": 0.25, "bins": [
            {"low": 0.0, "high": 0.5, "n": 0, "confidence": None, "accuracy": None},
            {"low": 0.5, "high": 1.0, "n": n, "confidence": SURE, "accuracy": n_right / n}]}
        assert len(steps) - n_right == score["wer"]["errors"], (system, steps)
        write_json(folder, f"score/{system}.json", score)
    crossed = {"ece": 0.075, "nce": 0.31}
    write_json(folder, "calibration/greedy_fp32.json", {"calibrations": [{"cross_validated": crossed}]})
    write_json(folder, "calibration/live_int8.json", {"calibrations": []})


# ---- a page

class Reader(HTMLParser):
    VOID = ("meta", "link", "input", "br", "hr", "img")

    def __init__(self):
        super().__init__()
        self.open, self.bad, self.ids, self.wanted, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("aria-labelledby", "aria-describedby", "for"):
                self.wanted += value.split()
            elif name in ("href", "xlink:href") and value.startswith("#"):
                self.wanted.append(value[1:])
            elif name in ("src", "href", "xlink:href", "action", "srcset") and not value.startswith("data:"):
                self.bad.append(f"<{tag} {name}={value}>")
            elif name == "style" or name.startswith("on"):
                self.bad.append(f"<{tag} {name}>, which the page's policy forbids")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if self.open[-1:] != ["script"] and self.open[-1:] != ["style"]:
            self.text.append(data)


def check(path, *wanted):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    reader = Reader()
    reader.feed(page)
    reader.close()
    bad = reader.bad + [f"<{tag}> is open" for tag in reader.open]
    bad += [f"two of id {name}" for name in set(reader.ids) if reader.ids.count(name) > 1]
    bad += [f"no id {name}" for name in reader.wanted if name not in reader.ids]
    if "default-src 'none'" not in page or re.search(r"unsafe-|https?://(?!www\.w3\.org/)", page):
        bad.append("no strict policy, or an address")
    text = re.sub(r"\s+", " ", " ".join(reader.text))
    bad += [f"no '{words}'" for words in wanted if words not in text]
    for what in bad:
        print("FAILED:", what)
    return len(bad) > 0


if __name__ == "__main__":
    sys.exit({"make": make, "align": add_alignments, "check": check}[sys.argv[1]](*sys.argv[2:]))
