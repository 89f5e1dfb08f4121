#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openai_client.py URL MODEL RECORDING WANTED - the openai package against a server whose model is MODEL; WANTED is a
folder with what `linnet transcribe` says of the recording: txt, srt, vtt, json, and `words`, which is JSON with word
times: where these are wanted segments can be others."""
import json
import sys

import openai

url, model, recording, wanted = sys.argv[1:]
client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
n_failed = 0


def check(is_good, what):
    global n_failed
    if not is_good:
        n_failed += 1
        print("FAILED:", what)


def transcribe(**options):
    with open(recording, "rb") as file:
        return client.audio.transcriptions.create(file=file, model=model, **options)


def wanted_of(format):
    with open(f"{wanted}/{format}") as file:
        return file.read()


report = json.loads(wanted_of("json"))
timed = json.loads(wanted_of("words"))
text = report["text"]
words = [(w["word"].strip(), w["start"], w["end"]) for s in timed["segments"] for w in s["words"]]


def formats():
    check(" ".join(wanted_of("txt").split()) == " ".join(text.split()), "linnet transcribe: txt and json differ")
    check(transcribe().text == text, "no format")
    check(transcribe(response_format="json").text == text, "json")
    check(transcribe(response_format="text") == text + "\n", "text")
    for format in "srt", "vtt":
        check(transcribe(response_format=format) == wanted_of(format), format)


def same_segments(segments, report):
    fields = "id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio", \
        "no_speech_prob"
    return [[getattr(s, f) for f in fields] for s in segments] == [[s[f] for f in fields] for s in report["segments"]]


def verbose():
    v = transcribe(response_format="verbose_json")
    check(v.text == text and same_segments(v.segments, report) and v.words is None, "verbose_json")
    check((v.duration, v.language, v.task) == (report["duration"], "english", "transcribe"), "verbose_json: facts")
    v = transcribe(response_format="verbose_json", timestamp_granularities=["word"])
    check(v.segments is None and [(w.word, w.start, w.end) for w in v.words] == words, "verbose_json: words")
    v = transcribe(response_format="verbose_json", timestamp_granularities=["segment", "word"])
    check(v.text == timed["text"] and same_segments(v.segments, timed), "verbose_json: both, segments")
    check([(w.word, w.start, w.end) for w in v.words] == words, "verbose_json: both, words")


def streams():
    for options in {}, {"response_format": "text"}, {"language": "en", "temperature": 0, "chunking_strategy": "auto"}:
        events = list(transcribe(stream=True, **options))
        kinds = [e.type for e in events]
        check(kinds[:-1] == ["transcript.text.delta"] * len(report["segments"]), f"stream: {kinds}")
        check(kinds[-1] == "transcript.text.done" and events[-1].text == text, "stream: done")
        check("".join(e.delta for e in events[:-1]) == text, "stream: deltas are not the text")
    events = list(transcribe(stream=True, include=["logprobs"]))
    probable = [p for e in events[:-1] for p in e.logprobs]
    for others in events[-1].logprobs, transcribe(include=["logprobs"]).logprobs:
        check([(p.token, p.logprob) for p in probable] == [(p.token, p.logprob) for p in others], "logprobs")
    check([p.token.strip() for p in probable] == [w[0] for w in words], "logprobs: tokens are words")
    check(all(bytes(p.bytes).decode() == p.token and p.logprob <= 0 for p in probable), "logprobs: bytes")
    events = list(transcribe(stream=True, extra_body={"include[]": "progress"}))
    progress = [e for e in events if e.type == "transcript.progress"]
    check(progress and progress[-1].seconds == report["duration"], "progress")


def translations():
    with open(recording, "rb") as file:
        v = client.audio.translations.create(file=file, model=model, response_format="verbose_json")
    check(v.language == "english" and v.task == "translate" and v.duration == report["duration"], "translations")


def models():
    check([m.id for m in client.models.list()] == [model], "models")
    check(client.models.retrieve(model).id == model, "a model")
    check(client.models.retrieve("whisper-1").id == model, "whisper-1")


def refused(error, param, code, words, call):
    try:
        call()
    except error as e:
        is_good = e.param == param and e.code == code and words in e.message and e.type == "invalid_request_error"
        check(is_good, f"{e.param}, {e.code}: {e.message}")
        return
    check(False, f"not refused: {words}")


def errors():
    bad = openai.BadRequestError
    refused(openai.NotFoundError, "model", "model_not_found", "gone", lambda: client.models.retrieve("gone"))
    refused(openai.NotFoundError, None, None, "", lambda: client.files.list())
    file = ("a.wav", b"no sound at all")
    call = client.audio.transcriptions.create
    refused(openai.NotFoundError, "model", "model_not_found", "gone", lambda: call(file=file, model="gone"))
    for name, content in ("a.wav", b"no sound at all"), ("a.mp3", b""), ("a.wav", b"RIFF\x24\0\0\0WAVEfmt "):
        refused(bad, "file", None, "", lambda: call(file=(name, content), model=model))
        refused(bad, "file", None, "", lambda: list(call(file=(name, content), model=model, stream=True)))
    try:
        call(file=file, model=model)
    except bad as e:
        check("/" not in e.message and "not audio" in e.message, f"not the reason alone: {e.message}")
    for param, value, options in (
            ("response_format", "pdf", {}), ("temperature", 2, {}), ("temperature", "warm", {}),
            ("timestamp_granularities", ["word"], {"response_format": "json"}),
            ("timestamp_granularities", ["page"], {"response_format": "verbose_json"}),
            ("include", ["everything"], {}), ("include", ["logprobs"], {"response_format": "text"}),
            ("stream", True, {"response_format": "srt"})):
        refused(bad, param, None, "", lambda: transcribe(**{param: value}, **options))
    refused(bad, "chunking_strategy[type]", None, "not supported",
            lambda: transcribe(chunking_strategy={"type": "server_vad"}))
    refused(bad, "colour", None, "not supported", lambda: transcribe(extra_body={"colour": "red"}))
    refused(bad, None, None, "language", lambda: transcribe(language="martian"))
    refused(bad, None, None, "decoder", lambda: transcribe(extra_body={"decoder": "no such decoder"}))


for test in formats, verbose, streams, translations, models, errors:
    before = n_failed
    test()
    print(f"{test.__name__}: {'ok' if n_failed == before else 'FAILED'}", flush=True)
sys.exit(n_failed > 0)
