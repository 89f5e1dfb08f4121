#!/bin/sh
# The microphone on a machine without one: a PulseAudio of our own whose only source is a tone of 440 Hz.
command -v pulseaudio >/dev/null || { echo "no pulseaudio"; exit 77; }
dir=$(mktemp -d) || exit 99
mkdir -m 700 "$dir/run"
HOME=$dir XDG_RUNTIME_DIR=$dir/run
export HOME XDG_RUNTIME_DIR
unset PULSE_SERVER
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # ALSA keeps what it read of its configuration
export ASAN_OPTIONS
printf 'pcm.!default { type pulse }\nctl.!default { type pulse }\n' >"$dir/.asoundrc"
pulseaudio -n --daemonize=yes --exit-idle-time=60 -L module-native-protocol-unix \
    -L "module-sine-source source_name=tone frequency=440" >"$dir/log" 2>&1
if [ -f "$dir/run/pulse/pid" ]; then
    MIC_SERVER=$(cat "$dir/run/pulse/pid") tests/mic_check
    status=$?
    kill "$(cat "$dir/run/pulse/pid" 2>/dev/null)" 2>/dev/null
else
    cat "$dir/log"
    status=77
fi
rm -rf "$dir"
exit $status
