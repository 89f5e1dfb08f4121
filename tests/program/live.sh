#!/bin/sh
# linnet live on files: events, the same ones from a saved recording, closed pipes, interruption, wrong use.
. "${top_srcdir:-.}/tests/support/shell.inc"

quick="$quick -q" # of these settings a stream makes no use

# What must not depend on when it was played.
timeless() { sed 's/, "latency": [-0-9.e]*}/}/' "$1"; }

run 0 "$linnet" live $quick -i "$dir/a.wav" --speed 0 --save "$dir/saved.wav"
timeless "$dir/out" >"$dir/first"
silent err
run 0 "$linnet" live $quick -i "$dir/saved.wav" --speed 0
timeless "$dir/out" | cmp -s - "$dir/first" || failed "a saved recording does not give the same events"
run 0 "$linnet" live $quick -i "$dir/a.wav" --speed 4
timeless "$dir/out" | cmp -s - "$dir/first" || failed "speed changes events"
run 0 "$linnet" live $quick -i "$dir/a.wav" --speed 0 --latency
has err '"real_time_factor": '
has err '"average_lagging": '

run 1 "$linnet" live $quick -i "$dir/nothing.wav"
has err nothing.wav
run 1 "$linnet" live $quick --device 'no such microphone'
[ -s "$dir/err" ] || failed "a missing microphone is not reported"
run 1 "$linnet" live $quick -i "$dir/a.wav" --save "$dir/no/such/folder.wav"
has err folder.wav
run 2 "$linnet" live $quick --speed -1 -i "$dir/a.wav"

# FILE is --input FILE; bare samples come from a file or a pipe, at their rate.
run 0 "$linnet" live $quick "$dir/a.wav" --speed 0
timeless "$dir/out" | cmp -s - "$dir/first" || failed "live FILE is not live --input FILE"
run 2 "$linnet" live $quick -i "$dir/a.wav" "$dir/b.wav"
has err 'two files'
run 0 "$linnet" live $quick --raw s16le:16000:1 "$dir/a.s16" --speed 0
timeless "$dir/out" | cmp -s - "$dir/first" || failed "samples in a file are not as the WAV file"
cat "$dir/a.s16" | $limit "$linnet" live $quick --raw s16le - --speed 0 >"$dir/out" 2>"$dir/err" || failed "a pipe"
timeless "$dir/out" | cmp -s - "$dir/first" || failed "samples in a pipe are not as the WAV file"
run 1 "$linnet" live $quick --raw s17le "$dir/a.s16"
has err s17le

# With a real model: words, a pipe that is closed and one that is full, an interruption with the last words.
model=$cache/whisper-base
speech=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/refs/simul-whisper/008110043.flac
if [ -d "$model" ] && [ -f "$speech" ]; then
    real="-m $model -l en -t 2"
    LINNET_MODELS=$cache
    run 0 "$linnet" live $real -i "$speech" --speed 0 --save "$dir/speech.wav"
    has out '^{"type": "partial", "text": "'
    has out '^{"type": "final", "text": ".*states have not had much time'
    timeless "$dir/out" >"$dir/first"
    run 0 "$linnet" live $real -i "$dir/speech.wav" --speed 0
    timeless "$dir/out" | cmp -s - "$dir/first" || failed "saved speech does not give the same events"
    {
        $limit "$linnet" live $real -i "$speech" --speed 0 --save "$dir/kept.wav" 2>"$dir/err"
        echo $? >"$dir/code"
    } | :
    [ "$(cat "$dir/code")" = 1 ] || failed "a closed pipe: exit code $(cat "$dir/code")"
    has err 'standard output'
    [ -s "$dir/kept.wav" ] || failed "a closed pipe: the audio is lost"
    if [ -w /dev/full ]; then
        $limit "$linnet" live $real -i "$speech" --speed 0 >/dev/full 2>"$dir/err"
        [ $? = 1 ] || failed "a full disk is not reported"
        has err 'standard output'
    fi
    # It hears signals from its first event on; before, one would be lost.
    rm "$dir/out"
    $limit "$linnet" live $real -i "$speech" --speed 0.3 >"$dir/out" 2>"$dir/err" &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ ! -s "$dir/out" ]; do sleep 1; done
    kill -INT $pid
    wait $pid || failed "interrupted: exit code $?"
    has out '"type": "final"'
fi
exit $bad
