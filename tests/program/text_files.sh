#!/bin/sh
# Text files of other editors and programs: transcripts, data directories, hotwords; what is wrong with a line is told,
# and the others are done. Inputs of our own, then those of the shared folder, where it is.
. "${top_srcdir:-.}/tests/support/shell.inc"
wer() { run "$1" "$linnet" score "$3" "$4" --normalize "${5:-none}"; has out "^%WER $2 "; }

# ---- encodings and ends of lines: one reference in many forms, one hypothesis

printf 'u1 the cat sat\nu2 caf\303\251 \344\275\240\n' >"$dir/ref"
printf '\357\273\277u1 the cat sat\nu2 caf\303\251 \344\275\240\n' >"$dir/bom"
printf '  u1 the cat sat\n\t u2\tcaf\303\251  \344\275\240  \n\n' >"$dir/blanks"
printf 'u1 the cat sat\r\nu2 caf\303\251 \344\275\240\r\n' >"$dir/crlf"
printf 'u1 the cat sat\ru2 caf\303\251 \344\275\240' >"$dir/cr"
printf 'u1\343\200\200the cat sat\nu2 cafe\314\201 \344\275\240' >"$dir/nfd"
printf '\357\273\277{"utt": "u1", "text": "the cat sat"}\r\n  {"id": "u2", "txt": "caf\\u00e9 \344\275\240"}' >"$dir/json"
printf '\377\376u\0001\0 \0c\0a\0t\0\r\0\n\000u\0002\0 \0\351\0 \0\140\117' >"$dir/utf16le"
printf '\376\377\0u\0001\0 \0c\0a\0t\0\n\0u\0002\0 \0\351\0 \117\140' >"$dir/utf16be"
printf 'u1 cat\nu2 \303\251 \344\275\240\n' >"$dir/short"
for form in bom blanks crlf cr nfd json; do
    wer 0 0.00 "$dir/$form" "$dir/ref"
    wer 0 0.00 "$dir/ref" "$dir/$form"
    silent err
done
wer 0 0.00 "$dir/utf16le" "$dir/short"
wer 0 0.00 "$dir/short" "$dir/utf16be"
silent err

# Lines that cannot be used: their number and why, on stderr; the rest is scored.
printf 'u1 the cat sat\nu2 caf\351\nu3 a b\nu1 a dog\nu4\n' >"$dir/bad"
printf 'u1 the cat sat\nu3 a b\n' >"$dir/hyp"
wer 1 0.00 "$dir/bad" "$dir/hyp"
has err "$dir/bad:2: byte 0xE9 is no UTF-8.*iconv"
has err "$dir/bad:4: utterance 'u1' is there twice, in line 1 too"
has err "$dir/bad: 'u4' has no words"
printf 'u1 the\0 cat sat\nu3 a b\n' >"$dir/nul"
wer 1 60.00 "$dir/hyp" "$dir/nul"
has err "$dir/nul:1: holds a NUL byte"
printf 'u1 \351\n' >"$dir/latin"
run 1 "$linnet" score "$dir/latin" "$dir/hyp"
has err 'not one word'
has err "$dir/latin:1: "

# ---- data directories

mkdir "$dir/data"
printf '\357\273\277 r1\ta.wav\r\nr2 sox a.wav -t wav - |\r\nr3\r\nr1 b.wav' >"$dir/data/wav.scp"
cp "$dir/a.wav" "$dir/data/a.wav"
printf '%s\n' ' s1 r1 0.0 1.0' 's2 r1 0.5 0.5' 's3 r1 1.0 0.5' 's4 r2 0 1' 's5 r1 0 x' 's6 r1 1' 's7 r1 2.5 9.25' \
    's8 r1 7 9' 's1 r1 0 2' 's9 r1 0 3.005' >"$dir/data/segments"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/hyp.1"
