#!/bin/sh
# linnet serve under everything that goes wrong with clients: it goes on, serves the others meanwhile, and keeps nothing.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python http.client
[ -d /proc/self/fd ] || { echo "no /proc: skipped"; exit 77; }

# Without blanks the random Conformer speaks without a break.
bench/make_model "$dir/conformer" || exit 99
head -c 48000 "$dir/a.s16" >"$dir/short.s16"
start_server -m "$dir/conformer" -s vad.gate=false -s decoder.blank_penalty=20 -s endpoint.rule3_utterance_ms=600 \
    -t 2 --idle-seconds 2 --connections 60 --streams 40 --upload-mb 1 --message-mb 0.1
$limit "$python" "${top_srcdir:-.}/tests/support/serve_faults.py" "$url" "$server" "$dir/short.s16" \
    >"$dir/out" 2>"$dir/err" || { failed "serve_faults.py"; cat "$dir/server"; }
cat "$dir/out"
stop_server
exit $bad
