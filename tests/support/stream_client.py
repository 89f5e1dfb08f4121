# SPDX-License-Identifier: Apache-2.0
"""Clients of /v1/stream, for tests.

stream_client.py URL same SAMPLES RATE EXPECTED [N]   N clients at once send the samples (16 bits, WAV or bare), in pieces
    of different sizes, twice; their events are those of EXPECTED, which `linnet live` wrote
stream_client.py URL wrong                            what is wrong with a message is told, and ends the connection
stream_client.py URL boosted SAMPLES                  hotwords are heard
stream_client.py URL full                             a server that takes one stream refuses another, until it is over
"""
import array
import asyncio
import json
import sys
import wave

import websockets

FACTS = ("type", "text", "start", "end", "committed")
failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAILED:", what)


def connect(url):
    return websockets.connect(url, max_size=None, ping_interval=None)


async def start(ws, **fields):
    await ws.send(json.dumps({"type": "start", **fields}))
    return json.loads(await ws.recv())


async def events_of_recording(ws):
    events = []
    while True:
        event = json.loads(await ws.recv())
        events.append(event)
        if event["type"] in ("end", "error"):
            return events


async def send(ws, audio, piece):
    for at in range(0, len(audio), piece):
        await ws.send(audio[at:at + piece])
    await ws.send('{"type": "finish"}')


def check_events(name, events, expected):
    facts = [tuple(e[f] for f in FACTS) for e in events]
    check(facts[:-1] == expected, f"{name}: {facts[:-1]} are not {expected}")
    check(facts[-1][0] == "end", f"{name} ends with {events[-1]}")
    for e in events:
        before = e["text"].encode()[:e["committed"]].decode(errors="ignore")
        units = e["text"].encode("utf-16-le")[:2 * e["committed_utf16"]].decode("utf-16-le", errors="ignore")
        check(units.startswith(before) and len(units) - len(before) <= 1, f"{name}: committed_utf16 of {e}")
    words = [w for e in events if e["text"] for w in e.get("words", [])]
    check(words and all(0 <= w["start"] <= w["end"] for w in words), f"{name}: words {words}")


async def client(i, url, samples, rate, expected):
    encoding = ("s16le", "f32le")[i % 2]
    audio = samples if i % 2 == 0 else array.array("f", (x / 32768 for x in array.array("h", samples))).tobytes()
    async with connect(url) as ws:
        ready = await start(ws, sample_rate=rate, encoding=encoding, word_times=True)
        check(ready["type"] == "ready" and ready["sample_rate"] == rate and ready["encoding"] == encoding and
              ready["model"] and ready["decoder"] == "alignatt" and ready["version"], f"{ready}")
        for recording in range(2):
            sending = asyncio.create_task(send(ws, audio, (3201, 999, 100000, 12345)[i % 4]))
            check_events(f"client {i}, recording {recording}", await events_of_recording(ws), expected)
            await sending


async def same(url, samples, rate, expected, n="1"):
    with open(samples, "rb") as f:
        audio = f.read()
    if samples.endswith(".wav"):
        with wave.open(samples) as f:
            audio = f.readframes(f.getnframes())
    with open(expected) as f:
        events = [tuple(json.loads(line)[k] for k in FACTS) for line in f]
    check(any(e[1] for e in events), f"{expected} has no words")
    await asyncio.gather(*(client(i, url, audio, int(rate), events) for i in range(int(n))))


async def refused(url, code, part, *messages):
    async with connect(url) as ws:
        try:
            for message in messages:
                await ws.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
            answer = json.loads(await ws.recv())
            while answer["type"] != "error":
                answer = json.loads(await ws.recv())
            check(answer["code"] == code and part in answer["message"], f"{messages}: {answer}, wanted {part}")
            more = await ws.recv()
            check(False, f"{str(messages)[:80]}: {more} after an error")
        except websockets.ConnectionClosed as e:
            wanted = {"busy": 1013, "audio": 1011}.get(code, 1008)
            check(e.rcvd is not None and e.rcvd.code == wanted, f"{str(messages)[:80]}: {e}, wanted {wanted}")


async def wrong(url):
    ok = {"type": "start"}
    for fields, part in (({"sample_rate": "16000"}, "'sample_rate': an integer"), ({"sample_rate": 0}, "sample_rate"),
                         ({"sample_rate": 999}, "999 Hz"), ({"sample_rate": 10**15}, "sample_rate"),
                         ({"encoding": "opus"}, "encoding"), ({"language": "klingon"}, "klingon"),
                         ({"language": 7}, "'language': text"), ({"task": "sing"}, "sing"), ({"nbest": -1}, "nbest"),
                         ({"word_times": 1}, "'word_times': true or false"), ({"model": "x%n%s"}, "x%n%s"),
                         ({"decoder": "x"}, "decoder"), ({"hotwords": "a"}, "'hotwords': a list"),
                         ({"hotwords": [{"phrase": "a", "bonus": "2"}]}, "hotwords"), ({"hotwords": [1]}, "hotwords"),
                         ({"hotwords": ["a"] * 1001}, "hotwords"), ({"settings": {}}, "'settings'"),
                         ({"prompt": "x" * 20000}, "too long")):
        await refused(url, "argument", part, {**ok, **fields})
    for message in ("", "{", "[]", "7", '{"type": "start", "type": "start"}', '{"type": "stop"}', '{"type": 3}', "{}"):
        await refused(url, "argument", "", message)
    await refused(url, "argument", "'language'", {"type": "finish", "language": "en"})
    await refused(url, "state", "before", b"\0\0")
    await refused(url, "state", "no stream", {"type": "finish"})
    await refused(url, "state", "already", ok, ok)
    await refused(url, "audio", "not a number", {**ok, "encoding": "f32le"}, array.array("f", [float("nan")]).tobytes())
    async with connect(url) as ws:
        hotwords = [{"phrase": "Ask", "bonus": 2}, "not"]
        ready = await start(ws, hotwords=hotwords, nbest=1, prompt="x " * 5000, language=None, task="translate")
        check(ready["type"] == "ready", f"{ready}")


async def boosted(url, samples):
    with open(samples, "rb") as f:
        audio = f.read()
    for hotwords, is_there in (([], False), ([{"phrase": "A", "bonus": 100}, "x\ty"], True)):
        async with connect(url) as ws:
            await start(ws, hotwords=hotwords)
            sending = asyncio.create_task(send(ws, audio, 3200))
            texts = [e["text"] for e in await events_of_recording(ws)]
            check(any("A" in t for t in texts) == is_there, f"{hotwords}: {texts}")
            await sending


async def full(url):
    async with connect(url) as ws:
        check((await start(ws))["type"] == "ready", "the first")
        await refused(url, "busy", "try again later", {"type": "start"})
        await send(ws, bytes(32000), 3200)
        check((await events_of_recording(ws))[-1]["type"] == "end", "the first, after others were refused")
    for _ in range(100): # the server hears of the end a little later than this client
        async with connect(url) as ws:
            if (await start(ws))["type"] == "ready":
                return
        await asyncio.sleep(0.1)
    check(False, "no room after the first")


asyncio.run(globals()[sys.argv[2]](sys.argv[1], *sys.argv[3:]))
sys.exit(1 if failures else 0)
