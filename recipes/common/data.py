# SPDX-License-Identifier: Apache-2.0
"""data.py SOURCE OUT [--limit N] [--few N] [--tune N]: makes of SOURCE the Kaldi data directory OUT.

SOURCE is a Kaldi directory; a folder of recordings with a .txt beside each; a CSV or TSV file with a header; JSON lines
(also WeNet's data.list); or a list of files.  Names of columns are found among those that are in use (NAMES).  Ids and
texts stay as they are: who reads them tells what is wrong with them.  What names no recording, or has no text where
texts are needed, is told, left out, and makes the exit code 3.

--limit: that many utterances, spread over all.  --few and --tune also make OUT.few, with so many; OUT.tune, with so
many of one half of the speakers; and OUT.held, with the other half.  Half of the utterances, where one has spoken all.
"""
import argparse
import csv
import json
import os
import sys

AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".webm", ".aac", ".wma", ".amr")
NAMES = {
    "id": ("id", "utt", "key", "utt_id", "utterance", "uttid"),
    "path": ("path", "wav", "audio", "audio_path", "audio_filepath", "file", "file_name", "filename"),
    "text": ("text", "txt", "sentence", "transcript", "transcription", "transcripts"),
    "speaker": ("speaker", "spk", "speaker_id", "client_id", "spk_id"),
    "start": ("start", "offset", "start_s"),
    "end": ("end", "end_s"),
    "duration": ("duration",),
}
problems = []


def complain(text):
    problems.append(text)
    print("data: " + text, file=sys.stderr)


class Data:
    """Lines of Kaldi's files, as pairs of the first word and the rest."""

    FILES = ("wav.scp", "segments", "text", "utt2spk")

    def __init__(self, **lines):
        self.lines = {name: lines.get(name, []) for name in self.FILES}

    def ids(self):
        return list(dict.fromkeys(id for id, _ in self.lines["segments"] or self.lines["wav.scp"]))

    def subset(self, ids):
        wanted, made = set(ids), Data()
        for name in ("segments", "text", "utt2spk"):
            made.lines[name] = [line for line in self.lines[name] if line[0] in wanted]
        recordings = {line[1].split()[0] for line in made.lines["segments"] if line[1].split()} or wanted
        made.lines["wav.scp"] = [line for line in self.lines["wav.scp"] if line[0] in recordings]
        return made

    def halves(self):
        """Ids of one half of the speakers, and of the other."""
        ids, speaker = self.ids(), dict(self.lines["utt2spk"])
        speakers = sorted({speaker.get(id, id) for id in ids})
        if len(speakers) < 2:
            return ids[::2], ids[1::2]
        first = set(speakers[::2])
        is_first = [speaker.get(id, id) in first for id in ids]
        return ([id for id, yes in zip(ids, is_first) if yes], [id for id, yes in zip(ids, is_first) if not yes])

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        for name, lines in self.lines.items():
            if lines:
                with open(os.path.join(folder, name), "w", encoding="utf-8", errors="surrogateescape") as f:
                    f.writelines(f"{id} {rest}".rstrip() + "\n" for id, rest in lines)