has err "wav.scp:2: 'r2 .*' is a command"
has err "wav.scp:3: 'r3 ' names no file"
has err "wav.scp:4: utterance 'r1' is there twice"
has err "segments:2: 's2 .*' ends where it starts"
has err "segments:3: 's3 .*' ends where it starts"
has err "segments:4: 's4 .*' is of a recording that is not in wav.scp"
has err "segments:5: 's5 .*' has a start or an end that is no time"
has err "segments:6: 's6 .*' is not"
has err "segments:9: utterance 's1' is there twice"
has err 's7: ends at 9.25 s in segments, its recording at 3.00 s: cut there'
has err 's8: .*past the end at 3.00 s'
has err '3 utterances decoded, 0 were there, 10 failed'
[ "$(cut -d ' ' -f 1 "$dir/hyp.1/hyp.txt" | tr '\n' ' ')" = 's1 s7 s9 ' ] || failed "not the good ones"
grep '"s9"' "$dir/err" && failed "5 ms too many are no news"
printf 'r1 a.wav\n' >"$dir/data/wav.scp"
printf 's1 r1 0 1\ns7 r1 2 9\n' >"$dir/data/segments"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/hyp.2"
has err 's7: .*cut there'
for file in segments wav.scp; do
    printf '\r\n \n' >"$dir/data/$file"
    run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/hyp.3"
    has err "$file: no utterance in it that can be used"
    rm -f "$dir/data/segments"
done

# ---- hotwords: the line is told

printf 'good\r\nworse\tmuch\r\n' >"$dir/words"
run 1 "$linnet" transcribe $quick --hotwords "$dir/words" "$dir/a.wav"
has err "$dir/words:2: 'much' is not a bonus"

# ---- the shared cases

cases=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/cases
if [ -d "$cases" ]; then
    for rules in none lower upper whisper-basic whisper-basic-marks whisper-basic-plain whisper-en; do
        wer 0 0.00 "$cases/nfc.txt" "$cases/nfd.txt" $rules
        wer 0 0.00 "$cases/nfd.txt" "$cases/nfc.txt" $rules
    done
    wer 0 0.00 "$cases/case_ref.txt" "$cases/case_hyp.txt" lower
    wer 0 0.00 "$cases/case_ref.txt" "$cases/case_hyp.txt" upper
    wer 0 0.00 "$cases/ref.txt" "$cases/ref_bom.txt"
    wer 0 0.00 "$cases/ref_leading_space.txt" "$cases/ref.txt"
    run 0 "$linnet" decode $quick --data "$cases/kaldi/bom" --out "$dir/bom.out"
    [ "$(cut -d ' ' -f 1 "$dir/bom.out/hyp.txt" | tr '\n' ' ')" = 'u1 u2 ' ] || failed "kaldi/bom"
    run 1 "$linnet" decode $quick --data "$cases/kaldi/segrev" --out "$dir/segrev.out"
    has err "segments:1: 's1 r1 0.5 0.5' ends where it starts"
    run 1 "$linnet" decode $quick --data "$cases/kaldi/segpast" --out "$dir/segpast.out"
    for id in s1 s3; do
        has err "$id: ends at .* its recording at 0.45 s: cut there"
    done
    for id in s2 s4; do # which begin there
        has err "$id: .*past the end at 0.45 s"
    done
    [ "$(cut -d ' ' -f 1 "$dir/segpast.out/hyp.txt" | tr '\n' ' ')" = 's1 s3 ' ] || failed "kaldi/segpast"
    run 1 "$linnet" decode $quick --data "$cases/kaldi/empty" --out "$dir/empty.out"
    has err 'wav.scp: no utterance'
    for case in wenet_space_unit wenet_sos_eos_2; do
        mkdir "$dir/$case"
        cp "$cases/$case/"* "$cases/../refs/wenet-u2pp/final.pt" "$dir/$case"
        run 0 "$linnet" convert "$dir/$case" "$dir/$case.model"
    done
    run 0 "$linnet" transcribe -m "$dir/wenet_space_unit.model" -d ctc_greedy "$cases/../refs/wenet-u2pp/input.wav"
    has out '^x1 x1 c2 f1 x1 ' # of "▁x1 <space> ▁x1 ..."
    grep -q '"sos": 2,' "$dir/wenet_sos_eos_2.model/config.json" &&
        grep -q '"eos": 2,' "$dir/wenet_sos_eos_2.model/config.json" || failed "not where units.txt says"
fi
exit $bad
