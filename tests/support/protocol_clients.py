# SPDX-License-Identifier: Apache-2.0
"""Clients of the live protocols: protocol_clients.py PORT WYOMING_PORT FOLDER [words].

In FOLDER are recordings, and what linnet makes of them (serve_protocols.sh): NAME.live, the events of `linnet live`, and
NAME.whole, the text of `linnet transcribe`, for the samples of a.s16 or short.s16 taken as NAME.  words: those of a.s16
are all that is looked at, over every protocol.
"""
import asyncio
import base64
import json
import sys

import openai
import websockets
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping

PORT, WYOMING_PORT, FOLDER = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
HTTP, WS = f"http://127.0.0.1:{PORT}", f"ws://127.0.0.1:{PORT}"


def read(name):
    with open(f"{FOLDER}/{name}", "rb") as f:
        return f.read()


def events(name):
    return [json.loads(line) for line in read(name + ".live").splitlines()]


def finals(name):
    return [e["text"].strip() for e in events(name) if e["type"] == "final"]


def whole(name):
    return " ".join(read(name + ".whole").decode().split())


def pieces(data, size):
    return [data[i : i + size] for i in range(0, len(data), size)]


AUDIO = read("a.s16")


# ---- WeNet ----


async def wenet(nbest=1, is_continuous=True, pause=None):
    """A session: partial sentences, final results, and how the connection ended."""
    partials, results = [], []
    async with websockets.connect(WS + "/") as ws:
        await ws.send(json.dumps({"signal": "start", "nbest": nbest, "continuous_decoding": is_continuous}))
        assert json.loads(await ws.recv()) == {"status": "ok", "type": "server_ready"}
        for piece in pieces(AUDIO, 4801):  # that cut samples
            await ws.send(piece)
        if pause:
            await pause
        await ws.send(json.dumps({"signal": "end"}))
        while True:
            message = json.loads(await ws.recv())
            assert message["status"] == "ok", message
            if message["type"] == "speech_end":
                break
            found = json.loads(message["nbest"])
            assert 1 <= len(found) <= nbest, message
            if message["type"] == "partial_result":
                assert "word_pieces" not in found[0], message
                partials.append(found[0]["sentence"])
            else:
                assert message["type"] == "final_result", message
                results.append(found)
        try:
            assert False, await ws.recv()
        except websockets.ConnectionClosed as e:
            assert e.rcvd.code == 1000, e
    return partials, results


async def check_wenet():
    wanted = finals("s16le")
    assert len(wanted) >= 2, wanted
    partials, results = await wenet()
    assert partials == [e["text"].strip() for e in events("s16le") if e["type"] == "partial"]
    assert [r[0]["sentence"] for r in results] == wanted
    for (best,) in results:
        assert " ".join(p["word"] for p in best["word_pieces"]) == best["sentence"]
        assert all(isinstance(p["start"], int) and p["start"] <= p["end"] for p in best["word_pieces"])
    assert results[1][0]["word_pieces"][0]["start"] > results[0][0]["word_pieces"][-1]["start"]
    _, results = await wenet(nbest=3)
    assert [r[0]["sentence"] for r in results] == wanted and len(results[0]) == 3
    _, results = await wenet(is_continuous=False)
    assert [r[0]["sentence"] for r in results] == wanted[:1]


# ---- OpenAI ----


def client():
    return openai.AsyncOpenAI(api_key="none", base_url=HTTP + "/v1", websocket_base_url=WS + "/v1")


def audio_input(form, turns=None):
    return {"format": form, "transcription": {"model": "whisper-1", "language": "en"}, "turn_detection": turns}


async def append(connection, data):
    for piece in pieces(data, 4801):
        await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())


async def item(connection):
    """The next item: its id, that of the one before, its transcript, which its deltas make, and what else came."""
    deltas, others, committed = "", [], None
    async for e in connection:
        if e.type.endswith(".delta"):
            deltas += e.delta
        elif e.type == "input_audio_buffer.committed":
            committed = e
        elif e.type.endswith(".completed"):
            assert e.transcript == deltas and e.item_id == committed.item_id, (e, deltas, committed)
            assert e.usage.type == "duration", e
            added = ["conversation.item.added", "conversation.item.done"]
            assert [o.type for o in others if o.type.startswith("conversation")] == added, others
            return e.item_id, committed.previous_item_id, e.transcript, others
        else:
            assert e.type != "error", e
            others.append(e)


