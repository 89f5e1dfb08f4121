# SPDX-License-Identifier: Apache-2.0
"""experiment.py - the folder of an experiment.

What is missing is noted, what is there and cannot be used is named with the reason; both are told on the page, and
neither stops the rest.  Only without systems.tsv there is nothing to report."""
import os
from collections import namedtuple

from .data import DataSet, Heard, parse_segment, read_table, words_of
from .reading import Trouble, clean, dig, nfc, number, parse_json
from .scores import check_confidence, check_rates, is_unspaced, read_utterances, reference_words

MAX_NOTED = 20  # lines of a file, whose number could be any

Comparison = namedtuple("Comparison", "a b percent low high p")  # b against a


class System:
    def __init__(self, columns):
        self.name, self.title, self.kind, self.precision, self.set = columns[:5]
        self.options = columns[5] if len(columns) > 5 else ""
        self.title = self.title or self.name
        self.number = 0           # its place in the table, from 1
        self.score = None         # the checked score/NAME.json
        self.stats = {}
        self.calibrated = None    # confidence after `linnet calibrate`: of words that it was not fitted to
        self.utterances = None    # {id: Utterance}, where it was scored with alignments

    @property
    def full(self):
        """What no other system is called, most often."""
        return clean(f"{self.title}, {self.precision}")

    @property
    def is_streaming(self):
        return self.kind == "streaming"

    @property
    def unit(self):
        """Which rate is told: that of characters where text has no blanks between words."""
        return self.score["unit"] if self.score is not None else "WER"

    @property
    def rate(self):
        return self.score[self.unit.lower()] if self.score is not None else None

    @property
    def words_unit(self):
        """What alignments and groups count: words, which may be characters by the rules of scoring."""
        is_same = self.score is not None and self.score["wer"]["total"] == self.score["cer"]["total"]
        return self.unit if is_same else "WER"


