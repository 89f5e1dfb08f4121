#!/bin/sh
# From a published checkpoint to error rates: convert, decode, score a data set, and get WeNet's numbers.
linnet=${LINNET:-./linnet}
shared=${LINNET_SHARED:-${top_srcdir:-.}/../shared}
source=$shared/models/conformer-early data=$shared/data/speechocean762-dev
[ -f "$source/expected_wer.json" ] && [ -f "$data/wav.scp" ] || { echo "no reference data"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0
"$linnet" convert "$source" "$dir/model" 2>"$dir/err" || { cat "$dir/err"; exit 1; }

# same CHUNK LEFT DECODER NAME: the word error rate is the one of NAME in expected_wer.json.
same() {
    rm -rf "$dir/hyp"
    "$linnet" decode -m "$dir/model" --precision fp32 -d "$3" -b 10 -s decoder.chunk="$1" -s decoder.left_chunks="$2" \
        --data "$data" --out "$dir/hyp" 2>"$dir/err" || { cat "$dir/err"; bad=1; return; }
    wanted=$(sed -n "s/^\"$4\": \\([0-9.]*\\),*\$/\\1/p" "$source/expected_wer.json")
    got=$("$linnet" score "$data/text" "$dir/hyp/hyp.txt" | sed -n 's/^%WER \([0-9.]*\) .*/\1/p')
    echo "$4: $got, WeNet $wanted"
    # As numbers: WeNet's are written without zeros at the end.
    awk -v a="$got" -v b="$wanted" 'BEGIN { exit !(a != "" && b != "" && a + 0 == b + 0) }' || { echo FAILED; bad=1; }
}

same -1 -1 ctc_greedy full.ctc_greedy
same 16 4 attention_rescoring chunk16_left4.attention_rescoring

# The errors of the last one are those that jiwer counts.
python=${LINNET_TEST_PYTHON:-python3}
if "$python" -c 'import jiwer, numpy' 2>/dev/null; then
    "$python" "${top_srcdir:-.}/tests/support/score_check.py" "$linnet" "$dir" "$data/text" "$dir/hyp/hyp.txt" \
        whisper-en || bad=1
fi
exit $bad
