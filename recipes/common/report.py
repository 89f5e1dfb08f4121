#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report.py - the folder of an experiment to RESULTS.md and report.html in it; the stage "report" of a recipe.

The folder is what the other stages leave: systems.tsv, facts.json, decode/, score/, compare/, lengths.json, data/.
What is missing there is noted in both files; a file that cannot be used is named too and makes the exit code 1.  Needs
gnuplot for the page's plots; sox for sound, spectrograms and levels (ffmpeg for what sox cannot read)."""
import argparse
import os
import sys

sys.dont_write_bytecode = True  # the tree of sources stays as it is

from report import audio, plots  # noqa: E402
from report.experiment import Experiment, Trouble, clean  # noqa: E402
from report.page import Page  # noqa: E402
from report.results import write_markdown  # noqa: E402

EXIT_WORK_FAILED = 1


def say(text):
    print(f"report.py: {clean(text)}", file=sys.stderr)


def replace(path, text):
    """The whole new file or the old one."""
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        os.replace(new, path)
    except OSError as e:
        if os.path.exists(new):
            os.remove(new)
        raise Trouble(f"{path}: {e.strerror}") from e


def count(text):
    value = int(text)
    if not 0 <= value <= 200:
        raise ValueError
    return value


def report(options):
    experiment = Experiment(options.folder)
    path = os.path.join(options.folder, "RESULTS.md")
    results = write_markdown(experiment)
    for target in filter(None, (path, options.results)):
        replace(target, results)
    if plots.tools_missing():
        raise Trouble(f"{plots.tools_missing()}: there is only {path}")
    if audio.tools_missing():
        say(audio.tools_missing())
    page = Page(experiment, options.worst)
    replace(os.path.join(options.folder, "report.html"), page.write())
    for line in experiment.notes + page.notes:
        say(line)
    for line in experiment.bad:
        say(line)
    return EXIT_WORK_FAILED if experiment.bad else 0


def main():
    parser = argparse.ArgumentParser(description="Makes RESULTS.md and report.html of the experiment in EXP.")
    parser.add_argument("folder", metavar="EXP")
    parser.add_argument("--worst", type=count, default=20, metavar="N", help="utterances with sound, at most (20)")
    parser.add_argument("--results", metavar="FILE", help="write RESULTS.md there too")
    try:
        return report(parser.parse_args())
    except Trouble as e:
        say(str(e))
        return EXIT_WORK_FAILED


if __name__ == "__main__":
    sys.exit(main())
