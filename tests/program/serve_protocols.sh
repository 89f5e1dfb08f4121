#!/bin/sh
# linnet serve: the live protocols of others, WeNet's, OpenAI's and Wyoming's, by their own clients where there are such:
# the words are those of linnet live or linnet transcribe; what is wrong is told, and harms nobody else.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python openai websockets wyoming

# Without blanks the random Conformer speaks without a break. Two utterances of what is not speech.
bench/make_model "$dir/conformer" || exit 99
settings="-s vad.gate=false -s decoder.blank_penalty=20 -s endpoint.rule3_utterance_ms=1200
    -s decoder.temperature=0 -s decoder.timestamps=false -s decoder.max_tokens=20 -t 2"
head -c 24002 "$dir/a.s16" >"$dir/short.s16"
live() { # NAME SPEC FILE
    run 0 "$linnet" live -q -m "$dir/conformer" $settings --speed 0 --raw "$2" "$dir/$3"
    grep -v '"endpoint"' "$dir/out" >"$dir/$1.live"
}
whole() { # NAME SPEC FILE OPTION...
    name=$1 spec=$2 file=$3
    shift 3
    run 0 "$linnet" transcribe -q -m "$dir/conformer" $settings "$@" --raw "$spec" "$dir/$file"
    cp "$dir/out" "$dir/$name.whole"
}
live s16le s16le:16000 a.s16
for form in s16le:24000 ulaw:8000 alaw:8000; do live $form $form short.s16; done
whole s16le s16le:16000 a.s16
whole model s16le:16000 a.s16 -m "$dir/model" -l en
for form in u8:16000:1 s24le:22050:2 s32le:8000:1; do whole $form $form short.s16; done

# Slow as a sanitizer makes it, it would refuse some.
start_server -m "$dir/conformer" $settings --streams 100 --wyoming 0 "$dir/model"
wyoming=$(sed -n 's/^linnet: serving Wyoming on tcp:.*:\([0-9]*\)$/\1/p' "$dir/server")
$limit "$python" "${top_srcdir:-.}/tests/support/protocol_clients.py" "$port" "$wyoming" "$dir" >"$dir/out" 2>"$dir/err" ||
    failed "a client"
stop_server
exit $bad