def spread(items, n):
    """n of the items, evenly."""
    return items if n <= 0 or n >= len(items) else [items[i * len(items) // n] for i in range(n)]


# ---- reading

def text_of(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape")


def lines_of(path):
    return [line.rstrip("\r") for line in text_of(path).split("\n") if line.strip()]


def find(path, folder):
    """As `linnet decode` finds it: relative to the current folder, else to that of the list."""
    return os.path.abspath(path if os.path.exists(path) else os.path.join(folder, path))


def read_kaldi(folder):
    data = Data()
    for name in Data.FILES:
        path = os.path.join(folder, name)
        for line in lines_of(path) if os.path.exists(path) else []:
            id, rest = (line.split(None, 1) + [""])[:2]
            data.lines[name].append((id, rest.strip()))
    data.lines["wav.scp"] = [
        (id, path if not path or "|" in path else find(path, root(folder, path)))
        for id, path in data.lines["wav.scp"]]
    return data


def root(folder, path):
    """Some corpora have paths that are relative to the folder above."""
    above = os.path.dirname(os.path.abspath(folder))
    return above if not os.path.exists(os.path.join(folder, path)) and os.path.exists(os.path.join(above, path)) \
        else folder


def beside(path):
    """The text of a recording: NAME.txt or NAME.wav.txt; None where there is none."""
    for name in (os.path.splitext(path)[0] + ".txt", path + ".txt"):
        if os.path.exists(name):
            return " ".join(text_of(name).split())
    return None


def from_fields(rows, folder):
    """rows: (where, {field: value})."""
    data, paths = Data(), {}
    for where, row in rows:
        path, text = row.get("path") or "", row.get("text")
        if isinstance(path, dict):  # of the `datasets` library
            path = path.get("path") or ""
        if not path or text is None:
            complain(f"{where}: names no " + ("recording" if not path else "text"))
            continue
        id = "_".join(str(row.get("id") or os.path.splitext(os.path.basename(path))[0]).split())
        data.lines["text"].append((id, " ".join(str(text).split())))
        if row.get("speaker"):
            data.lines["utt2spk"].append((id, "_".join(str(row["speaker"]).split())))
        path = find(path, folder)
        if row.get("start") is None:
            data.lines["wav.scp"].append((id, path))
            continue
        if path not in paths:
            paths[path] = f"recording{len(paths) + 1}"
            data.lines["wav.scp"].append((paths[path], path))
        start = float(row["start"])
        end = float(row["end"]) if row.get("end") else start + float(row["duration"]) if row.get("duration") else -1
        data.lines["segments"].append((id, f"{paths[path]} {start:.3f} {end:.3f}" if end >= 0 else
                                       f"{paths[path]} {start:.3f} -1"))
    whole = [(id, path) for id, path in data.lines["wav.scp"] if path not in paths]
    if data.lines["segments"]:
        data.lines["segments"] += [(id, f"{id} 0 -1") for id, _ in whole]
    return data


def known(row):
    """The fields of a row by our names."""
    lower = {str(key).strip().lower(): value for key, value in row.items() if key is not None}
    return {field: next((lower[name] for name in names if lower.get(name) not in (None, "")), None)
            for field, names in NAMES.items()}


def json_rows(path):
    for i, line in enumerate(text_of(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            yield f"{path}:{i}", known(row)
        else:
            complain(f"{path}:{i}: is no JSON object")


def table_rows(path, is_tab):
    lines = text_of(path).splitlines()
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if is_tab else csv.DictReader(lines)
    for row in reader:
        yield f"{path}:{reader.line_num}", known(row)


def file_rows(paths, folder):
    for path in paths:
        id = os.path.splitext(os.path.relpath(path, folder))[0].replace(os.sep, "-")
        above = os.path.relpath(os.path.dirname(path), folder)
        yield path, {"id": id, "path": path, "text": beside(path), "speaker": None if above == "." else above}


def read_folder(folder):
    paths = [os.path.join(where, name) for where, _, names in os.walk(folder, followlinks=True) for name in names
             if name.lower().endswith(AUDIO)]
    return from_fields(file_rows(sorted(paths), folder), folder)


def read(source):
    folder, kind = os.path.dirname(os.path.abspath(source)), os.path.splitext(source)[1].lower()
    if os.path.isdir(source):
        return read_kaldi(source) if os.path.exists(os.path.join(source, "wav.scp")) else read_folder(source)
    if kind in (".csv", ".tsv"):
        return from_fields(table_rows(source, kind == ".tsv"), folder)
    if text_of(source).lstrip()[:1] == "{":
        return from_fields(json_rows(source), folder)
    return from_fields(file_rows([find(line.strip(), folder) for line in lines_of(source)], folder), folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("out")
    for name in ("--limit", "--few", "--tune"):
        parser.add_argument(name, type=int, default=0)
    options = parser.parse_args()
    try:
        data = read(options.source)
    except (OSError, ValueError, csv.Error) as e:
        sys.exit(f"data: {options.source}: {e}")
    if not data.ids() or not data.lines["text"]:
        sys.exit(f"data: {options.source}: no " + ("texts in it" if data.ids() else "recordings in it"))
    data = data.subset(spread(data.ids(), options.limit)) if options.limit > 0 else data
    data.write(options.out)
    if options.few > 0:
        data.subset(spread(data.ids(), options.few)).write(options.out + ".few")
    if options.tune > 0:
        tune, held = data.halves()
        data.subset(spread(tune, options.tune)).write(options.out + ".tune")
        data.subset(held).write(options.out + ".held")
    print(f"made {len(data.ids())} utterances")
    sys.exit(3 if problems else 0)


if __name__ == "__main__":
    main()
