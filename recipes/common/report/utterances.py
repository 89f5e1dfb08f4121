# SPDX-License-Identifier: Apache-2.0
"""utterances.py - single utterances on the page: the worst with sound, spectrogram and alignments, and what the script
needs to set two systems side by side."""
from .reading import clean
from .groups import percent
from .html import data_uri, h, note, scroll
from .results import NONE

COLUMNS_PER_S, MIN_COLUMNS, ROWS = 110, 680, 129  # of a spectrogram
LINE, LETTER = 18, 7                              # pixels of a line of words, and of a letter at most
MAX_LINES = 3                                     # of words above a spectrogram
MAX_AUDIO_S = 30
MAX_MEDIA_BYTES = 14 << 20                        # of all sound and spectrograms, before base64

SIGNS = {"sub": "changed", "del": "left out", "ins": "put in"}


# ---- alignments

def step_html(kind, reference, hypothesis):
    if kind == "ok":
        return h(reference)
    if kind == "del":
        return f'<del><span class="sign" aria-hidden="true">−</span>{h(reference)}</del>'
    if kind == "ins":
        return f'<ins><span class="sign" aria-hidden="true">+</span>{h(hypothesis)}</ins>'
    return (f'<span class="sub"><del>{h(reference)}</del><span class="sign" aria-hidden="true">→</span>'
            f'<ins>{h(hypothesis)}</ins></span>')


def alignment_html(one):
    words = " ".join(step_html(*step) for step in one.steps)
    return f'<p class="alignment" dir="auto">{words or "(no words)"}</p>'


def counted(n, thing):
    return f"{n} {thing}{'s' * (n != 1)}"


def errors_text(one):
    counts = {kind: sum(step[0] == kind for step in one.steps) for kind in SIGNS}
    told = ", ".join(f"{counts[kind]} {name}" for kind, name in SIGNS.items() if counts[kind] > 0)
    rate = percent(one.errors, one.total)
    share = f" ({rate:.0f} %)" if rate is not None else ""
    return f"{counted(one.errors, 'error')} in {counted(one.total, 'word')}{share}" + (f": {told}" if told else "")


# ---- spectrograms

def lines_of(words, clip):
    """[(word, the line where there is room for it)] of those that are in the clip."""
    scale, ends, found = clip.columns / clip.duration_s, [0.0] * MAX_LINES, []
    for word in words:
        if 0 <= word.start < clip.duration_s:
            x = word.start * scale
            line = next((i for i in range(MAX_LINES) if ends[i] <= x), ends.index(min(ends)))
            ends[line] = x + LETTER * len(word.text) + 6
            found.append((word._replace(end=min(word.end, clip.duration_s)), line))
    return found


def word_html(word, line, scale, bottom):
    """A word of the hypothesis: its stretch of time, its text above."""
    left, right, y = word.start * scale, max(word.end, word.start + 0.01) * scale, 13 + line * LINE
    sure = "" if word.confidence is None else f", {100 * word.confidence:.0f} % sure"
    return (f'<g class="word" data-start="{word.start:.3f}">'
            f'<title>{h(word.text)}: {word.start:.2f} – {word.end:.2f} s{sure}</title>'
            f'<rect x="{left:.1f}" y="{y + 4}" width="{right - left:.1f}" height="{bottom - y - 4}"/>'
            f'<text x="{left + 2:.1f}" y="{y}">{h(word.text)}</text></g>')


def ticks_html(clip, scale, bottom):
    """Seconds below, kilohertz at the left."""
    step, parts = 0.5 if clip.duration_s < 8 else 1, []
    for i in range(int(clip.duration_s / step) + 1):
        x = i * step * scale
        anchor = "start" if i == 0 else "end" if x > clip.columns - 24 else "middle"
        parts.append(f'<path d="M{x:.1f} {bottom}v5"/><text x="{x:.1f}" y="{bottom + 18}" text-anchor="{anchor}">'
                     f'{i * step:g}{" s" if i == 0 else ""}</text>')
    for khz in (2, 4, 6):
        y = bottom - ROWS * khz / 8
        parts.append(f'<path d="M0 {y:.1f}h6"/><text x="8" y="{y + 4:.1f}">{khz} kHz</text>')
    return f'<g class="ticks">{"".join(parts)}</g>'


