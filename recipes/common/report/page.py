# SPDX-License-Identifier: Apache-2.0
"""page.py - report.html: one page that needs nothing but itself.

Its policy lets nothing in from anywhere: no script and style but the two that are in it, by their sums."""
import base64
import hashlib
import os
import re

from . import audio, plots
from .groups import by_level, confusions, from_scores, percent, worst
from .html import class_of, h, json_block, note, scroll, section, table
from .reading import Trouble, clean, number
from .results import (COMPARISON_TITLES, CONFIDENCE_TITLES, CONFIDENCE_TOLD, FACTS, LENGTHS_TITLES, NONE, Cell, against,
                      baseline, best, by_set, cell, comparison_cells, confidence_cells, heading, latency,
                      lengths_cells, lengths_told, row, signed, size_of, speed, titles, unit_of, verdict,
                      with_confidence, words_unit_of)
from .utterances import COLUMNS_PER_S, MAX_AUDIO_S, MAX_MEDIA_BYTES, MIN_COLUMNS, ROWS, card, counted, pack, sound_html

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_GROUPS = 12           # of speakers that are shown at once
MAX_PACKED_BYTES = 8 << 20  # of alignments for the script
MAX_FIGURES = 6
SHADES = 5

CONFUSIONS = (("sub", "Other words", ("said", "written", "times")), ("del", "Left out", ("said", "times")),
              ("ins", "Put in", ("written", "times")))
LEGEND = """<p class="legend"><del><span class="sign" aria-hidden="true">−</span>left out</del>
<ins><span class="sign" aria-hidden="true">+</span>put in</ins>
<span class="sub"><del>said</del><span class="sign" aria-hidden="true">→</span><ins>written</ins></span></p>"""


