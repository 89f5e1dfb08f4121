#!/bin/sh
# linnet serve: the words of real speech over the live protocols of others are those of linnet live and linnet transcribe,
# also for several clients at once.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python openai websockets wyoming

early=${top_srcdir:-.}/../shared/models/conformer-early
tail -c +45 "${top_srcdir:-.}/tests/data/jfk.wav" >"$dir/a.s16"
n_models=0
words() { # MODEL OPTION...
    model=$1
    shift
    run 0 "$linnet" live -q -m "$model" "$@" --speed 0 --raw s16le "$dir/a.s16"
    grep -v '"endpoint"' "$dir/out" >"$dir/s16le.live"
    run 0 "$linnet" transcribe -q -m "$model" "$@" -s vad.gate=true --raw s16le "$dir/a.s16"
    cp "$dir/out" "$dir/s16le.whole"
    start_server -m "$model" "$@" --streams 4 --wyoming 0
    wyoming=$(sed -n 's/^linnet: serving Wyoming on tcp:.*:\([0-9]*\)$/\1/p' "$dir/server")
    $limit "$python" "${top_srcdir:-.}/tests/support/protocol_clients.py" "$port" "$wyoming" "$dir" words \
        >"$dir/out" 2>"$dir/err" || failed "a client"
    stop_server
    n_models=$((n_models + 1))
}
[ ! -d "$cache/whisper-base" ] || words "$cache/whisper-base" -l en
if [ -d "$early" ]; then
    run 0 "$linnet" convert "$early" "$dir/early"
    words "$dir/early"
fi
[ $bad -eq 0 ] || exit $bad
[ $n_models -eq 2 ] || exit 77