def spectrogram_html(utterance, clip, words):
    placed, scale = lines_of(words, clip), clip.columns / clip.duration_s
    top = (1 + max((line for _, line in placed), default=0)) * LINE + 4
    bottom, height = top + ROWS, top + ROWS + 24
    told = "; ".join(f"{word.text} {word.start:.2f} to {word.end:.2f}" for word, _ in placed) or "no times of words"
    picture = "" if clip.picture is None else \
        f'<image x="0" y="{top}" width="{clip.columns}" height="{ROWS}" preserveAspectRatio="none" ' \
        f'href="{data_uri("image/png", clip.picture)}"/>'
    svg = (f'<svg class="spectrogram" width="{clip.columns}" height="{height}" viewBox="0 0 {clip.columns} {height}" '
           f'data-duration="{clip.duration_s:.3f}" role="img" '
           f'aria-label="Spectrogram; words and their seconds: {h(told)}">{picture}{ticks_html(clip, scale, bottom)}'
           f'{"".join(word_html(word, line, scale, bottom) for word, line in placed)}'
           f'<path class="cursor" d="M0 0V{bottom}"/></svg>')
    return scroll(svg, f"Spectrogram of {utterance}")


# ---- cards

def sound_html(utterance, clip, words):
    if clip is None:
        return note("no sound: it cannot be read, nothing says which part of a recording it is, or this page is full")
    cut = note(f"cut at {MAX_AUDIO_S} s") if clip.is_cut else ""
    return (f'<audio controls preload="metadata" aria-label="{h(utterance)}" src="{data_uri("audio/flac", clip.flac)}">'
            f'</audio>{cut}{spectrogram_html(utterance, clip, words)}')


def card(place, utterance, systems, language, sound):
    """systems: those whose alignments are shown; sound: HTML."""
    lang = f' lang="{h(language)}"' if language else ""
    parts = [f'<article class="card" id="sound-{h(utterance)}" aria-labelledby="worst-{place}">',
             f'<h3 id="worst-{place}"><span class="place">{place}</span> {h(utterance)}</h3>', sound]
    for system in systems:
        one = system.utterances.get(utterance)
        parts.append(f'<h4>{h(system.full)} <span class="count">{errors_text(one) if one else NONE}</span></h4>')
        if one:
            parts.append(f"<div{lang}>{alignment_html(one)}</div>")
    return "\n".join([*parts, "</article>"])


# ---- data of the script

def packed_word(word):
    return clean(word).replace(" ", "\u00a0")


def packed(steps):
    """An alignment in little: "3 ~mac - +the": three words right, another word, one left out, one put in."""
    parts, n_right = [], 0
    for kind, _, hypothesis in [*steps, (None, None, None)]:
        if kind == "ok":
            n_right += 1
            continue
        if n_right > 0:
            parts.append(str(n_right))
            n_right = 0
        if kind is not None:
            parts.append({"sub": "~", "del": "-", "ins": "+"}[kind] + packed_word(hypothesis or ""))
    return " ".join(parts)


def reference_of(one):
    return [reference for kind, reference, _ in one.steps if kind != "ins"]


def pack(systems):
    """Of the systems of a set: {"ids", "references", "systems": {name: [alignment or null]}}, and the titles of those
    whose references are others."""
    scored = [system for system in systems if system.utterances]
    if not scored:
        return None, []
    first, others = scored[0], []
    ids = list(first.utterances)
    references = {utterance: reference_of(one) for utterance, one in first.utterances.items()}
    found = {}
    for system in scored:
        known = [(utterance, system.utterances.get(utterance)) for utterance in ids]
        if any(one is not None and reference_of(one) != references[utterance] for utterance, one in known):
            others.append(system.full)
        else:
            found[system.name] = [None if one is None else packed(one.steps) for _, one in known]
    return {"ids": [clean(utterance) for utterance in ids],
            "references": [" ".join(map(packed_word, references[utterance])) for utterance in ids],
            "systems": found}, others
