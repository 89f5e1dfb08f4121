# SPDX-License-Identifier: Apache-2.0
"""results.py - the table of an experiment, and RESULTS.md, which is made of it.

Nothing here depends on when and where the report is made: the same folder gives the same bytes."""
from collections import Counter, namedtuple

from .reading import clean, dig, number

NONE = "–"
POINT_95 = 0.05
MAX_COMPARISONS = 40  # in RESULTS.md

# A cell is a text and what it is sorted by (None: last).
Cell = namedtuple("Cell", "text value")


def decimal(value, digits, unit=""):
    return NONE if value is None else f"{value:.{digits}f}{unit}"


def signed(value):
    return f"{value:+.2f}".replace("-", "−")


def cell(value, digits, unit=""):
    return Cell(decimal(value, digits, unit), value)


def latency(system, name, clock="with_compute"):
    return number(dig(system.stats, "latency", clock, name)) if system.is_streaming else None


def speed(system):
    return number(system.stats.get("real_time_factor"))


def row(system):
    rate = system.rate
    errors = Cell(NONE, None) if rate is None else Cell(f"{rate['errors']} / {rate['total']}", rate["errors"])
    return [
        Cell(clean(system.title), clean(system.title)), Cell(clean(system.kind), system.kind),
        Cell(clean(system.precision), system.precision), cell(rate and rate["percent"], 2), errors,
        cell(speed(system), 3), cell(latency(system, "first_text_p50"), 2, " s"),
        cell(latency(system, "final_p50"), 2, " s"), cell(latency(system, "average_lagging"), 2, " s"),
        cell(number(system.stats.get("peak_memory_mb")), 0, " MB"),
    ]


def by_set(systems):
    sets = {}
    for system in systems:
        sets.setdefault(system.set, []).append(system)
    return sets


def unit_of(systems):
    units = [system.unit for system in systems if system.score is not None]
    return "CER" if "CER" in units else "WER"


def titles(systems):
    """Of what row() gives; three columns are text."""
    return ["system", "kind", "precision", unit_of(systems), "errors", "real-time factor", "first partial", "final",
            "average lagging", "memory"]


def words_unit_of(systems):
    return next((system.words_unit for system in systems if system.score is not None), "WER")


def heading(experiment):
    return experiment.facts.get("title") or experiment.facts.get("recipe", "results")


def lengths_told(experiment):
    """What is in the table of lengths."""
    seconds = {number(one.get("seconds")) for one in experiment.lengths} - {None}
    length = f"{seconds.pop():g} seconds" if len(seconds) == 1 and seconds != {600} else "ten minutes"
    return f"Error rates of the utterances, and of the same audio joined to recordings of {length}."


def size_of(systems):
    """What the set is: "300 utterances, 1920 words"."""
    for system in systems:
        if system.score is not None:
            things = "characters" if system.unit == "CER" else "words"
            n = number(dig(system.score, "ser", "total"))
            return (f"{n} utterances, " if n is not None else "") + f"{system.rate['total']} {things}"
    return "not scored"


def best(systems):
    """Those that were scored, the best first."""
    return sorted((system for system in systems if system.score is not None),
                  key=lambda system: (system.rate["percent"], system.number))


def baseline(systems, comparisons):
    """What the others are compared with: the one with which most are, else the first."""
    scored = [system for system in systems if system.score is not None]
    n = Counter(comparison.a.name for comparison in comparisons)
    return max(scored, key=lambda system: (n[system.name], -system.number), default=None)


def verdict(comparison):
    """What a comparison says, in a word."""
    if comparison.p >= POINT_95:
        return "unclear"
    return "better" if comparison.percent < 0 else "worse"


def against(comparisons, first, system):
    """The comparison of the system with the first, whichever way it was made."""
    for c in comparisons:
        if (c.a, c.b) == (first, system):
            return c
        if (c.a, c.b) == (system, first):
            return c._replace(a=first, b=system, percent=-c.percent, low=-c.high, high=-c.low)
    return None


def comparison_cells(c):
    return [Cell(c.b.full, c.b.number), Cell(c.a.full, c.a.number), Cell(signed(c.percent), c.percent),
            Cell(f"{signed(c.low)} to {signed(c.high)}", c.low), Cell("< 0.001", c.p) if c.p < 0.0005 else cell(c.p, 3),
            Cell(verdict(c), c.percent if c.p < POINT_95 else 0)]


COMPARISON_TITLES = ("system", "against", "difference", "95 % between", "p", "verdict")
LENGTHS_TITLES = ("decoder", "utterances", "errors", "joins", "errors", "joins − utterances")