async def check_realtime():
    pcm = {"type": "audio/pcm", "rate": 16000}
    async with client().realtime.connect(extra_query={"intent": "transcription"}) as c:
        assert (await c.recv()).type == "session.created"
        await c.session.update(session={"type": "transcription", "audio": {"input": audio_input(pcm)}})
        updated = await c.recv()
        assert updated.type == "session.updated" and updated.session.audio.input.turn_detection is None, updated
        await append(c, AUDIO)
        await c.input_audio_buffer.commit()
        await append(c, AUDIO[::-1])
        await c.input_audio_buffer.clear()
        await append(c, AUDIO)
        await c.input_audio_buffer.commit()
        first = await item(c)
        assert first[1] is None and first[2] == " ".join(finals("s16le")), first
        second = await item(c)
        assert second[1] == first[0] and second[2] == first[2], second
        assert "input_audio_buffer.cleared" in [o.type for o in first[3] + second[3]]
        await c.input_audio_buffer.commit(event_id="mine")
        error = await c.recv()
        assert error.type == "error" and error.error.event_id == "mine", error
        assert error.error.code == "input_audio_buffer_commit_empty", error
        turns = {"type": "server_vad", "silence_duration_ms": 400}
        await c.session.update(session={"type": "transcription", "audio": {"input": audio_input(pcm, turns)}})
        assert (await c.recv()).session.audio.input.turn_detection.silence_duration_ms == 400
        await append(c, AUDIO)
        await c.input_audio_buffer.commit()
        for text in finals("s16le"):
            _, _, transcript, others = await item(c)
            speech = [o for o in others if o.type.startswith("input_audio_buffer.speech")]
            assert transcript == text and [o.type[25:] for o in speech] == [".speech_started"[7:], ".speech_stopped"[7:]]
            assert speech[0].audio_start_ms <= speech[1].audio_end_ms, speech
    for name, form in (("s16le:24000", {"type": "audio/pcm"}), ("alaw:8000", {"type": "audio/pcma"})):
        async with client().realtime.connect(model="a-model-for-conversations") as c:
            await c.recv()
            await c.session.update(session={"type": "transcription", "audio": {"input": audio_input(form)}})
            await c.recv()
            await append(c, read("short.s16"))
            await c.input_audio_buffer.commit()
            assert (await item(c))[2] == " ".join(finals(name)), name


async def check_first_realtime():
    """The API before, whose session is flat; only old clients speak it."""
    headers = {"OpenAI-Beta": "realtime=v1"}
    async with websockets.connect(WS + "/v1/realtime?intent=transcription", additional_headers=headers) as ws:
        assert json.loads(await ws.recv())["type"] == "transcription_session.created"
        session = {"input_audio_format": "g711_ulaw", "input_audio_transcription": {"model": "gpt-4o-transcribe"}}
        update = {"type": "transcription_session.update", "session": {**session, "turn_detection": None}}
        await ws.send(json.dumps(update))
        updated = json.loads(await ws.recv())
        assert updated["type"] == "transcription_session.updated", updated
        assert updated["session"]["input_audio_format"] == "g711_ulaw", updated
        audio = base64.b64encode(read("short.s16")).decode()
        await ws.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        await ws.send('{"type": "input_audio_buffer.commit"}')
        seen = []
        while not seen or not seen[-1]["type"].endswith(".completed"):
            seen.append(json.loads(await ws.recv()))
        assert seen[-1]["transcript"] == " ".join(finals("ulaw:8000")), seen
        assert "conversation.item.created" in [e["type"] for e in seen], seen


# ---- Wyoming ----


async def transcript(c):
    """The transcript, whose chunks are its text."""
    chunks = ""
    while True:
        e = await asyncio.wait_for(c.read_event(), 300)
        if e.type == "transcript-chunk":
            chunks += e.data["text"]
        elif e.type == "transcript":
            assert e.data["text"] == chunks, (e, chunks)
            return " ".join(chunks.split())
        else:
            assert e.type in ("transcript-start", "transcript-stop"), e


async def send_recording(c, data, rate, width, channels, **wanted):
    await c.write_event(Transcribe(**wanted).event())
    await c.write_event(AudioStart(rate, width, channels).event())
    for piece in pieces(data, 4801):
        await c.write_event(AudioChunk(rate, width, channels, piece).event())
    await c.write_event(AudioStop().event())


async def check_wyoming():
    async with AsyncTcpClient("127.0.0.1", WYOMING_PORT) as c:
        await c.write_event(Describe().event())
        (program,) = Info.from_event(await c.read_event()).asr
        languages = {m.name: m.languages for m in program.models}
        assert program.installed and languages["conformer"] == ["en"] and "de" in languages["model"], languages
        await c.write_event(Ping(text="here?").event())
        assert (await c.read_event()).data == {"text": "here?"}
        await send_recording(c, AUDIO, 16000, 2, 1)
        assert await transcript(c) == whole("s16le")
        await send_recording(c, AUDIO, 16000, 2, 1, name="model", language="en")  # on the same connection
        assert await transcript(c) == whole("model")
        assert whole("model") != whole("s16le") != ""
        await c.write_event(AudioStop().event())
        assert await transcript(c) == ""
    for name, form in (("u8:16000:1", (16000, 1, 1)), ("s24le:22050:2", (22050, 3, 2)), ("s32le:8000:1", (8000, 4, 1))):
        async with AsyncTcpClient("127.0.0.1", WYOMING_PORT) as c:
            await send_recording(c, read("short.s16"), *form, language="en-US")
            assert await transcript(c) == whole(name), name


