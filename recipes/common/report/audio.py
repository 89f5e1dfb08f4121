# SPDX-License-Identifier: Apache-2.0
"""audio.py - the sound of utterances: how loud it is, the utterance alone as FLAC, its spectrogram.

All of it by sox; what sox cannot read comes to it through ffmpeg, where that is installed."""
import math
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 60
SLACK_S = 0.5
RATE_HZ = 16000
RANGE_DB = 80  # of a spectrogram


def tools_missing():
    """What has to be installed for sound to be on the page; "" when nothing has."""
    return "" if shutil.which("sox") else "sox is not installed: no sound, spectrograms, levels (apt-get install sox)"


def run(arguments, data=None):
    """(stdout, stderr), or None when the program fails."""
    try:
        done = subprocess.run(arguments, input=data, capture_output=True, timeout=PATIENCE_S, check=False,
                              **({} if data is not None else {"stdin": subprocess.DEVNULL}))
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return (done.stdout, done.stderr) if done.returncode == 0 else None


def sox(sound, *rest):
    """sox on the utterance's part of the file, mixed down; rest: the output file and more effects."""
    path = os.path.abspath(os.fsencode(sound.path))  # none that begins with "-" or "|"
    output, *effects = rest
    part = ["trim", f"{sound.start:.3f}"] + ([f"={sound.end:.3f}"] if sound.end is not None else [])
    done = run(["sox", "-D", "-V1", path, *output, "remix", "-", *part, *effects])
    if done is None and shutil.which("ffmpeg"):
        length = ["-t", f"{sound.end - sound.start:.3f}"] if sound.end is not None else []
        decoded = run(["ffmpeg", "-v", "error", "-nostdin", "-ss", f"{sound.start:.3f}", "-i", b"file:" + path, *length,
                       "-vn", "-ac", "1", "-f", "wav", "-"])
        if decoded is not None:
            done = run(["sox", "-D", "-V1", "--ignore-length", "-t", "wav", "-", *output, *effects], decoded[0])
    return done


def is_more(sound, seconds):
    """Whether it is more than the utterance, of which nothing says where it lies."""
    return sound.heard_s is not None and seconds > sound.heard_s + SLACK_S


def level_db(sound):
    """The root of the mean square, against a full scale; None where it cannot be told."""
    done = sox(sound, ["-n"], "stats")
    found = [re.search(rb"^" + name + rb" +(-?[0-9.]+|-inf)", done[1], re.MULTILINE)
             for name in (b"RMS lev dB", b"Length s")] if done is not None else [None]
    return None if None in found or is_more(sound, float(found[1].group(1))) else float(found[0].group(1))


def levels_db(sounds):
    """{id: level} of {id: Sound}; those that cannot be read are left out."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        levels = dict(zip(sounds, pool.map(level_db, sounds.values())))
    return {name: level for name, level in levels.items() if level is not None}


class Clip:
    """The sound of one utterance, of which at most max_s are kept."""

    def __init__(self, flac, picture, columns, duration_s, is_cut):
        self.flac, self.picture, self.columns, self.duration_s, self.is_cut = flac, picture, columns, duration_s, is_cut


def seconds_of(path):
    done = run(["soxi", "-D", path])
    return float(done[0]) if done is not None else 0.0


def spectrogram(path, columns, rows, folder):
    picture = os.path.join(folder, "picture.png")
    done = run(["sox", path, "-n", "spectrogram", "-r", "-m", "-l", "-q", "64", "-z", str(RANGE_DB), "-x", str(columns),
                "-y", str(rows), "-o", picture])
    if done is None:
        return None
    with open(picture, "rb") as file:
        return file.read()


def clip(sound, max_s, columns_per_s, min_columns, rows):
    """The Clip of a Sound, or None where it cannot be told."""
    with tempfile.TemporaryDirectory() as folder:
        whole, cut, flac = (os.path.join(folder, name) for name in ("whole.wav", "cut.wav", "cut.flac"))
        if sox(sound, ["-r", str(RATE_HZ), "-b", "16", whole]) is None:
            return None
        if is_more(sound, seconds_of(whole)):
            return None
        is_cut = seconds_of(whole) > max_s
        if run(["sox", "-D", whole, cut, "trim", "0", str(max_s)]) is None or run(["sox", cut, flac]) is None:
            return None
        duration_s = seconds_of(cut)
        if not duration_s > 0:
            return None
        columns = max(min_columns, math.ceil(duration_s * columns_per_s))
        with open(flac, "rb") as file:
            return Clip(file.read(), spectrogram(cut, columns, rows, folder), columns, duration_s, is_cut)