def lengths_cells(one):
    def count(errors, total):
        return NONE if errors is None or total is None else f"{errors} / {total}"
    apart, joined = number(one.get("utterances")), number(one.get("joins"))
    counts = {name: number(one.get(name))
              for name in ("errors_utterances", "total_utterances", "errors_joins", "total_joins")}
    more = None if apart is None or joined is None else joined - apart
    return [Cell(clean(one["decoder"]), clean(one["decoder"])), cell(apart, 2),
            Cell(count(counts["errors_utterances"], counts["total_utterances"]), counts["errors_utterances"]),
            cell(joined, 2), Cell(count(counts["errors_joins"], counts["total_joins"]), counts["errors_joins"]),
            Cell(NONE if more is None else signed(more), more)]


CONFIDENCE_TITLES = ("system", "words", "ECE", "NCE", "ECE, calibrated", "NCE, calibrated")
CONFIDENCE_TOLD = ("Expected calibration error: how far confidence is from the share of words that are right; 0 is best. "
                   "Normalised cross entropy: 1 is best. Calibrated: by linnet calibrate, of speakers that it was not "
                   "fitted to.")


def with_confidence(systems):
    return [system for system in systems if system.score is not None and system.score.get("confidence")]


def confidence_cells(system):
    confidence = system.score["confidence"]
    return [Cell(system.full, system.number), cell(number(confidence.get("n")), 0),
            cell(confidence["ece"], 4), cell(number(confidence.get("nce")), 4),
            *(cell(number(dig(system.calibrated, name)), 4) for name in ("ece", "nce"))]


FACTS = ("model", "commit", "version", "machine", "processor", "threads", "command", "date")


# ---- Markdown

def plain(text):
    """Text that Markdown takes for nothing else."""
    for sign in "\\`*_[]|":
        text = text.replace(sign, "\\" + sign)
    return text.replace("<", "&lt;")


def markdown_table(heads, rows, n_text=1):
    """The first n_text columns are text, the others numbers."""
    lines = ["| " + " | ".join(plain(head) for head in heads) + " |",
             "|" + "|".join("---" if i < n_text else "---:" for i in range(len(heads))) + "|"]
    lines += ["| " + " | ".join(plain(cell.text) for cell in cells) + " |" for cells in rows]
    return [*lines, ""]


def set_lines(name, systems, is_alone):
    return ([] if is_alone else [f"## {plain(clean(name))}", ""]) + \
        [f"Set {plain(clean(name))}: {size_of(systems)}.", ""] + \
        markdown_table(titles(systems), [row(system) for system in systems], 3)


def legend(experiment):
    lines = ["Error rates in percent; the real-time factor is computation for a second of audio."]
    if any(system.is_streaming for system in experiment.systems):
        lines.append("First partial, final (medians) and average lagging (LAAL) with the time of computation added; "
                     "whole recordings have none.")
    return [*lines, ""]


def significance_lines(experiment, sets):
    comparisons = experiment.comparisons
    told = f"Differences of {words_unit_of(experiment.systems)} in points; paired bootstrap over utterances."
    if len(comparisons) > MAX_COMPARISONS:
        first = [baseline(systems, comparisons) for systems in sets.values()]
        comparisons = [c for c in comparisons if c.a in first or c.b in first]
        told += " Those with the baseline; report.html has all."
    return ["## Significance", "", told, "", *markdown_table(COMPARISON_TITLES, map(comparison_cells, comparisons), 2)]


def write_markdown(experiment):
    facts, sets = experiment.facts, by_set(experiment.systems)
    lines = [f"# {plain(heading(experiment))}", ""]
    if "note" in facts:
        lines += [f"**{plain(facts['note'])}**", ""]
    for name, systems in sets.items():
        lines += set_lines(name, systems, len(sets) == 1)
    lines += legend(experiment)
    if experiment.comparisons:
        lines += significance_lines(experiment, sets)
    if experiment.lengths:
        lines += ["## Utterances and joins", "", lengths_told(experiment), ""]
        lines += markdown_table(LENGTHS_TITLES, map(lengths_cells, experiment.lengths))
    confident = with_confidence(experiment.systems)
    if confident:
        lines += ["## Confidence of words", "", CONFIDENCE_TOLD, ""]
        lines += markdown_table(CONFIDENCE_TITLES, map(confidence_cells, confident))
    if experiment.bad or experiment.notes:
        lines += ["## What is missing", ""] + [f"- {plain(text)}" for text in experiment.bad + experiment.notes] + [""]
    told = [f"| {name} | {plain(facts[name])} |" for name in FACTS if name in facts]
    if told:
        lines += ["## Made by", "", "| | |", "|---|---|", *told, ""]
    return "\n".join(lines).rstrip("\n") + "\n"