# ---- what is wrong ----

DEEP = "[" * 100000
START = json.dumps({"signal": "start", "continuous_decoding": True})  # no endpoint ends it


async def refused_wenet(*messages):
    async with websockets.connect(WS + "/", max_size=None) as ws:
        for message in messages:
            await ws.send(message)
        answers = []
        try:
            while True:
                answers.append(json.loads(await ws.recv()))
        except websockets.ConnectionClosed:
            pass
        failure = [a for a in answers if a["status"] == "failed"]
        assert len(failure) == 1 and failure[0] == answers[-1] and failure[0]["message"], (messages, answers)


async def check_wrong_wenet():
    for messages in (
        ["no JSON"],
        [""],
        [DEEP],
        ["[]"],
        ["{}"],
        ['{"signal": "begin"}'],
        ['{"signal": 1}'],
        ['{"signal": "start\\u0000"}'],
        ['{"signal": "st\0art"}'],
        ['{"signal": "start", "nbest": 1e999}'],
        ['{"signal": "start", "nbest": 99999999999999999999999}'],
        ['{"signal": "start", "nbest": 0}'],
        ['{"signal": "start", "nbest": "1"}'],
        ['{"signal": "start", "continuous_decoding": 1}'],
        ['{"signal": "end"}'],
        [b"\0\0"],
        [START, START],
        [START, AUDIO, "%n%s%n"],
    ):
        await refused_wenet(*messages)


async def check_wrong_realtime():
    wrong = (
        "no JSON",
        DEEP,
        "7",
        "{}",
        '{"type": []}',
        '{"type": "response.create"}',
        '{"type": "input_audio_buffer.append"}',
        '{"type": "input_audio_buffer.append", "audio": 5}',
        '{"type": "input_audio_buffer.append", "audio": "A"}',
        '{"type": "input_audio_buffer.append", "audio": "AA=A"}',
        '{"type": "input_audio_buffer.append", "audio": "\\u00e9\\u00e9"}',
        '{"type": "input_audio_buffer.commit"}',
        '{"type": "session.update", "session": 5}',
        '{"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/mp3"}}}}}',
        '{"type": "session.update", "session": {"audio": {"input": {"format": {"rate": 99999999999}}}}}',
        '{"type": "session.update", "session": {"audio": {"input": {"transcription": {"model": "none such"}}}}}',
        '{"type": "session.update", "session": {"turn_detection": {"type": "by ear"}}}',
        json.dumps({"type": "session.update", "session": {"input_audio_transcription": {"prompt": "x" * 20000}}}),
    )
    async with websockets.connect(WS + "/v1/realtime?intent=transcription", max_size=None) as ws:
        assert json.loads(await ws.recv())["type"] == "session.created"
        for message in wrong:
            await ws.send(message)
            answer = json.loads(await ws.recv())
            assert answer["type"] == "error" and answer["error"]["message"], (message, answer)
        await ws.send('{"type": "input_audio_buffer.append", "audio": "AAA="}')
        await ws.send('{"type": "session.update", "session": {}}')
        assert json.loads(await ws.recv())["type"] == "error"  # audio waits
        await ws.send('{"type": "input_audio_buffer.clear"}')
        types = [json.loads(await ws.recv())["type"]]
        while types[-1] != "input_audio_buffer.cleared":  # what the audio gave may come before
            assert types[-1] not in ("error", "session.updated"), types
            types.append(json.loads(await ws.recv())["type"])
        await ws.send(b"binary")
        try:
            while True:
                answer = json.loads(await ws.recv())
                assert answer["type"].endswith(".failed") or answer["type"] == "error", answer
        except websockets.ConnectionClosed:
            pass


def wyoming_event(kind, more=b"", payload=b"", **header):
    """more: data after the line."""
    return json.dumps({"type": kind, **header}).encode() + b"\n" + more + payload


