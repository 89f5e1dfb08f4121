#!/bin/sh
# linnet live from microphone to words on a machine without one: a sound server with a null sink, whose monitor is what
# PortAudio records; speech is played into the sink. Each step has an end, and what waits for another looks for what
# that one has done: a machine may be busy.
linnet=${LINNET:-./linnet}
model=${LINNET_MODELS:-$HOME/.cache/linnet/models}/whisper-base
speech=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/refs/simul-whisper/008110043.flac
[ -d "$model" ] && [ -f "$speech" ] || { echo "no Whisper model or no recording"; exit 77; }
case $model in /*) ;; *) model=$PWD/$model ;; esac
command -v paplay >/dev/null || { echo "no paplay"; exit 77; }
. "${top_srcdir:-.}/tests/support/sound_server.inc"
start_server "module-null-sink sink_name=mic rate=16000"
recorder=

failed() {
    echo "FAILED: $*"
    cat "$dir/out" "$dir/err"
    [ -z "$recorder" ] || kill "$recorder"
    exit 1
}

# record FILE [OPTION...]: starts `linnet live` and saves the audio in FILE; returns when audio arrives, after which a
# signal is caught too.
record() {
    file=$1
    shift
    $limit "$linnet" live -m "$model" -l en -t 2 --save "$file" "$@" >"$dir/out" 2>"$dir/err" &
    recorder=$!
    for _ in $(seq 90); do
        sleep 1
        [ "$(cat "$file".*.part 2>/dev/null | wc -c)" -le 8000 ] || return
    done
    failed "no sound arrives from the microphone within 90 s"
}

$limit "$linnet" live --list-devices >"$dir/out" 2>"$dir/err"
status=$?
[ $status != 124 ] && [ $status != 137 ] || failed "--list-devices does not end"
[ $status = 0 ] || { cat "$dir/err"; exit 77; }
grep -q 'default$' "$dir/out" || failed "no default device"

# Speech, then Ctrl-C.
record "$dir/saved.wav" --latency
$limit paplay --device=mic "$speech" || failed "paplay: exit code $?"
sleep 1
kill -INT $recorder
wait $recorder || failed "after Ctrl-C: exit code $?"
recorder=
grep -q '"final", "text": ".*states have not had much time' "$dir/out" || failed "other words than those of the file"
grep -q '"word_delay_p90"' "$dir/err" || failed "no report of delays"
grep -q dropped "$dir/err" && failed "sound was dropped"

# What was saved gives the same events.
sed 's/, "latency": .*//' "$dir/out" >"$dir/first"
$limit "$linnet" live -m "$model" -l en -t 2 -i "$dir/saved.wav" --speed 0 2>"$dir/err" >"$dir/again" ||
    failed "replay: exit code $?"
sed 's/, "latency": .*//' "$dir/again" | cmp -s - "$dir/first" || { cat "$dir/again"; failed "a replay differs"; }

# The device goes away: a message, no hang, and the audio is kept.
record "$dir/lost.wav"
kill "$server"
server=
wait $recorder
status=$?
recorder=
[ $status = 1 ] || failed "a lost device: exit code $status"
[ -s "$dir/err" ] && [ -s "$dir/lost.wav" ] || failed "no message, or the audio is lost"
exit 0
