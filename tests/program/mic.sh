#!/bin/sh
# The microphone on a machine without one: a sound server whose only source is a tone of 440 Hz.
. "${top_srcdir:-.}/tests/support/sound_server.inc"
[ -x tests/support/mic_check ] || { echo "no CUnit"; exit 77; }
start_server "module-sine-source source_name=tone frequency=440"
MIC_SERVER=$server $limit tests/support/mic_check
status=$?
[ $status != 124 ] && [ $status != 137 ] || echo "FAILED: mic_check does not end"
exit $status