class Experiment:
    def __init__(self, folder):
        self.folder = folder
        self.notes, self.bad = [], []
        self.systems = self.read_systems()
        self.facts = self.read_facts()
        self.sets = {}
        for system in self.systems:
            if system.set not in self.sets:
                self.sets[system.set] = self.read_set(system.set)
            self.read_stats(system)
            self.read_score(system)
        self.comparisons = self.read_comparisons()
        self.lengths = self.read_lengths()

    def note(self, text):
        """Tells once what is missing."""
        if clean(text) not in self.notes:
            self.notes.append(clean(text))

    def blame(self, text):
        """Tells once what cannot be used."""
        if clean(text) not in self.bad:
            self.bad.append(clean(text))

    def is_there(self, name, what):
        """Notes what is lost without the file."""
        if os.path.exists(os.path.join(self.folder, name)):
            return True
        self.note(f"{name} is not there: {what}")
        return False

    def use(self, name, read):
        """What read(path) makes of the file; None where it cannot be used, which is told."""
        try:
            return read(os.path.join(self.folder, name))
        except (OSError, Trouble, UnicodeError) as e:
            reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
            self.blame(f"{name}: {reason}")
            return None

    def read_json(self, name, kind):
        def read(path):
            with open(path, encoding="utf-8") as file:
                document = parse_json(file.read())
            if not isinstance(document, kind):
                raise Trouble("is no JSON " + {dict: "object", list: "list"}[kind])
            return document
        return self.use(name, read)

    def read_systems(self):
        path = os.path.join(self.folder, "systems.tsv")
        try:
            with open(path, encoding="utf-8-sig") as file:
                lines = [line.rstrip("\r\n") for line in file]
        except (OSError, UnicodeError) as e:
            raise Trouble(f"{path}: {getattr(e, 'strerror', None) or e}") from e
        systems = []
        for i, line in enumerate(lines, 1):
            columns = [column.strip() for column in line.split("\t")]
            if not line.strip() or line.startswith("#"):
                continue
            if len(columns) < 5 or columns[0] in ("", ".", "..") or "/" in columns[0]:
                self.blame(f"systems.tsv:{i}: is not 'name, title, kind, precision, set, options' with tabs")
            elif columns[0] in (system.name for system in systems):
                self.blame(f"systems.tsv:{i}: {columns[0]} was there before")
            else:
                systems.append(System(columns))
        if not systems:
            raise Trouble(f"{path}: no system in it")
        sets = list(dict.fromkeys(system.set for system in systems))
        systems.sort(key=lambda system: sets.index(system.set))
        for i, system in enumerate(systems, 1):
            system.number = i
        return systems

    def read_facts(self):
        if not self.is_there("facts.json", "no commit, machine and command"):
            return {}
        facts = self.read_json("facts.json", dict) or {}
        return {key: clean(value) for key, value in facts.items() if isinstance(value, (str, int, float)) and value}

    def read_stats(self, system):
        name = f"decode/{system.name}/stats.json"
        if self.is_there(name, "no speed, latency and memory"):
            system.stats = self.read_json(name, dict) or {}
        if number(system.stats.get("failed")):
            self.note(f"{name}: {system.stats['failed']} utterances failed")

    def read_score(self, system):
        name = f"score/{system.name}.json"
        if not self.is_there(name, "no error rate"):
            return
        score = self.read_json(name, dict)

        if score is None or not self.use(name, lambda _: check_rates(score)):
            return
        system.score = score
        if not self.use(name, lambda _: check_confidence(score.get("confidence"))):
            score["confidence"] = None
        system.calibrated = self.read_calibration(f"calibration/{system.name}.json")
        system.utterances = self.use(name, lambda _: read_utterances(score))
        if score.pop("utterances", None) is None:
            self.note(f"{name} has no alignments (linnet score --align)")
        if number(score.get("missing")):
            self.note(f"{name}: {score['missing']} utterances were not decoded, all of their words count as errors")
        score["unit"] = self.unit_of(system)

    def read_calibration(self, name):
        """What a cross-validation says, where there is one."""
        if not os.path.exists(os.path.join(self.folder, name)):
            return None
        calibrations = dig(self.read_json(name, dict) or {}, "calibrations")
        if not isinstance(calibrations, list):
            return None
        crossed = [dig(one, "cross_validated") for one in calibrations]
        return crossed[0] if len(crossed) == 1 and number(dig(crossed[0], "ece")) is not None else None

    def unit_of(self, system):
        """As facts.json has it, else by the script of the references."""
        if self.facts.get("measure") in ("wer", "cer"):
            return self.facts["measure"].upper()
        data = self.sets[system.set]
        if data.is_unspaced is None and (data.texts or system.utterances):
            data.is_unspaced = is_unspaced(data.texts.values() or reference_words(system.utterances))
        return "CER" if data.is_unspaced else "WER"

    def read_set(self, name):
        folder = os.path.join(self.folder, "data", name)
        data = DataSet(folder)
        files = {file: f"data/{name}/{file}" for file in ("wav.scp", "segments", "text")}
        there = {file for file in files if os.path.exists(os.path.join(folder, file))}
        if "wav.scp" in there:
            data.recordings = self.use(files["wav.scp"], read_table) or {}
        if "text" in there:
            data.texts = self.use(files["text"], read_table) or {}
        if "segments" in there:
            self.read_segments(data, self.use(files["segments"], read_table) or {}, files["segments"])
        return data

    def read_segments(self, data, table, name):
        n_bad = 0
        for utterance, text in table.items():
            try:
                data.segments[utterance] = parse_segment(text)
            except ValueError:
                n_bad += 1
                if n_bad <= MAX_NOTED:
                    self.blame(f"{name}: {utterance}: is not 'utterance recording start end'")
        if n_bad > MAX_NOTED:
            self.blame(f"{name}: {n_bad} such lines in all")

    def names_in(self, folder, ending):
        path = os.path.join(self.folder, folder)
        return sorted(name for name in os.listdir(path) if name.endswith(ending)) if os.path.isdir(path) else []

    def read_comparisons(self):
        by_name, found = {system.name: system for system in self.systems}, {}
        for name in self.names_in("compare", ".json"):
            parts = name[:-len(".json")].split("__")
            pairs = [("__".join(parts[:i]), "__".join(parts[i:])) for i in range(1, len(parts))]
            pair = next((pair for pair in pairs if pair[0] in by_name and pair[1] in by_name), None)
            if pair is None:
                self.note(f"compare/{name} is not called after two systems, A__B.json")
                continue
            document = self.read_json(f"compare/{name}", dict)
            if document is not None:
                comparison = self.use(f"compare/{name}",
                                      lambda _: self.check_comparison(document, by_name[pair[0]], by_name[pair[1]]))
                if comparison is not None:
                    found[pair] = comparison
        order = {system.name: i for i, system in enumerate(self.systems)}
        return [found[pair] for pair in sorted(found, key=lambda pair: (order[pair[0]], order[pair[1]]))]

    def check_comparison(self, document, a, b):
        difference = dig(document, "difference")
        values = [number(dig(difference, key)) for key in ("percent", "low", "high", "p")]
        if None in values:
            raise Trouble("has no \"difference\" with the numbers percent, low, high, p")
        errors = dig(document, "wer", "errors"), dig(document, "against", "wer", "errors")
        for system, got in zip((a, b), errors):
            if a.set == b.set and system.score is not None and got != system.score["wer"]["errors"]:
                raise Trouble(f"is of other results of {system.name} than score/{system.name}.json: compare again")
        return Comparison(a, b, *values)

    def read_lengths(self):
        if not os.path.exists(os.path.join(self.folder, "lengths.json")):
            return []
        rows = self.read_json("lengths.json", list) or []
        good = [row for row in rows if isinstance(dig(row, "decoder"), str)]
        if len(good) < len(rows):
            self.blame(f"lengths.json: {len(rows) - len(good)} rows have no \"decoder\"")
        return good

    # ---- hypotheses, of which only some are needed

    def read_hypotheses(self, system):
        """The objects of hyp.jsonl, one after the other."""
        name = f"decode/{system.name}/hyp.jsonl"
        path, n_bad = os.path.join(self.folder, name), 0
        if not self.is_there(name, "no times of its words"):
            return
        with open(path, "rb") as file:
            for i, line in enumerate(file, 1):
                try:
                    hypothesis = parse_json(line.decode("utf-8"))
                    if not isinstance(dig(hypothesis, "utt"), str):
                        raise Trouble("has no \"utt\"")
                except (Trouble, UnicodeError) as e:
                    n_bad += 1
                    if n_bad <= MAX_NOTED:
                        self.blame(f"{name}:{i}: {e}")
                    continue
                yield hypothesis

    def read_heard(self, system, wanted):
        """{utterance: Heard} of those that are wanted."""
        found = {}
        for hypothesis in self.read_hypotheses(system):
            utterance = nfc(hypothesis["utt"])
            if utterance in wanted:
                language = hypothesis.get("language")
                is_language = isinstance(language, str) and language.replace("-", "").isalnum()
                found[utterance] = Heard(language if is_language else "", words_of(hypothesis))
        return found

    def read_sounds(self, set_name):
        """{utterance: Sound} of those that were scored."""
        data = self.sets[set_name]
        systems = [system for system in self.systems if system.set == set_name and system.utterances]
        heard = {}
        if systems and not data.recordings:
            heard = {nfc(hypothesis["utt"]): (hypothesis["file"], number(hypothesis.get("duration")))
                     for hypothesis in self.read_hypotheses(systems[0]) if isinstance(hypothesis.get("file"), str)}
        utterances = dict.fromkeys(utterance for system in systems for utterance in system.utterances)
        sounds = {utterance: data.sound(utterance, heard.get(utterance, (None, None))) for utterance in utterances}
        return {utterance: sound for utterance, sound in sounds.items() if sound is not None}
