#!/bin/sh
# Recordings as people have them: what is read of them, what is said of them, the same from a file and through a pipe.
. "${top_srcdir:-.}/tests/support/shell.inc"

# through CODE WORDS COMPLAINT FILE OPTION...: the words (a pattern; -: any) and the line on stderr (-: none) of the file,
# and the same of a pipe.
through() {
    code=$1 words=$2 complaint=$3 file=$4
    shift 4
    run "$code" "$linnet" transcribe "$@" "$file"
    tr '\n' ' ' <"$dir/out" >"$dir/words"
    [ "$words" = - ] || grep -q -i -e "$words" "$dir/words" || failed "$file: no '$words'"
    if [ "$complaint" = - ]; then silent err; else has err "^linnet: $file: .*$complaint"; fi
    [ "$(wc -l <"$dir/err")" -le 1 ] || failed "$file: more than a line on stderr"
    cp "$dir/words" "$dir/of_file"
    cat "$file" | $limit "$linnet" transcribe "$@" - >"$dir/out" 2>"$dir/err"
    [ $? -eq "$code" ] || failed "$file: another code through a pipe"
    if [ "$complaint" = - ]; then silent err; else has err "^linnet: standard input: .*$complaint"; fi
    tr '\n' ' ' <"$dir/out" | cmp -s - "$dir/of_file" || failed "$file: other words through a pipe"
}

# A killed recorder, a broken copy; what comes before it goes to stdout in any case.
n=$(wc -c <"$dir/a.wav")
at=$(LC_ALL=C grep -a -b -o data "$dir/a.wav" | sed -n '1s/:.*//p')
{ head -c 4 "$dir/a.wav"; printf '\0\0\0\0'; tail -c +9 "$dir/a.wav" | head -c $((at - 4)); printf '\0\0\0\0'
    tail -c +$((at + 9)) "$dir/a.wav"; } >"$dir/killed.wav"
[ "$(wc -c <"$dir/killed.wav")" -eq "$n" ] || failed "killed.wav"
run 0 "$linnet" transcribe $quick "$dir/a.wav"
cp "$dir/out" "$dir/good"
through 0 - 'does not tell' "$dir/killed.wav" $quick
cmp -s "$dir/out" "$dir/good" || failed "killed.wav: not the words of a.wav"
head -c $((n * 2 / 3)) "$dir/a.wav" >"$dir/broken.wav"
through 1 . 'cut off after [0-9.]* of [0-9.]* s' "$dir/broken.wav" $quick

# A channel that is not there, and one that is.
through 0 - - "$dir/a.wav" $quick -s audio.channel=left
run 1 "$linnet" transcribe $quick -s audio.channel=right "$dir/a.wav"
has err "$dir/a.wav: audio.channel: there is no channel 2 of 1"

# What is no recording is named by what it is.
printf 'PK\3\4 and more' >"$dir/zip.wav"
run 1 "$linnet" transcribe $quick "$dir/zip.wav"
has err "$dir/zip.wav: .*a ZIP archive"

# The words of a real model.
cases=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/cases
LINNET_MODELS=$cache
"$linnet" info whisper-base >"$dir/out" 2>&1 && [ -f "$cases/ff.m4a" ] || exit $([ $bad -eq 0 ] && echo 77 || echo 1)
real='-m whisper-base -l en -s decoder.temperature=0'
americans='so my fellow americans.* what you can do for your country'
has_ffmpeg=$(grep -c 'libavformat\.so' "$linnet") # its name, where it is loaded
through 0 'so my fellow america' 'does not tell' "$cases/data_size_zero.wav" $real
through 1 'so my fellow americans.*country can do' 'cut off' "$cases/truncated.opus" $real
[ -z "$LINNET_TEST_FEW" ] || exit $bad
through 0 'your country.*your country' - "$cases/gsm8k.wav" $real
through 0 "$americans" 'divided by 32768' "$cases/f32_fullscale32768.wav" $real
through 0 "$americans" 'cancel each other' "$cases/stereo_opposite_phase.flac" $real
through 0 "$americans" - "$cases/ff_mp3.wav" $real
[ "$has_ffmpeg" -gt 0 ] || exit $bad
for file in id3_pad.mp3 ff.m4a ff.webm ff_flac.ogg; do through 0 "$americans" - "$cases/$file" $real; done
# A sentence said twice looks like a loop at temperature 0 alone.
through 0 'americans.*your country.*americans.*your country' - "$cases/concat.mp3" -m whisper-base -l en
through 0 "$americans.*so my fellow americans" - "$cases/chained.opus" $real
exit $bad
