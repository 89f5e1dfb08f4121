#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# report.sh - recipes/common/report.py: RESULTS.md to the byte, a page that needs nothing else, what is missing told and
# what is corrupt named. How the page looks and works is report_page.sh's.
. "${top_srcdir:-.}/tests/support/shell.inc"
python=${LINNET_TEST_PYTHON:-python3}
for tool in "$python" gnuplot sox; do
    command -v "$tool" >/dev/null || { echo "no $tool"; exit 77; }
done
top=$(CDPATH='' cd -- "${top_srcdir:-.}" && pwd) || exit 99
case=$top/tests/support/report_case.py
. "$top/tests/support/report.inc"

# report CODE FOLDER [OPTION...]
report() {
    code=$1
    shift
    run "$code" "$python" "$top/recipes/common/report.py" "$@"
}

# page FOLDER WORDS...: the page holds together and has these words.
page() {
    folder=$1
    shift
    "$python" -B "$case" check "$folder/report.html" "$@" || { echo "FAILED: the page of $folder"; bad=1; }
}

make_experiment "$dir/exp"
report 0 "$dir/exp" --results "$dir/copy.md"
silent err
cat >"$dir/wanted.md" <<'E2'
# custom

**a model early in training**

Set dev: 4 utterances, 15 words.

| system | kind | precision | WER | errors | real-time factor | first partial | final | average lagging | memory |
|---|---|---|---:|---:|---:|---:|---:|---:|---:|
| CTC greedy | whole | fp32 | 26.67 | 4 / 15 | 0.051 | – | – | – | 240 MB |
| &lt;rescoring> \| "8 bits" | whole | int8 | 13.33 | 2 / 15 | 0.125 | – | – | – | 119 MB |
| streaming | streaming | int8 | 53.33 | 8 / 15 | 0.310 | 0.75 s | 0.42 s | 1.23 s | 121 MB |

Error rates in percent; the real-time factor is computation for a second of audio.
First partial, final (medians) and average lagging (LAAL) with the time of computation added; whole recordings have none.

## Significance

Differences of WER in points; paired bootstrap over utterances.

| system | against | difference | 95 % between | p | verdict |
|---|---|---:|---:|---:|---:|
| &lt;rescoring> \| "8 bits", int8 | CTC greedy, fp32 | −13.33 | −60.00 to +14.29 | 0.492 | unclear |
| streaming, int8 | CTC greedy, fp32 | +26.67 | −50.00 to +73.33 | 0.430 | unclear |
| streaming, int8 | &lt;rescoring> \| "8 bits", int8 | +40.00 | +10.00 to +55.56 | 0.008 | worse |

## Utterances and joins

Error rates of the utterances, and of the same audio joined to recordings of ten minutes.

| decoder | utterances | errors | joins | errors | joins − utterances |
|---|---:|---:|---:|---:|---:|
| segmental | 20.00 | 3 / 15 | 21.50 | 4 / 15 | +1.50 |
| attention | 20.00 | – | 80.00 | – | +60.00 |

## Confidence of words

Expected calibration error: how far confidence is from the share of words that are right; 0 is best. Normalised cross entropy: 1 is best. Calibrated: by linnet calibrate, of speakers that it was not fitted to.

| system | words | ECE | NCE | ECE, calibrated | NCE, calibrated |
|---|---:|---:|---:|---:|---:|
| CTC greedy, fp32 | 15 | 0.1000 | 0.2500 | 0.0750 | 0.3100 |
| &lt;rescoring> \| "8 bits", int8 | 15 | 0.0333 | 0.2500 | – | – |
| streaming, int8 | 10 | 0.2000 | 0.2500 | – | – |

## Made by

| | |
|---|---|
| model | small &lt;model> |
| commit | 0123456789ab |
| version | 0.1.0 |
| machine | 2 processors |
| processor | a processor |
| threads | 2 |
| command | recipes/custom/run.sh --data x |
| date | 2026-01-02 |
E2
diff "$dir/wanted.md" "$dir/exp/RESULTS.md" || failed "RESULTS.md"
cmp "$dir/exp/RESULTS.md" "$dir/copy.md" || failed "--results"
page "$dir/exp" 'CTC greedy' '<rescoring> | "8 bits"' 'small <model>' 'a model early in training' \
    'The 2 utterances with the most errors of <rescoring> | "8 bits", int8 , of 2 that have any and 4 in all' \
    '−25 to −20 dB 2' '−45 to −40 dB 2' 'bird word 1' 'ann 2 ' 'too'
mv "$dir/exp/report.html" "$dir/once.html"
report 0 "$dir/exp"
cmp "$dir/once.html" "$dir/exp/report.html" || failed "the page differs the second time"
report 0 "$dir/exp" --worst 1
page "$dir/exp" 'The 1 utterance with'

