# SPDX-License-Identifier: Apache-2.0
"""data.py - the data that was decoded: where the sound of an utterance is, and what was heard in it."""
import math
import os
from collections import namedtuple

from .reading import clean, dig, nfc, number

# end: None for that of the file; heard_s: how much of it was decoded, where nothing else says what the part is.
Sound = namedtuple("Sound", "path start end heard_s", defaults=(None,))
Word = namedtuple("Word", "text start end confidence")
Heard = namedtuple("Heard", "language words")


def is_path(text):
    """Whether a file may be called so."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeError:
        return False


class DataSet:
    """exp/data/NAME: where a recording lies, and what of it is an utterance."""

    def __init__(self, folder):
        self.folder = folder
        self.recordings, self.segments, self.texts = {}, {}, {}
        self.is_unspaced = None  # known once there is text

    def sound(self, utterance, heard):
        """heard: the file that the decoder opened for it, and how many seconds of it, where there is no wav.scp."""
        recording, start, end = self.segments.get(utterance, (utterance, 0.0, None))
        path, heard_s = (self.recordings.get(recording), None) if self.recordings else heard
        if path is None or not is_path(path):
            return None
        for folder in ("", self.folder, os.path.dirname(self.folder)):
            if os.path.isfile(os.path.join(folder, path)):
                path = os.path.join(folder, path)
                break
        return Sound(path, start, end, heard_s)


def read_table(path):
    """A Kaldi file: {id: the rest of its line}."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        lines = [line.split(None, 1) for line in file if line.strip()]
    return {nfc(line[0]): line[1].strip() if len(line) > 1 else "" for line in lines}


def parse_segment(text):
    """(recording, start, end) of "recording start end"; an end below 0 is that of the recording."""
    recording, start, end = text.split()[:3]
    start, end = float(start), float(end)
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError
    return nfc(recording), max(0.0, start), end if end >= 0 else None


def words_of(hypothesis):
    """The words of a line of hyp.jsonl that have times."""
    segments = hypothesis.get("segments")
    words = [word for segment in segments if isinstance(dig(segment, "words"), list) for word in segment["words"]] \
        if isinstance(segments, list) else []
    return [Word(clean(word["word"]).strip(), word["start"], word["end"], number(word.get("confidence")))
            for word in words if isinstance(dig(word, "word"), str) and number(dig(word, "start")) is not None and
            number(dig(word, "end")) is not None]
