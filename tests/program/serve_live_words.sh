#!/bin/sh
# linnet serve: speech that comes live over linnet's own protocol gives the words of linnet live, with a real model.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python websockets
[ -d "$cache/whisper-base" ] || { echo "no model in $cache: skipped"; exit 77; }

speech=${top_srcdir:-.}/tests/data/jfk.wav
run 0 "$linnet" live -m "$cache/whisper-base" -l en -q --speed 0 -w "$speech"
has out '"final", "text": ".*you can do for your country'
cp "$dir/out" "$dir/live"
start_server -m "$cache/whisper-base" -l en --streams 2
run 0 "$python" "${top_srcdir:-.}/tests/support/stream_client.py" "ws${url#http}/v1/stream" same "$speech" 16000 \
    "$dir/live" 2
stop_server
exit $bad
