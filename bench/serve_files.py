#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files posted to `linnet serve` all at once, beside `linnet transcribe` on the same files.

    bench/serve_files.py --linnet build/linnet --model whisper-base --language en --runs 3 FILE...

Runs of both alternate.  Prints seconds and seconds of processors of each, and the medians with the server's throughput
in percent of the other's; of `linnet transcribe` they include opening the model, of the server they do not.  Exit code
1 where a run's words differ.  Needs curl.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def start_server(options):
    command = [options.linnet, "serve", "--model", options.model, "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if "http://" in line:
            return server, "http://" + line.partition("http://")[2].strip()
    sys.exit("the server does not start")


def write_forms(options, url, folder):
    path = os.path.join(folder, "forms")
    with open(path, "w", encoding="utf-8") as f:
        for i, recording in enumerate(options.recordings):
            f.write("" if i == 0 else "next\n")
            f.write(f'url = "{url}v1/audio/transcriptions"\nsilent\nform = "file=@{recording}"\n')
            f.write(f'form = "response_format=text"\nform = "language={options.language}"\noutput = "{folder}/{i}"\n')
    return path


def words_of(texts):
    return " ".join(texts).split()


def post(options, server, forms, folder):
    start, before = time.monotonic(), processor_s(server.pid)
    most = str(len(options.recordings))
    subprocess.run(["curl", "--parallel", "--parallel-immediate", "--parallel-max", most, "-K", forms],
                   stderr=subprocess.DEVNULL, check=True)
    took = time.monotonic() - start, processor_s(server.pid) - before
    texts = []
    for i in range(len(options.recordings)):
        with open(os.path.join(folder, str(i)), encoding="utf-8") as f:
            texts.append(f.read())
    return took, words_of(texts)


def transcribe(options):
    command = [options.linnet, "transcribe", "--quiet", "--model", options.model, "--language", options.language]
    start, before = time.monotonic(), os.times()
    done = subprocess.run(command + options.recordings, stdout=subprocess.PIPE, text=True, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return (time.monotonic() - start, used), words_of([done.stdout])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linnet", default="linnet")
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--language", default="en")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("recordings", nargs="+", metavar="FILE")
    options = parser.parse_args()
    served, alone, is_same = [], [], True
    server, url = start_server(options)
    with tempfile.TemporaryDirectory() as folder:
        forms = write_forms(options, url, folder)
        for _ in range(options.runs):
            took, words = post(options, server, forms, folder)
            served.append(took)
            took, others = transcribe(options)
            alone.append(took)
            is_same = is_same and words == others
            print("serve %7.2f s, processors %7.2f s; transcribe %7.2f s, processors %7.2f s" % (served[-1] + alone[-1]),
                  flush=True)
    server.terminate()
    server.wait()
    for i, what in enumerate(("seconds", "processor seconds")):
        mine, other = (statistics.median(run[i] for run in runs) for runs in (served, alone))
        print(f"median {what}: {mine:.2f} and {other:.2f}, {100 * other / mine:.1f} %")
    if not is_same:
        print("the words differ")
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main()
