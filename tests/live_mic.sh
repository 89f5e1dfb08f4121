#!/bin/sh
# linnet live from microphone to words on a machine without one: a PulseAudio of our own with a null sink, whose monitor
# is what PortAudio records; speech is played into the sink.
linnet=${LINNET:-./linnet}
command -v pulseaudio >/dev/null && command -v paplay >/dev/null || { echo "no pulseaudio"; exit 77; }
model=${LINNET_MODELS:-$HOME/.cache/linnet/models}/whisper-base
speech=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/refs/simul-whisper/008110043.flac
[ -d "$model" ] && [ -f "$speech" ] || { echo "no Whisper model or no recording"; exit 77; }
case $model in /*) ;; *) model=$PWD/$model ;; esac
dir=$(mktemp -d) || exit 99
mkdir -m 700 "$dir/run"
HOME=$dir XDG_RUNTIME_DIR=$dir/run
export HOME XDG_RUNTIME_DIR
unset PULSE_SERVER
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # ALSA keeps what it read of its configuration
export ASAN_OPTIONS
printf 'pcm.!default { type pulse }\nctl.!default { type pulse }\n' >"$dir/.asoundrc"
server= listener=
clean() {
    [ -n "$listener" ] && kill "$listener" 2>/dev/null
    [ -n "$server" ] && kill "$server" 2>/dev/null
    rm -rf "$dir"
}
trap clean EXIT
pulseaudio -n --daemonize=yes --exit-idle-time=120 -L module-native-protocol-unix \
    -L "module-null-sink sink_name=mic rate=16000" >"$dir/log" 2>&1
[ -f "$dir/run/pulse/pid" ] || { cat "$dir/log"; exit 77; }
server=$(cat "$dir/run/pulse/pid")
failed() {
    echo "FAILED: $*"
    cat "$dir/out" "$dir/err"
    exit 1
}

"$linnet" live --list-devices >"$dir/out" 2>"$dir/err" || { cat "$dir/err"; exit 77; }
grep -q 'default$' "$dir/out" || failed "no default device"

# Speech, then Ctrl-C.
"$linnet" live -m "$model" -l en -t 2 --save "$dir/heard.wav" --latency >"$dir/out" 2>"$dir/err" &
listener=$!
sleep 5 # the model is read
paplay --device=mic "$speech" || exit 77
sleep 1
kill -INT $listener
wait $listener || failed "exit code $?"
listener=
grep -q '"final", "text": ".*states have not had much time' "$dir/out" || failed "the words are not those that were said"
grep -q '"word_delay_p90"' "$dir/err" || failed "no report of delays"
grep -q dropped "$dir/err" && failed "sound was dropped"

# What was saved gives the same events.
sed 's/, "latency": .*//' "$dir/out" >"$dir/first"
"$linnet" live -m "$model" -l en -t 2 -i "$dir/heard.wav" --speed 0 2>"$dir/err" >"$dir/again" || failed "replay"
sed 's/, "latency": .*//' "$dir/again" | cmp -s - "$dir/first" || { cat "$dir/again"; failed "a replay differs"; }

# The device goes away: a message, no hang, and what was heard is kept.
"$linnet" live -m "$model" -l en -t 2 --save "$dir/lost.wav" >"$dir/out" 2>"$dir/err" &
listener=$!
sleep 6
kill "$server"
server=
wait $listener && failed "a lost device is not reported"
listener=
[ -s "$dir/err" ] && [ -s "$dir/lost.wav" ] || failed "no message, or what was heard is lost"
exit 0
