# SPDX-License-Identifier: Apache-2.0
"""programs.py - the programs that compare.py compares: how each is started, told to decode, and timed."""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ("faster-int8", "faster-fp32", "openai", "whisper.cpp")


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


# ---- processes


class Failed(Exception):
    """A program ended with an error; the text is the last line that it wrote."""


class Process:
    """A process with its output in files: what it takes from its start to its end, which wait() sees."""

    def __init__(self, argv, env=None, stdin=None):
        self.argv = argv
        self.out, self.err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        with open(stdin or os.devnull, encoding="utf-8") as lines:
            self.start = time.perf_counter()
            self.child = subprocess.Popen(argv, stdin=lines, stdout=self.out, stderr=self.err, env=env)

    def wait(self):
        _, status, usage = os.wait4(self.child.pid, 0)
        self.seconds = time.perf_counter() - self.start
        self.child.returncode = os.waitstatus_to_exitcode(status)
        self.processor_s = usage.ru_utime + usage.ru_stime
        self.peak_mb = usage.ru_maxrss * 1024 / 1e6
        for file in (self.out, self.err):
            file.seek(0)
        self.stdout, self.stderr = self.out.read(), self.err.read()
        self.out.close(), self.err.close()
        if self.child.returncode != 0:
            raise Failed(f"{self.argv[0]}: " + (self.stderr.strip().splitlines() or ["failed"])[-1])
        return self


def run(argv, env=None, stdin=None):
    return Process(argv, env, stdin).wait()


# ---- programs
#
# Each has a name and a version; whole(files) starts a process that decodes them, text_of(process) is what it recognised
# in the last; open() makes ready for seconds(file), the time with loading excluded, and close() ends that.


class Linnet:
    """The option --linnet may name several, and each has a row for each choice of further options."""

    def __init__(self, options, name, program, further):
        self.options, self.program, self.further = options, program, further
        self.name = " ".join([name, *(word for word in further if word != "--precision")])
        self.version = run([self.program, "--version"]).stdout.split()[-1]

    def arguments(self, command, setup):
        decoder = [] if self.options.wenet else ["-l", self.options.language, "-s", "decoder.temperature=0"]
        return [self.program, command, "-m", self.options.model, "-t", str(setup.threads), "-b", str(setup.beam),
                *decoder, *self.further]

    def open(self, setup):
        pass

    def close(self):
        pass

    def seconds(self, path, setup):
        return json.loads(run([*self.arguments("bench", setup), "-n", "1", "--json", path]).stdout)["wall_s"]

    def whole(self, files, setup):
        return Process([*self.arguments("transcribe", setup), *files])

    @staticmethod
    def text_of(process):
        return process.stdout

    def utterances(self, data, setup):
        """The process, what it took without loading, and the texts."""
        with tempfile.TemporaryDirectory() as out:
            process = run([*self.arguments("decode", setup), "--data", data.directory, "--out", out])
            with open(os.path.join(out, "stats.json"), encoding="utf-8") as f:
                seconds = json.load(f)["wall_s"]
            with open(os.path.join(out, "hyp.txt"), encoding="utf-8") as f:
                return process, seconds, dict(line.rstrip("\n").partition(" ")[::2] for line in f)


class Peer:
    """A peer that peer.py drives."""

    def __init__(self, options, name, model):
        self.options, self.name, self.model, self.server = options, name, model, None
        # Settings of the user's for linnet's products, not for other programs'.
        self.env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        self.version = run([*self.command(), "--version"], self.env).stdout.strip()

    def command(self):
        return [sys.executable, os.path.join(HERE, "peer.py"), self.name]

    def arguments(self, setup):
        return [*self.command(), "--model", self.model, "--language", self.options.language,
                "--threads", str(setup.threads), "--beam", str(setup.beam)]

    def open(self, setup):
        self.server = subprocess.Popen(self.arguments(setup), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, env=self.env, text=True)
        self.answer()
        self.warm = set()

    def answer(self):
        line = self.server.stdout.readline()
        if line == "":
            raise Failed(f"{self.name} ended before it answered")
        return line

    def decode(self, path):
        self.server.stdin.write(path + "\n")
        self.server.stdin.flush()
        return json.loads(self.answer())["seconds"]

    def seconds(self, path, setup):
        if path not in self.warm:
            self.decode(path)
            self.warm.add(path)
        return self.decode(path)

    def close(self):
        if self.server is not None:
            self.server.stdin.close()
            self.server.stdout.close()
            self.server.wait()
            self.server = None

    def whole(self, files, setup):
        return Process([*self.arguments(setup), *files], self.env)

    @staticmethod
    def text_of(process):
        return json.loads(process.stdout.strip().splitlines()[-1])["text"]

    def utterances(self, data, setup):
        process = run(self.arguments(setup), self.env, stdin=data.list)
        answers = [json.loads(line) for line in process.stdout.strip().splitlines()]
        texts = dict(zip(data.paths, (a["text"] for a in answers)))
        return process, sum(a["seconds"] for a in answers), texts


class WhisperCpp:
    name = "whisper.cpp"

    def __init__(self, options, program):
        self.options, self.program = options, program
        self.version = os.path.basename(program)

    def open(self, setup):
        pass

    def close(self):
        pass

    def whole(self, files, setup):
        return Process([self.program, "-m", self.options.ggml, "-t", str(setup.threads), "-l", self.options.language,
                        "-bs", str(setup.beam), "-bo", "1", "-tp", "0", "-nf", *files])

    def seconds(self, path, setup):
        said = self.whole([path], setup).wait().stderr
        total, load = (float(re.search(rf"{what} time = *([0-9.]+) ms", said)[1]) for what in ("total", "load"))
        return (total - load) / 1000

    @staticmethod
    def text_of(process):
        return " ".join(re.sub(r"^\[[^]]*\] *", "", line) for line in process.stdout.splitlines())


def convert_for_ctranslate2(options):
    """The directory that faster-whisper reads, of the same weights: made once, kept in --work."""
    made = os.path.join(options.work, "ctranslate2-" + os.path.basename(options.model.rstrip("/")))
    if not os.path.exists(os.path.join(made, "model.bin")):
        converter = os.path.join(os.path.dirname(sys.executable), "ct2-transformers-converter")
        run([converter, "--model", options.model, "--output_dir", made, "--copy_files", "tokenizer.json"])
    return made


def open_peer(name, options):
    if name == "whisper.cpp":
        program = shutil.which("whisper-cli")
        if program is None or options.ggml is None:
            raise Failed("no whisper-cli in PATH" if program is None else "no --ggml FILE")
        return WhisperCpp(options, program)
    if name == "openai":
        return Peer(options, name, options.openai or options.model)
    if name == "wenet":
        return Peer(options, name, options.wenet)
    return Peer(options, name, options.ct2 or convert_for_ctranslate2(options))


def open_programs(options):
    variants = [["--precision", p] for p in options.precision.split(",")] if options.precision else []
    variants += [shlex.split(further) for further in options.further]
    linnets = options.linnet.split(",")
    programs = [Linnet(options, "linnet" if len(linnets) == 1 else program, program, further)
                for program in linnets for further in variants or [[]]]
    for name in ["wenet"] if options.wenet else options.peers.split(","):
        try:
            programs.append(open_peer(name, options))
        except (Failed, OSError) as e:
            say(f"{name} is left out: {e}")
    return programs