def read_piece(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def sum_of(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


class Page:
    def __init__(self, experiment, n_worst):
        self.e, self.n_worst = experiment, n_worst
        self.sets = by_set(experiment.systems)
        self.notes = []        # what this page lacks, beside what the experiment does
        self.media_bytes = 0
        self.sounds = {}       # {set: {utterance: Sound}}
        missing = audio.tools_missing()
        if missing:
            self.notes.append(missing)
        for name in self.sets:
            self.sounds[name] = {} if missing else experiment.read_sounds(name)

    def named(self, name):
        """A heading's end where there are several sets."""
        return f", {name}" if len(self.sets) > 1 else ""

    # ---- results

    def results_row(self, systems, system):
        cells = row(system)
        first = baseline(systems, self.e.comparisons)
        difference = against(self.e.comparisons, first, system)
        if system is first:
            told = Cell("baseline", 0)
        elif difference is None:
            told = Cell(NONE, None)
        else:
            told = Cell(f"{signed(difference.percent)}, {verdict(difference)}", difference.percent)
        return [Cell(str(system.number), system.number), *cells[:5], told, *cells[5:]]

    def results(self):
        parts = []
        for name, systems in self.sets.items():
            heads = titles(systems)
            first = baseline(systems, self.e.comparisons)
            caption = f"Set {clean(name)}: {size_of(systems)}." + \
                (f" Differences are to {first.full}, in points." if first is not None else "")
            parts.append(table(caption, ["No.", *heads[:5], "difference", *heads[5:]],
                               [self.results_row(systems, system) for system in systems], first_number=4,
                               is_sortable=True, head=1))
        parts.append('<p class="fine">Error rates in percent. Real-time factor: computation for a second of audio. '
                     'First partial and final: medians; average lagging: LAAL; all three with the time of computation. '
                     'A button in the head of a column sorts by it.</p>')
        return section("results", "Results", self.summary(), *parts)

    def summary(self):
        told = []
        for name, systems in self.sets.items():
            for kind in (False, True):
                ranked = best([system for system in systems if system.is_streaming == kind])
                if ranked:
                    told.append(f"<li>The best {'streaming' if kind else 'whole'} system{h(self.named(name))}: "
                                f"<strong>{h(ranked[0].full)}</strong>, "
                                f"{ranked[0].rate['percent']:.2f} % {ranked[0].unit}.</li>")
        return f'<ul class="summary">{"".join(told)}</ul>' if told else note("no system has been scored")

    # ---- plots

    def figure(self, name, systems, x_title, value, is_log):
        points = [(system, value(system), system.rate["percent"]) for system in systems if system.score is not None]
        points = [point for point in points if point[1] is not None and (point[1] > 0 or not is_log)]
        what = f"{unit_of(systems)} against {x_title}"
        if not points:
            return note(f"No plot of {what}: no system has both.")
        label = what + ". " + "; ".join(f"{p[0].number} {p[0].full}: {p[1]:.3g}, {p[2]:.2f} %" for p in points)
        try:
            svg = plots.scatter(points, x_title, f"{unit_of(systems)} in percent", name, h(label), is_log)
        except Trouble as e:
            self.e.blame(str(e))
            return note(str(e))
        kinds = list(dict.fromkeys((p[0].precision, p[0].is_streaming) for p in points))
        keys = "".join(f"<li>{plots.legend_sign(*kind)} {h(kind[0])}, {'streaming' if kind[1] else 'whole'}</li>"
                       for kind in kinds)
        return (f'<figure>{svg}<figcaption>{h(what)}. Numbers as in the table.<ul class="keys">{keys}</ul></figcaption>'
                "</figure>")

    def plots(self):
        parts = []
        for i, (name, systems) in enumerate(self.sets.items()):
            if len(self.sets) > 1:
                parts.append(f"<h3>{h(name)}</h3>")
            lagging = self.figure(f"lagging{i}", systems, "average lagging in seconds",
                                  lambda system: latency(system, "average_lagging"), False)
            pace = self.figure(f"speed{i}", systems, "real-time factor", speed, True)
            parts.append(f'<div class="figures">{lagging}{pace}</div>')
        return section("plots", "Errors against latency and speed", *parts)

    # ---- figures beside the table

    def significance(self):
        if not self.e.comparisons:
            return section("significance", "Significance", note("No two systems were compared."))
        return section("significance", "Significance", table(
            f"Differences of {words_unit_of(self.e.systems)} in points; paired bootstrap over utterances, unclear "
            "from p = 0.05 on.", COMPARISON_TITLES, map(comparison_cells, self.e.comparisons), first_number=2,
            is_sortable=True))

    def lengths(self):
        if not self.e.lengths:
            return ""
        return section("lengths", "Utterances and joins", table(
            lengths_told(self.e), LENGTHS_TITLES, map(lengths_cells, self.e.lengths)))

    def confidence(self):
        systems = with_confidence(self.e.systems)
        if not systems:
            return section("confidence", "Confidence of words", note("No system was scored with confidences of words."))
        figures = []
        for system in systems:
            bins = [one for one in system.score["confidence"]["bins"] if one["n"] > 0 and
                    number(one.get("confidence")) is not None and number(one.get("accuracy")) is not None]
            told = "; ".join(f"{one['confidence']:.2f}: {one['accuracy']:.2f}" for one in bins)
            try:
                svg = plots.reliability(bins, f"reliability{system.number}",
                                        h(f"Reliability of {system.full}; confidence: accuracy: {told}"))
            except Trouble as e:
                self.e.blame(str(e))
                continue
            figures.append(f"<figure>{svg}<figcaption>{system.number} {h(system.full)}</figcaption></figure>")
        return section("confidence", "Confidence of words", table(
            CONFIDENCE_TOLD, CONFIDENCE_TITLES, map(confidence_cells, systems), is_sortable=True),
            '<p class="fine">On the broken diagonal confidence says what is so; below it, it promises too much. '
            'Larger points stand for more words.</p>',
            self.folded([f'<div class="figures small">{"".join(part)}</div>' if part else ""
                         for part in (figures[:MAX_FIGURES], figures[MAX_FIGURES:])], "The other systems"))

    @staticmethod
    def folded(parts, title):
        """The first part, and the second behind a title."""
        shown, hidden = parts
        return shown + (f"<details><summary>{h(title)}</summary>{hidden}</details>" if hidden else "")

    # ---- groups

    def group_table(self, caption, systems, groups, head):
        """A column for each system; the stronger the colour, the more errors."""
        systems = [system for system in systems if any(system.name in group.rates for group in groups)]
        most = min(100, max([percent(*rate) or 0 for group in groups for rate in group.rates.values()] + [1e-9]))
        heads = "".join(f'<th scope="col" class="number"><abbr title="{h(system.full)}">{system.number}</abbr></th>'
                        for system in systems)
        lines = [f'<table class="groups"><caption><span>{h(caption)}</span></caption>',
                 f'<thead><tr><th scope="col">{h(head)}</th><th scope="col" class="number">utterances</th>{heads}</tr>',
                 "</thead><tbody>"]
        for group in groups:
            cells = [f'<th scope="row">{h(group.name)}</th><td class="number">{group.n}</td>']
            for system in systems:
                rate = percent(*group.rates[system.name]) if system.name in group.rates else None
                shade = "" if rate is None else f" shade{min(SHADES - 1, int(SHADES * rate / most))}"
                cells.append(f'<td class="number{shade}">{NONE if rate is None else f"{rate:.1f}"}</td>')
            lines.append(f"<tr>{''.join(cells)}</tr>")
        return scroll("\n".join([*lines, "</tbody></table>"]), caption)

    def speakers(self, name, systems):
        groups = from_scores(systems, "by_speaker")
        if not groups:
            return note(f"By speaker{self.named(name)}: not scored so (linnet score --by-speaker utt2spk).")
        first = best(systems)[0].name
        groups.sort(key=lambda group: (-(percent(*group.rates.get(first, (0, 0))) or 0), group.name))
        told = f"{words_unit_of(systems)} by speaker{self.named(name)}, the worst first"
        return self.folded([self.group_table(told, systems, part, "speaker") if part else ""
                            for part in (groups[:MAX_GROUPS], groups[MAX_GROUPS:])],
                           f"The other {len(groups) - MAX_GROUPS} speakers")

    def levels(self, name, systems):
        levels_db = audio.levels_db(self.sounds[name])
        if not levels_db:
            return note(f"By level{self.named(name)}: no audio could be read.")
        left_out = len({u for system in systems for u in system.utterances or {}}) - len(levels_db)
        missing = note(f"The audio of {left_out} utterances could not be read.") if left_out > 0 else ""
        told = f"{words_unit_of(systems)} by level of the signal (root mean square, 0 dB: full scale){self.named(name)}"
        return self.group_table(told, systems, by_level(systems, levels_db), "level") + missing

    def groups(self):
        parts = []
        for name, systems in self.sets.items():
            if not best(systems):
                continue
            lengths = from_scores(systems, "by_length")
            parts.append('<div class="pair">')
            told = f"{words_unit_of(systems)} by words of the reference{self.named(name)}"
            parts.append(self.group_table(told, systems, lengths, "words") if lengths else
                         note(f"By length{self.named(name)}: not scored so (linnet score --by-length)."))
            parts.append(self.levels(name, systems) + "</div>" + self.speakers(name, systems))
        told = ('<p class="fine">In percent. Columns are systems by their numbers in the table of results; the '
                'stronger the colour of a cell, the higher its rate.</p>')
        return section("groups", "By length, level and speaker",
                       told if parts else note("no system has been scored"), *parts)

    def confusions(self):
        systems = best([system for system in self.e.systems if system.utterances])
        if not systems:
            return section("confusions", "Confusions", note("No system was scored with alignments."))
        parts = []
        for i, system in enumerate(systems):
            counts, title = confusions(system), f"{system.number} {system.full}{self.named(system.set)}"
            tables = []
            for kind, told, heads in CONFUSIONS:
                rows = [[Cell(word, word) for word in words if word is not None] + [cell(n, 0)]
                        for words, n in counts[kind]]
                tables.append(table(told, heads, rows, len(heads) - 1) if rows else f'<p class="fine">{told}: none</p>')
            parts.append(f'<details{" open" if i == 0 else ""}><summary>{h(title)}</summary>'
                         f'<div class="triple">{"".join(tables)}</div></details>')
        return section("confusions", "The most frequent confusions", *parts)

    # ---- utterances

    def pair(self):
        """The two best systems with alignments, of the first set that has any."""
        for systems in self.sets.values():
            ranked = best([system for system in systems if system.utterances])
            if ranked:
                return ranked[:2]
        return []

    def sound_of(self, name, utterance, words):
        sound = self.sounds[name].get(utterance)
        clip = audio.clip(sound, MAX_AUDIO_S, COLUMNS_PER_S, MIN_COLUMNS, ROWS) if sound is not None else None
        size = len(clip.flac) + len(clip.picture or b"") if clip is not None else 0
        if self.media_bytes + size > MAX_MEDIA_BYTES:
            clip = None
        else:
            self.media_bytes += size
        return sound_html(utterance, clip, words)

    def worst(self):
        systems = self.pair()
        if not systems:
            return section("worst", "The worst utterances", note("No system was scored with alignments."))
        first = systems[0]
        names = worst(first, self.n_worst)
        n_wrong = sum(one.errors > 0 for one in first.utterances.values())
        heard = self.e.read_heard(first, set(names))
        if names and not any(heard[name].words for name in names if name in heard):
            self.e.note(f"decode/{first.name}/hyp.jsonl has no times of words (linnet decode --word-times)")
        cards = []
        for place, name in enumerate(names, 1):
            language, words = heard.get(name, ("", []))
            cards.append(card(place, name, systems, language, self.sound_of(first.set, name, words)))
        told = (f"<p>The {counted(len(names), 'utterance')} with the most errors of "
                f"<strong>{h(first.full)}</strong>, of {n_wrong} that have any and {len(first.utterances)} in all. "
                "The words over a spectrogram are what it heard, where it heard it; a click plays from there.</p>")
        return section("worst", "The worst utterances", told, LEGEND, *cards)

    def options(self, chosen):
        return "".join(f'<option value="{h(system.name)}"{" selected" if system is chosen else ""}>{system.number} '
                       f'{h(system.full)}{h(self.named(system.set))}</option>'
                       for system in self.packed_systems)

    def compare(self):
        packs, self.packed_systems, size = {}, [], 0
        for name, systems in self.sets.items():
            one, others = pack(systems)
            for title in others:
                self.notes.append(f"{title} was scored on other texts than the first system: it is not side by side")
            if one is None:
                continue
            packs[name] = one
            size += sum(map(len, one["references"]))
            for system in best(systems):
                mine = sum(map(len, filter(None, one["systems"].get(system.name, []))))
                if size + mine > MAX_PACKED_BYTES:
                    one["systems"].pop(system.name, None)
                    self.notes.append(f"{system.full}: too much for this page to be side by side")
                size += mine if system.name in one["systems"] else 0
            self.packed_systems += [system for system in systems if system.name in one["systems"]]
        pair = [system for system in self.pair() if system in self.packed_systems]
        if len(self.packed_systems) < 2 or not pair:
            return section("compare", "Two systems side by side", note("There are no two systems with alignments."))
        names = {system.name: [str(system.number), system.full, system.set] for system in self.packed_systems}
        controls = read_piece("compare.html").replace("{{A}}", self.options(pair[0])).replace(
            "{{B}}", self.options(pair[-1]))
        return section("compare", "Two systems side by side", controls,
                       json_block("data", {"names": names, "sets": packs}))

    # ---- the whole

    def told(self):
        lines = [*self.e.bad, *self.e.notes, *self.notes]
        if not lines:
            return ""
        return section("missing", "What is missing", f"<ul>{''.join(f'<li>{h(line)}</li>' for line in lines)}</ul>")

    def made_by(self):
        facts = "".join(f"<div><dt>{h(name)}</dt><dd>{h(self.e.facts[name])}</dd></div>" for name in FACTS
                        if name in self.e.facts)
        return f"<dl>{facts}</dl>" if facts else ""

    def write(self):
        sections = [self.results(), self.plots(), self.significance(), self.lengths(), self.groups(),
                    self.confusions(), self.worst(), self.compare(), self.confidence()]
        sections.append(self.told())  # last: the others find out
        facts = self.e.facts
        sections = [part for part in sections if part]
        links = [re.match(r'<section id="([^"]+)".*\n<h2[^>]*>(.*)</h2>', part).groups() for part in sections]
        style, script = read_piece("page.css"), read_piece("page.js")
        pieces = {
            "STYLE_SUM": sum_of(style), "SCRIPT_SUM": sum_of(script), "STYLE": style, "SCRIPT": script,
            "TITLE": h(heading(self.e)),
            "TAGLINE": h(" · ".join(filter(None, [facts.get("model"), facts.get("date")]))),
            "NOTE": f'<p class="notice" role="note">{h(facts["note"])}</p>' if "note" in facts else "",
            "LINKS": "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in links),
            "SECTIONS": "\n\n".join(sections), "FACTS": self.made_by(),
        }
        return re.sub(r"\{\{([A-Z_]+)\}\}", lambda match: pieces[match.group(1)], read_piece("page.html"))
