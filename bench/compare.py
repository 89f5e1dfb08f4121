# SPDX-License-Identifier: Apache-2.0
"""compare.py - linnet and its peers on the same weights and recordings, as Markdown; compare.sh starts it.

Every program decodes greedily (or with the beam that --beam says) at temperature 0, so that all do the same work; how
many words differ from linnet's says whether they did.  In each round every program has one turn, and the ratio is the
median of the rounds' ratios, so that a machine that slows down slows all of them.

Loading excluded is measured inside a process that has the model and has decoded the recording once: peers stay alive
between their turns and wait for a line (peer.py), for linnet a turn is `linnet bench -n 1`, which warms up by itself.
whisper-cli says what its loading took.  Loading included is a whole process, from its start to its last word, with its
processor time (user and system) and peak memory.
"""
import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import statistics
import sys
import tempfile
import time
import wave

from programs import PEERS, Failed, open_programs, run, say

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JFK = os.path.join(TREE, "tests", "data", "jfk.wav")

# ---- recordings


class Data:
    """A Kaldi data directory of whole files."""

    def __init__(self, directory, work):
        self.directory, self.paths = directory, {}
        if os.path.exists(os.path.join(directory, "segments")):
            raise Failed(f"{directory}: has segments, which peers cannot read")
        with open(os.path.join(directory, "wav.scp"), encoding="utf-8") as f:
            for line in f:
                utterance, path = line.rstrip("\n").split(None, 1)
                self.paths[utterance] = os.path.abspath(os.path.join(directory, path))
        self.list = os.path.join(work, "utterances")
        with open(self.list, "w", encoding="utf-8") as f:
            f.writelines(path + "\n" for path in self.paths.values())
        text = os.path.join(directory, "text")
        self.text = text if os.path.exists(text) else None


def joined(length, options):
    """jfk, or a recording of 30s, 10m, 1h, made once: the utterances of --data joined, and again where they end."""
    if length == "jfk":
        return JFK
    if not re.fullmatch("[1-9][0-9]*[smh]", length):
        sys.exit(f"compare: {length} is no length: jfk, or such as 30s, 10m, 1h")
    if options.data is None or shutil.which("sox") is None:
        sys.exit(f"compare: length {length} needs " + ("--data DIR" if options.data is None else "sox"))
    seconds = int(length[:-1]) * {"s": 1, "m": 60, "h": 3600}[length[-1]]
    made = os.path.join(options.work, f"{length}.wav")
    if not os.path.exists(made):
        with tempfile.TemporaryDirectory() as parts:
            run(["sh", os.path.join(TREE, "recipes", "common", "join.sh"), options.data, parts, str(seconds)])
            once = os.path.join(parts, "joined.wav")
            with wave.open(once) as f:
                again = int(seconds * f.getframerate() / f.getnframes())
            run(["sox", "-D", once, os.path.join(parts, "all.wav"), "repeat", str(again), "trim", "0", str(seconds)])
            shutil.move(os.path.join(parts, "all.wav"), made)
    return made


def seconds_of(path, program, setup):
    """The length of a recording; of one that is no WAV file linnet says it, after decoding it."""
    try:
        with wave.open(path) as f:
            return f.getnframes() / f.getframerate()
    except wave.Error:
        return json.loads(run([*program.arguments("bench", setup), "-n", "1", "--json", path]).stdout)["audio_s"]


def differing(program, reference, hypothesis):
    """In percent, how many words differ: of texts by utterance, as `linnet score` counts; utterances whose reference has
    no words are left out."""
    reference = {key: text for key, text in reference.items() if text.split()}
    if not reference:
        return float("nan")
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("ref", "hyp")]
        for name, texts in zip(names, (reference, hypothesis)):
            with open(name, "w", encoding="utf-8") as f:
                f.writelines(f"{key} {' '.join(text.split())}\n" for key, text in texts.items())
        return json.loads(run([program, "score", "-n", "whisper-en", "--json", *names]).stdout)["wer"]["percent"]


# ---- measuring


class Setup:
    def __init__(self, threads, beam):
        self.threads, self.beam = threads, beam


class Column:
    """Figures by program, one for each round."""

    def __init__(self, programs):
        self.at = {p: [] for p in programs}
        self.first = programs[0]

    def add(self, program, value):
        self.at[program].append(value)

    def median(self, program):
        return statistics.median(self.at[program])

    def cell(self, program, digits=2):
        values = self.at[program]
        if not values:
            return "-"
        return f"{self.median(program):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"

    def ratio(self, program):
        pairs = list(zip(self.at[program], self.at[self.first]))
        return f"{statistics.median(a / b for a, b in pairs):.2f}" if pairs else "-"

    def inverse_ratio(self, program):
        """Of speeds, so that above 1 is slower there too."""
        return f"{statistics.median(b / a for a, b in zip(self.at[program], self.at[self.first])):.2f}"


