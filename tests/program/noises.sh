#!/bin/sh
# Music, ringing, key clicks, breathing, rain, a crowd: not one word, neither from a file nor live, but a sentence after
# them is heard. Skipped without Whisper base or the weights of Silero VAD.
. "${top_srcdir:-.}/tests/support/shell.inc"
LINNET_MODELS=$cache
[ -d "$cache/whisper-base" ] && [ -d "$cache/silero-vad" ] || exit 77
./tests/support/make_noises "$dir" 12 || exit 99
real="-m whisper-base -l en -t 2 -s vad.kind=silero"

for sound in bursts ring keys music breath rain crowd; do
    run 0 "$linnet" live $real -i "$dir/$sound.wav" --speed 0
    ! grep -q -E '"type": "(partial|final)"' "$dir/out" || failed "live: $sound has words"
    run 0 "$linnet" transcribe $real "$dir/$sound.wav"
    [ "$(tr -d ' \n' <"$dir/out")" = "" ] || failed "transcribe: $sound has words"
done

# Recordings: key clicks; 40 s of ringing, then a sentence.
cases=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/cases
if [ -d "$cases" ]; then
    run 0 "$linnet" live -m whisper-base -t 2 -i "$cases/keyboard_clicks.flac" --speed 0
    ! grep -q -E '"type": "(partial|final)"' "$dir/out" || failed "live: key clicks have words"
    run 0 "$linnet" live -m whisper-base -t 2 -i "$cases/ring40_then_zh.flac" --speed 0
    [ "$(grep -c '"type": "final"' "$dir/out")" = 1 ] || failed "live: ringing has words, or the sentence none"
    has out '"type": "final", .*"start": 40'
fi
exit $bad
