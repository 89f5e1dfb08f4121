# SPDX-License-Identifier: Apache-2.0
"""groups.py - errors counted by kinds of utterances (speaker, length, level) and of words (confusions)."""
from collections import Counter, namedtuple

from .reading import number

LEVELS_DB = (-45, -40, -35, -30, -25, -20, -15)
N_CONFUSIONS = 15

# rates: {system name: (errors, total)}; n: utterances.
Group = namedtuple("Group", "name n rates")


def percent(errors, total):
    return 100.0 * errors / total if total > 0 else None


def from_scores(systems, member):
    """The groups that `linnet score` made: by_speaker, by_length; in its order."""
    groups = {}
    for system in systems:
        for name, rate in ((system.score or {}).get(member) or {}).items():
            group = groups.setdefault(name, Group(name, number(rate.get("utterances")) or 0, {}))
            group.rates[system.name] = (rate["errors"], rate["total"])
    return list(groups.values())


def level_name(level_db):
    if level_db < LEVELS_DB[0]:
        return 0, f"below −{-LEVELS_DB[0]} dB"
    for i, (low, high) in enumerate(zip(LEVELS_DB, LEVELS_DB[1:]), 1):
        if level_db < high:
            return i, f"−{-low} to −{-high} dB"
    return len(LEVELS_DB), f"above −{-LEVELS_DB[-1]} dB"


def by_level(systems, levels_db):
    """levels_db: {utterance: level}."""
    names = {utterance: level_name(level_db) for utterance, level_db in levels_db.items()}
    n = Counter(names.values())
    groups = {key: Group(key[1], n[key], {}) for key in sorted(n)}
    for system in systems:
        for utterance, one in (system.utterances or {}).items():
            if utterance in names:
                rates = groups[names[utterance]].rates
                errors, total = rates.get(system.name, (0, 0))
                rates[system.name] = (errors + one.errors, total + one.total)
    return list(groups.values())


def confusions(system):
    """{kind: [((reference word, hypothesis word), count)]}, the most frequent first."""
    counts = {kind: Counter() for kind in ("sub", "del", "ins")}
    for one in system.utterances.values():
        for kind, reference, hypothesis in one.steps:
            if kind != "ok":
                counts[kind][reference, hypothesis] += 1
    return {kind: sorted(count.items(), key=lambda item: (-item[1], str(item[0])))[:N_CONFUSIONS]
            for kind, count in counts.items()}


def worst(system, n):
    """Ids of utterances with the most errors, of those with errors."""
    wrong = [(utterance, one) for utterance, one in system.utterances.items() if one.errors > 0]
    wrong.sort(key=lambda item: (-item[1].errors, -(percent(item[1].errors, item[1].total) or 100.0), item[0]))
    return [utterance for utterance, _ in wrong[:n]]