# Text without blanks between words has a rate of characters, unless facts.json says otherwise.
cp -r "$dir/exp" "$dir/unspaced"
sed -i 's/ .*/ 今天天气很好/' "$dir/unspaced/data/dev/text"
report 0 "$dir/unspaced"
grep -q '| CER |' "$dir/unspaced/RESULTS.md" || failed "no CER"
sed -i 's/{/{"measure": "wer", /' "$dir/unspaced/facts.json"
report 0 "$dir/unspaced" --worst 0
grep -q '| WER |' "$dir/unspaced/RESULTS.md" || failed "no WER"

# What is missing is told, and the rest is there.
cp -r "$dir/exp" "$dir/less"
rm -r "$dir/less/decode/live_int8" "$dir/less/facts.json" "$dir/less/lengths.json" "$dir/less/compare" \
    "$dir/less/score/greedy_fp32.json" "$dir/less/data/dev/second.wav"
report 0 "$dir/less"
has err 'decode/live_int8/stats.json is not there'
has err 'score/greedy_fp32.json is not there'
page "$dir/less" 'No two systems were compared' 'no sound: it cannot be read' 'facts.json is not there'
cp -r "$dir/exp" "$dir/uncut"
rm "$dir/uncut/data/dev/wav.scp" "$dir/uncut/data/dev/segments" # hyp.jsonl says which file was decoded
report 0 "$dir/uncut"
page "$dir/uncut" 'which part of a recording it is' 'no audio could be read'
sed -i 's/"duration": 1.5/"duration": 4.9/' "$dir/uncut/decode/greedy_fp32/hyp.jsonl"
report 0 "$dir/uncut"
page "$dir/uncut" '−30 to −25 dB 4'
cp -r "$dir/exp" "$dir/bare"
rm -r "$dir/bare/decode" "$dir/bare/data"
cp "$dir/plain"/*.json "$dir/bare/score/" # as they were before the alignments
report 0 "$dir/bare"
page "$dir/bare" 'No system was scored with alignments' 'score/live_int8.json has no alignments' \
    'no audio could be read'
rm -r "$dir/bare/score"
report 0 "$dir/bare"
page "$dir/bare" 'no system has been scored' 'score/live_int8.json is not there'

# What cannot be used is named.
cp -r "$dir/exp" "$dir/worse"
echo '{"wer": {"percent": NaN}}' >"$dir/worse/score/greedy_fp32.json"
echo '["no object"]' >"$dir/worse/decode/greedy_fp32/stats.json"
sed -i 's/"alignment": \[\["ok", "the"/"alignment": [["ok", 7/' "$dir/worse/score/live_int8.json"
sed -i '2s/.*/{"utt": "u2", /' "$dir/worse/decode/rescoring_int8/hyp.jsonl"
printf 'u9 first 3\n' >>"$dir/worse/data/dev/segments"
printf '\377\376{' >"$dir/worse/lengths.json"
printf 'greedy_fp32\tagain\twhole\tfp32\tdev\t\nshort\n' >>"$dir/worse/systems.tsv"
sed -i 's/"errors": [0-9]*/"errors": 77/' "$dir/worse/compare/rescoring_int8__live_int8.json"
report 1 "$dir/worse"
for name in 'score/greedy_fp32.json: has no "wer"' 'decode/greedy_fp32/stats.json: is no JSON object' \
    'score/live_int8.json: the alignment of u1 has a step' 'decode/rescoring_int8/hyp.jsonl:2: is no JSON' \
    "data/dev/segments: u9: is not 'utterance recording start end'" 'lengths.json: ' \
    'systems.tsv:5: greedy_fp32 was there before' 'systems.tsv:6: is not ' \
    'compare/rescoring_int8__live_int8.json: is of other results'; do
    has err "$name"
done
page "$dir/worse" 'is no JSON object' '<rescoring> | "8 bits"'
grep -q '^- score/greedy\\_fp32.json: has no "wer"' "$dir/worse/RESULTS.md" || failed "RESULTS.md does not name it"

# Without tools, and without an experiment.
mkdir "$dir/tools" "$dir/empty"
interpreter=$("$python" -c 'import sys; print(sys.executable)')
rm "$dir/exp/report.html" "$dir/exp/RESULTS.md"
run 1 env PATH="$dir/tools" "$interpreter" "$top/recipes/common/report.py" "$dir/exp"
has err 'gnuplot is not installed.*apt-get install gnuplot-nox'
cmp "$dir/exp/RESULTS.md" "$dir/copy.md" || failed "no RESULTS.md without gnuplot"
ln -s "$(command -v gnuplot)" "$dir/tools/gnuplot"
run 0 env PATH="$dir/tools" "$interpreter" "$top/recipes/common/report.py" "$dir/exp"
has err 'sox is not installed'
page "$dir/exp" 'sox is not installed'
report 1 "$dir/empty"
has err 'systems.tsv: No such file'
exit $bad
