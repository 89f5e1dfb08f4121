#!/bin/sh
# Recordings in which somebody speaks only in part, with a real model: no words for noises, all words of the speech, its
# language, and no time after the end.
. "${top_srcdir:-.}/tests/support/shell.inc"
LINNET_MODELS=$cache
cases=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/cases
[ -d "$cache/whisper-base" ] && [ -d "$cache/silero-vad" ] && [ -f "$cases/word1.wav" ] || exit 77
real="-m whisper-base -t 2"

# Key clicks.
run 0 "$linnet" transcribe $real "$cases/keyboard_clicks.flac"
[ "$(tr -d ' \n' <"$dir/out")" = "" ] || failed "words for key clicks"

# 40 s of ringing, then one sentence: its language is not judged by the ringing.
run 0 "$linnet" transcribe $real -f json "$cases/ring40_then_zh.flac"
has out '"language": "zh"'
[ "$(grep -o '"seek": ' "$dir/out" | wc -l)" -eq 1 ] || failed "not one segment"
grep -o '"start": [0-9.]*' "$dir/out" | awk '$2 < 39 { exit 1 }' || failed "words for the ringing"

# One word of 0.45 s.
run 0 "$linnet" transcribe $real -w -f json "$cases/word1.wav"
has out '"word": '
! grep -o '"\(start\|end\)": [0-9.]*' "$dir/out" | awk '$2 > 0.45 { late = 1 } END { exit !late }' ||
    failed "a time after the end"

# Silero takes longer to hear that somebody speaks. What is said is not another for that: neither where somebody goes on
# just before the utterance would end, nor with a sound at the very end.
data=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/data/speechocean762-dev/wav
if [ -z "${LINNET_TEST_FEW:-}" ] && [ -d "$data" ]; then
    for name in 096220013 095550081; do
        for kind in energy silero; do
            run 0 "$linnet" live $real -l en -d alignatt -s vad.kind=$kind "$data/$name.flac"
            grep '"final"' "$dir/out" | sed 's/"latency".*//' >"$dir/$kind"
        done
        cmp -s "$dir/energy" "$dir/silero" || failed "$name: other words"
    done
fi

# English, then German: all of it, and each in its language where that is asked for.
if [ -z "${LINNET_TEST_FEW:-}" ]; then
    run 0 "$linnet" transcribe $real -f tsv "$cases/en_then_de.mp3"
    awk -F '\t' 'NR > 1 { if ($1 - last > 3000) gap = 1; last = $2 } END { exit gap || last < 57000 }' "$dir/out" ||
        failed "some of it is missing"
    has err 'at [0-9]* s the language seems to be German, not English: .*--set language.each_window=true'
    run 0 "$linnet" transcribe $real -f tsv -s language.each_window=true "$cases/en_then_de.mp3"
    has out 'free of charge'
    has out 'Software zu verwenden'
    ! grep -q 'seems to be' "$dir/err" || failed "a warning of what was asked for"
fi
exit $bad
