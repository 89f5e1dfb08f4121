#!/bin/sh
# linnet score: error rates, counts and alignments are jiwer's, intervals and significance numpy's; reliability of
# confidences.
. "${top_srcdir:-.}/tests/support/shell.inc"
python=${LINNET_TEST_PYTHON:-python3}

printf 'u1 the cat sat on\nu2 a b\nu3 a the\n' >"$dir/ref"
printf 'u1 the mat sat\nu2 a a b\nu3 the the\n' >"$dir/hyp"
run 0 "$linnet" score --confusions 1 --align "$dir/ref" "$dir/hyp"
has out '^  REF:  the cat sat on$'
has out '^  HYP:  the mat sat \*\*$'
has out '^  Eval:     S       D$'
has out '^sub 1 a -> the$'
has out '^del 1 on$'
has out '^ins 1 a$'
[ "$(grep -c '^sub\|^del\|^ins' "$dir/out")" = 3 ] || failed "more than one of each kind"
run 0 "$linnet" score --json --confusions 9 --align "$dir/ref" "$dir/hyp"
has out '"confusions": \[\["sub", "a", "the", 1\], \["sub", "cat", "mat", 1\], \["del", "on", null, 1\], \["ins", null, "a", 1\]\]'
has out '{"id": "u3", "wer": {"percent": 50, "errors": 1, .*}, "alignment": \[\["sub", "a", "the"\], \["ok", "the", "the"\]\]}'
grep -q confidence "$dir/out" && failed "confidences of a text"

# Confidences: those of four words, by hand (tests/unit/test_confidences.c has the sums).
words() { printf '{"utt": "%s", "text": "%s", "segments": [{"words": [%s]}]}\n' "$1" "$2" "$3"; }
word() { printf '{"word": " %s", "probability": 0.5, "confidence": %s}' "$1" "$2"; }
{
    words u1 'x cat' "$(word x 0.1), $(word cat 0.6)"
    words u2 'x b' "$(word x 0.6), $(word b 0.9)"
} >"$dir/hyp.jsonl"
printf 'u1 the cat\nu2 a b\n' >"$dir/two"
run 0 "$linnet" score "$dir/two" "$dir/hyp.jsonl"
has out '^confidence ECE 0.1000, NCE 0.4093, 4 words$'
run 0 "$linnet" score --json "$dir/two" "$dir/hyp.jsonl"
has out '"confidence": {"n": 4, "ece": 0.1, "nce": 0.409275, "bins": \[{"low": 0, "high": 0.066667, "n": 0, "confidence": null, "accuracy": null}, '
has out '{"low": 0.533333, "high": 0.6, "n": 2, "confidence": 0.6, "accuracy": 0.5}'

if "$python" -c 'import jiwer, numpy' 2>/dev/null; then
    run 0 "$python" "${top_srcdir:-.}/tests/support/score_check.py" "$linnet" "$dir"
else
    echo "no jiwer or numpy: not compared"
    [ $bad -ne 0 ] || exit 77
fi
exit $bad