async def check_wrong_wyoming():
    chunk = {"rate": 16000, "width": 2, "channels": 1}
    for wrong in (
        b"no JSON\n",
        b"\n",
        b"\xff\xfe\n",
        b"{\0}\n",
        b"[1, 2]\n",
        b"{}\n",
        b'{"type": 5}\n',
        b'{"type": "ping", "data": 5}\n',
        DEEP.encode() + b"\n",
        b'{"type": "' + b"x" * 70000,
        wyoming_event("ping", data_length=1 << 30),
        wyoming_event("ping", data_length=-1),
        wyoming_event("ping", payload_length=1 << 62),
        wyoming_event("ping", payload_length=10**30),
        wyoming_event("ping", b"[]", data_length=2),
        wyoming_event("ping", b"{{", data_length=2),
        wyoming_event("transcribe", b'{"name": "none such"}', data_length=21),
        wyoming_event("transcribe") + wyoming_event("audio-start", data={"rate": 0}),
        wyoming_event("audio-start", data={"rate": 16000, "width": 9, "channels": 1}),
        wyoming_event("audio-start", data={"rate": 16000, "width": 2, "channels": 1000}),
        wyoming_event("audio-start", data={"rate": 999999, "width": 2, "channels": 1}),
        wyoming_event("transcribe", data={"language": "no language"})
        + wyoming_event("transcribe", data={"name": "model", "language": "no language"})
        + wyoming_event("audio-start", data=chunk),
        wyoming_event("audio-start", data=chunk) * 2,
        wyoming_event("audio-start", data=chunk) + wyoming_event("transcribe"),
        wyoming_event("audio-start", data=chunk)
        + wyoming_event("audio-chunk", payload=b"1234", payload_length=4, data={**chunk, "rate": 8000}),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", WYOMING_PORT)
        writer.write(wrong)
        header = json.loads(await reader.readline())
        assert header["type"] == "error", (wrong[:100], header)
        assert json.loads(await reader.readexactly(header["data_length"]))["text"]
        assert await reader.read() == b"", wrong[:100]
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", WYOMING_PORT)
    for byte in wyoming_event("unknown", b'{"a":1}', b"12345", data_length=7, payload_length=5) + wyoming_event("ping"):
        writer.write(bytes([byte]))
        await writer.drain()
    assert json.loads(await reader.readline())["type"] == "pong"
    writer.close()


async def check_cut_connections():
    """Clients that are gone amid a frame, an utterance, an event."""
    for _ in range(5):
        ws = await websockets.connect(WS + "/")
        await ws.send(START)
        await ws.recv()
        await ws.send(AUDIO[:30001])
        ws.transport.abort()
        ws = await websockets.connect(WS + "/v1/realtime?intent=transcription")
        await ws.send(json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(AUDIO).decode()}))
        await ws.send('{"type": "input_audio_buffer.commit"}')
        ws.transport.abort()
        _, writer = await asyncio.open_connection("127.0.0.1", WYOMING_PORT)
        chunk = {"rate": 16000, "width": 2, "channels": 1}
        writer.write(wyoming_event("audio-chunk", payload_length=len(AUDIO), data=chunk) + AUDIO[:30001])
        await writer.drain()
        writer.transport.abort()
    try:
        async with websockets.connect(WS + "/no/such/path"):
            assert False, "a websocket at a path that is none"
    except websockets.InvalidHandshake:
        pass
    except websockets.ConnectionClosed:
        pass


async def wrong():
    await check_wrong_wenet()
    await check_wrong_realtime()
    await check_wrong_wyoming()
    await check_cut_connections()


async def check_words():
    """Of one recording, and of four clients at once."""

    async def over_realtime():
        async with client().realtime.connect(extra_query={"intent": "transcription"}) as c:
            await c.recv()
            form = audio_input({"type": "audio/pcm", "rate": 16000})
            await c.session.update(session={"type": "transcription", "audio": {"input": form}})
            await c.recv()
            await append(c, AUDIO)
            await c.input_audio_buffer.commit()
            return (await item(c))[2]

    async def over_wyoming():
        async with AsyncTcpClient("127.0.0.1", WYOMING_PORT) as c:
            await send_recording(c, AUDIO, 16000, 2, 1, language="en")
            return await transcript(c)

    one, other, third, fourth = await asyncio.gather(wenet(), over_realtime(), over_wyoming(), wenet())
    assert [r[0]["sentence"] for r in one[1]] == finals("s16le") == [r[0]["sentence"] for r in fourth[1]], one
    assert other == " ".join(finals("s16le")), other
    assert third == whole("s16le") != "", third


async def main():
    await check_wenet()
    await check_realtime()
    await check_first_realtime()
    await check_wyoming()
    # One that did nothing wrong has its words in the end, whatever others send meanwhile.
    _, results = await wenet(pause=wrong())
    assert [r[0]["sentence"] for r in results] == finals("s16le")


asyncio.run(check_words() if "words" in sys.argv[4:] else main())