class Figures:
    """What one table says: the columns of all programs."""

    def __init__(self, programs):
        self.inside, self.whole, self.processor, self.peak = (Column(programs) for _ in range(4))
        self.texts = {}

    def add_process(self, program, process):
        self.whole.add(program, process.seconds)
        self.processor.add(program, process.processor_s)
        self.peak.add(program, process.peak_mb)


@contextlib.contextmanager
def opened(programs, setup):
    try:
        for program in programs:
            program.open(setup)
        yield
    finally:
        for program in programs:
            program.close()


def turns(programs, runs, what):
    for i in range(runs):
        for program in programs:
            say(f"{what}, round {i + 1} of {runs}: {program.name}")
            yield program


def table(head):
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)


def row(cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


HEAD = ("program", "recording", "threads", "beam", "loading excluded, s", "ratio", "whole process, s", "ratio",
        "processor, s", "ratio", "peak, MB", "other words, %")


def write_rows(programs, name, setup, figures):
    """The ratios are to the first row: above 1 the first is faster."""
    first = figures.texts.get(programs[0])
    for p in programs:
        other = f"{differing(programs[0].program, first, figures.texts[p]):.1f}" if first is not None else "-"
        measured = figures.whole.at[p]
        row((p.name, name, setup.threads, setup.beam, figures.inside.cell(p), figures.inside.ratio(p),
             figures.whole.cell(p), figures.whole.ratio(p), figures.processor.cell(p), figures.processor.ratio(p),
             f"{figures.peak.median(p):.0f}" if measured else "-", other))


def compare_recording(options, programs, name, path, setup):
    figures = Figures(programs)
    parts = options.loading.split(",")
    with opened(programs if "excluded" in parts else [], setup):
        for p in turns(programs, options.runs, f"{name}, {setup.threads} threads, beam {setup.beam}"):
            if "excluded" in parts:
                figures.inside.add(p, p.seconds(path, setup))
            if "included" in parts:
                process = p.whole([path], setup).wait()
                figures.add_process(p, process)
                figures.texts[p] = {name: p.text_of(process)}
    write_rows(programs, name, setup, figures)


def compare_utterances(options, programs, data, setup):
    programs = [p for p in programs if hasattr(p, "utterances")]
    figures, name = Figures(programs), f"{len(data.paths)} utterances"
    for p in turns(programs, options.runs, f"{name}, {setup.threads} threads, beam {setup.beam}"):
        process, seconds, figures.texts[p] = p.utterances(data, setup)
        figures.inside.add(p, seconds)
        figures.add_process(p, process)
    write_rows(programs, name, setup, figures)
    if data.text is not None:
        with open(data.text, encoding="utf-8") as f:
            reference = dict(line.rstrip("\n").partition(" ")[::2] for line in f)
        rates = (f"{p.name} {differing(programs[0].program, reference, figures.texts[p]):.2f}" for p in programs)
        return f"Word error rates, {name}, beam {setup.beam}: " + ", ".join(rates) + "."
    return None


def compare_streams(options, programs, name, path, setup, n):
    """n processes at once, each with its share of the threads, and one process that is given the recording n times."""
    speed, peak, together = Column(programs), Column(programs), Column(programs)
    audio_s = seconds_of(path, programs[0], setup)
    shared = Setup(max(1, setup.threads // n), setup.beam)
    for p in turns(programs, options.runs, f"{name}, {n} at once"):
        start = time.perf_counter()
        processes = [p.whole([path], shared) for _ in range(n)]
        peaks = [process.wait().peak_mb for process in processes]
        speed.add(p, n * audio_s / (time.perf_counter() - start))
        peak.add(p, sum(peaks))
        together.add(p, n * audio_s / p.whole([path] * n, setup).wait().seconds)
    for p in programs:
        row((p.name, name, n, shared.threads, setup.beam, speed.cell(p, 1), speed.inverse_ratio(p),
             f"{peak.median(p):.0f}", together.cell(p, 1), together.inverse_ratio(p)))


# ---- the command line


def processor():
    model, flags = "unknown processor", ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            key, _, value = line.partition(":")
            model = value.strip() if key.strip() == "model name" else model
            flags = value.split() if key.strip() in ("flags", "Features") else flags
    known = [f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm") if f in flags]
    return f"{model} ({', '.join(known)}), {os.cpu_count()} processors"


def write_header(options, programs):
    versions = ", ".join(f"{p.name}: {p.version}" for p in programs)
    print(f"{processor()}; {time.strftime('%Y-%m-%d %H:%M')}, load average {os.getloadavg()[0]:.1f} at the start;\n"
          f"medians [extremes] of {options.runs} runs in turn; a ratio above 1: slower than the first row's.\n"
          f"{versions}; model {options.model}.\n\n    {shlex.join(['bench/compare.sh', *sys.argv[1:]])}", flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="compare.sh", description="linnet and its peers in turn, as Markdown")
    add = parser.add_argument
    add("--lengths", metavar="LIST", help="recordings: jfk, and such as 30s,1m,10m,1h of --data joined (jfk)")
    add("--files", metavar="LIST", default="", help="recordings: any others")
    add("--utterances", action="store_true", help="instead of them, the utterances of --data one by one")
    add("--streams", metavar="LIST", help="seconds of audio a second of that many recordings at once, such as 1,4,16")
    add("--data", metavar="DIR", help="Kaldi data directory")
    add("--threads", metavar="LIST", default="2", help="such as 1,2 (2)")
    add("--beam", metavar="LIST", help="such as 1,5 (1; with --wenet 10)")
    add("--runs", metavar="N", type=int, default=5, help="of each program (5)")
    add("--loading", metavar="LIST", default="excluded,included", help="what to measure (excluded,included)")
    add("--peers", metavar="LIST", default=",".join(PEERS), help=f"({','.join(PEERS)})")
    add("--precision", metavar="LIST", help="a row of linnet with each, such as fp32,auto")
    add("--with", metavar="OPTIONS", dest="further", action="append", default=[],
        help="a row of linnet with these further options; may be repeated")
    add("--language", metavar="LANG", default="en", help="(en)")
    add("--model", metavar="DIR", default="whisper-base", help="linnet's (whisper-base)")
    add("--ct2", metavar="DIR", help="its CTranslate2 form (made of the model with ct2-transformers-converter)")
    add("--openai", metavar="FILE", help="its OpenAI checkpoint (the model, when that is a Hugging Face directory)")
    add("--ggml", metavar="FILE", help="its whisper.cpp form")
    add("--wenet", metavar="DIR", help="instead of Whisper, this WeNet model by attention rescoring, against WeNet")
    add("--linnet", metavar="PROGRAM", default=os.environ.get("LINNET", "linnet"), 
        help="the program to measure, or several (LINNET)")
    add("--work", metavar="DIR", default=os.path.join(tempfile.gettempdir(), "linnet-compare"),
        help="where joined recordings and converted models are kept")
    return parser.parse_args()


def find_model(options):
    """The directory of the model, where peers find its weights too."""
    linnet = options.linnet.split(",")[0]
    if options.wenet:
        options.wenet = os.path.abspath(options.wenet)
        options.model = os.path.join(options.work, "wenet-" + os.path.basename(options.wenet))
        if not os.path.exists(options.model):
            run([linnet, "convert", options.wenet, options.model])
    said = re.search(r"^directory +(.*)$", run([linnet, "info", options.model]).stdout, re.M)
    options.model = said[1]


def compare(options):
    os.makedirs(options.work, exist_ok=True)
    find_model(options)
    programs = open_programs(options)
    data = Data(options.data, options.work) if options.utterances and options.data else None
    names = (options.lengths or ("" if options.files else "jfk")).split(",")
    files = [] if options.utterances else [(n, joined(n, options)) for n in names if n]
    files += [(os.path.basename(f), os.path.abspath(f)) for f in options.files.split(",") if f]
    setups = [Setup(int(t), int(b)) for t in options.threads.split(",")
              for b in (options.beam or ("10" if options.wenet else "1")).split(",")]
    write_header(options, programs)
    table(HEAD if not options.streams else
          ("program", "recording", "at once", "threads of each", "beam", "audio s a second", "ratio", "peak of all, MB",
           "in one process, audio s a second", "ratio"))
    notes = []
    for setup in setups:
        if data is not None:
            notes.append(compare_utterances(options, programs, data, setup))
        for name, path in files:
            if not options.streams:
                compare_recording(options, programs, name, path, setup)
            for n in (options.streams or "").split(",") if options.streams else ():
                compare_streams(options, programs, name, path, setup, int(n))
    for note in filter(None, notes):
        print("\n" + note)


def main():
    options = parse()
    if options.utterances and options.data is None:
        sys.exit("compare: --utterances needs --data DIR")
    try:
        compare(options)
    except Failed as e:
        sys.exit(f"compare: {e}")


if __name__ == "__main__":
    main()
