#!/bin/sh
# linnet calibrate, from a decoding to one with calibrated confidences: the parameters are numpy's, words stay as they
# are, and what cannot be calibrated is told.
. "${top_srcdir:-.}/tests/support/shell.inc"
python=${LINNET_TEST_PYTHON:-python3} check=${top_srcdir:-.}/tests/support/calibrate_check.py
"$python" -c 'import numpy' 2>/dev/null || { echo "no numpy"; exit 77; }

mkdir "$dir/data"
cp "$dir/long.wav" "$dir/data"
printf 'r long.wav\n' >"$dir/data/wav.scp"
awk 'BEGIN { for (i = 0; i < 80; i++) printf "u%02d r %.1f %.1f\n", i, i * 0.4, i * 0.4 + 0.6 }' >"$dir/data/segments"
quick="$quick -s decoder.max_tokens=2" # that and its sound make a word
decode() {
    out=$1
    shift
    run 0 "$linnet" decode $quick --word-times --data "$dir/data" --out "$out" "$@"
}

decode "$dir/before"
run 0 "$python" "$check" make "$dir/before/hyp.jsonl" "$dir"
run 0 "$linnet" calibrate --by-speaker "$dir/utt2spk" --out "$dir/calibration.json" "$dir/ref" "$dir/before/hyp.jsonl"
has out '^whisper: [0-9]* words, [0-9.]* % right$'
has out '^  temperature [0-9.]*, offset [-+][0-9.]*$'
has out '^  cross-validated  ECE 0\.[0-9]*, NCE .*, halves of 40 speakers$'
silent err
run 0 "$python" "$check" fit "$dir/before/hyp.jsonl" "$dir" "$dir/calibration.json"

# By a setting; a second calibration is of the same probabilities.
decode "$dir/named" -s "decoder.calibration=$dir/calibration.json"
run 0 "$python" "$check" applied "$dir/before/hyp.jsonl" "$dir/named/hyp.jsonl" "$dir/calibration.json"
run 0 "$linnet" calibrate --by-speaker "$dir/utt2spk" --out "$dir/again.json" "$dir/ref" "$dir/named/hyp.jsonl"
cmp -s "$dir/calibration.json" "$dir/again.json" || failed "calibrated twice"

# From the model's folder; several recordings at once.
run 0 "$linnet" transcribe $quick -f tsv,json -w -o "$dir/none" "$dir/a.wav" "$dir/b.wav"
run 0 "$linnet" transcribe $quick -f json -w -o "$dir/set" -s "decoder.calibration=$dir/calibration.json" "$dir/a.wav"
cp "$dir/calibration.json" "$dir/model"
run 0 "$linnet" transcribe $quick -f tsv,json -w -o "$dir/auto" --batch 2 "$dir/a.wav" "$dir/b.wav"
cmp -s "$dir/set/a.json" "$dir/auto/a.json" || failed "not found in the model's folder"
cmp -s "$dir/none/a.tsv" "$dir/auto/a.tsv" || failed "other text"
cmp -s "$dir/none/a.json" "$dir/auto/a.json" && failed "no other confidences"
run 0 "$linnet" transcribe $quick -f json -w -o "$dir/off" -s decoder.calibration=none "$dir/a.wav"
cmp -s "$dir/none/a.json" "$dir/off/a.json" || failed "decoder.calibration=none"

# Errors.
run 1 "$linnet" transcribe $quick -s decoder.calibration="$dir/gone" "$dir/a.wav"
has err "$dir/gone"
sed 's/"whisper"/"ctc_greedy"/' "$dir/calibration.json" >"$dir/model/calibration.json"
run 0 "$linnet" transcribe $quick -f json -w "$dir/a.wav"
run 1 "$linnet" transcribe $quick -s decoder.calibration="$dir/model/calibration.json" "$dir/a.wav"
has err "no calibration for decoder 'whisper'"
echo '{}' >"$dir/model/calibration.json"
run 1 "$linnet" transcribe $quick "$dir/a.wav"
has err 'model/calibration.json: is not what'
rm "$dir/model/calibration.json"
run 1 "$linnet" calibrate "$dir/ref" "$dir/before/hyp.txt"
has err 'hyp.txt: has no confidences of words'
cut -d ' ' -f 1 "$dir/ref" | sed 's/$/ nothing/' >"$dir/wrong"
run 1 "$linnet" calibrate "$dir/wrong" "$dir/before/hyp.jsonl" --out "$dir/gone"
has err 'whisper: 0 right and [0-9]* wrong words are too few'
[ ! -e "$dir/gone" ] || failed "written without a calibration"
exit $bad
