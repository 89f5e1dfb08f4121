#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Load on `linnet serve`: N clients at /v1/stream, each of which speaks a recording in real time, again and again.

    linnet serve -m MODEL &
    bench/serve_load.py --streams 32 --seconds 600 speech.wav

The recording is a WAV file, 16 bits, one channel; client i starts it at another place.  Latency is the time from when
the last of an event's audio was sent until the event came: of a final that includes the silence which ended the
utterance.  Lag is how late a client sent its audio, by its own fault or because the server read no more.  Needs the
Python package websockets.  Prints a line for each minute, then all but the first; with --json, one object at the end.
"""
import argparse
import asyncio
import json
import sys
import time
import wave

import websockets

BLOCK_S = 0.1
LATE_S = 30  # after the last audio, until a client gives up


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(p / 100 * len(values)))] if values else float("nan")


class Load:
    def __init__(self, options):
        self.options = options
        with wave.open(options.recording) as f:
            if f.getsampwidth() != 2 or f.getnchannels() != 1:
                sys.exit(f"{options.recording}: not 16 bits, one channel")
            self.rate_hz, audio = f.getframerate(), f.readframes(f.getnframes())
        n = int(self.rate_hz * BLOCK_S) * 2
        self.blocks = [audio[i:i + n] for i in range(0, len(audio) - n + 1, n)]
        self.events = []  # (second of the run, type, latency)
        self.lags = []  # (second of the run, lag)
        self.n_taken = self.n_refused = self.n_broken = 0
        self.reasons = {}

    def start_message(self):
        message = {"type": "start", "sample_rate": self.rate_hz}
        for key in ("model", "language"):
            if getattr(self.options, key):
                message[key] = getattr(self.options, key)
        return json.dumps(message)

    async def speak(self, ws, i_client):
        """Sends blocks on time until the run ends; block k is spoken BLOCK_S * (k + 1) after the start."""
        at, k = i_client * 7 % len(self.blocks), 0
        self.began[i_client] = start = time.monotonic()
        while time.monotonic() < self.end:
            due = start + BLOCK_S * (k + 1)
            delay = due - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            await ws.send(self.blocks[(at + k) % len(self.blocks)])
            if k % 10 == 0:
                now = time.monotonic()
                self.lags.append((now - self.start, now - due))
            k += 1
        await ws.send('{"type":"finish"}')

    async def listen(self, ws, i_client):
        async for text in ws:
            now = time.monotonic()
            event = json.loads(text)
            if event["type"] == "end":
                return
            if event["type"] == "error":
                self.reasons[event["message"]] = self.reasons.get(event["message"], 0) + 1
                self.n_broken += 1
                return
            # The block that holds the end of the event's audio was sent when its last sample had been spoken.
            spoken = self.began[i_client] + BLOCK_S * -(-event["end"] // BLOCK_S)
            self.events.append((now - self.start, event["type"], now - spoken))

    async def client(self, i_client):
        await asyncio.sleep(i_client * self.options.spread / max(1, self.options.streams))
        try:
            async with websockets.connect(self.options.url, compression=None, ping_interval=None) as ws:
                await ws.send(self.start_message())
                answer = json.loads(await ws.recv())
                if answer["type"] != "ready":
                    self.n_refused += 1
                    self.reasons[answer["message"]] = self.reasons.get(answer["message"], 0) + 1
                    return
                self.n_taken += 1
                self.began[i_client] = time.monotonic()
                speaking = asyncio.create_task(self.speak(ws, i_client))
                await asyncio.wait_for(self.listen(ws, i_client), self.options.seconds + LATE_S)
                speaking.cancel()
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as e:
            self.n_broken += 1
            self.reasons[repr(e)] = self.reasons.get(repr(e), 0) + 1

    def report(self, name, first_s, last_s):
        """Latencies of what came in these seconds of the run."""
        of = {kind: [e[2] for e in self.events if e[1] == kind and first_s <= e[0] < last_s]
              for kind in ("partial", "final")}
        lags = [lag for at, lag in self.lags if first_s <= at < last_s]
        result = {"name": name, "lag_p99": round(percentile(lags, 99), 3)}
        for kind, values in of.items():
            result[f"n_{kind}"] = len(values)
            for p in (50, 95, 99):
                result[f"{kind}_p{p}"] = round(percentile(values, p), 3)
        if not self.options.json:
            print("%-9s %d taken, %d refused   partial %6d: p50 %.3f p95 %.3f p99 %.3f   final %5d: p50 %.3f p95 %.3f p99 %.3f   lag p99 %.3f" %
                  (name, self.n_taken, self.n_refused, *(result[f"{kind}_{x}"] if x != "n" else result[f"n_{kind}"] for kind in of
                           for x in ("n", "p50", "p95", "p99")), result["lag_p99"]), flush=True)
        return result

    async def minutes(self):
        results, minute_s = [], self.options.minute
        for i in range(int(self.options.seconds // minute_s)):
            await asyncio.sleep(self.start + (i + 1) * minute_s - time.monotonic())
            results.append(self.report(f"minute {i + 1}", i * minute_s, (i + 1) * minute_s))
        return results

    async def run(self):
        self.began = {}
        self.start = time.monotonic()
        self.end = self.start + self.options.seconds
        processor_s = time.process_time()
        minutes = asyncio.create_task(self.minutes())
        await asyncio.gather(*(self.client(i) for i in range(self.options.streams)))
        minutes = await minutes
        whole = self.report("rest", self.options.minute if len(minutes) > 1 else 0, float("inf"))
        summary = {"taken": self.n_taken, "refused": self.n_refused, "broken": self.n_broken, "reasons": self.reasons,
                   "client_processor": round((time.process_time() - processor_s) / self.options.seconds, 3)}
        if self.options.json:
            print(json.dumps({"minutes": minutes, "rest": whole, **summary}))
        else:
            print(summary)
        return 1 if self.n_broken else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording")
    parser.add_argument("--url", default="ws://127.0.0.1:8080/v1/stream")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minute", type=float, default=60, help="seconds of a line of the report")
    parser.add_argument("--spread", type=float, default=1, help="seconds in which the clients come")
    parser.add_argument("--model")
    parser.add_argument("--language")
    parser.add_argument("--json", action="store_true")
    sys.exit(asyncio.run(Load(parser.parse_args()).run()))


if __name__ == "__main__":
    main()
