#!/bin/sh
# Every allocation of some runs fails in turn (under sanitizers every thirteenth): the program must say so and end with 1,
# never crash or look successful.
linnet=${LINNET:-./linnet}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
printf 'u1 the cat sat twenty five\nu2 a b\n' >"$dir/ref"
printf '{"utt": "u2", "text": "a b"}\n{"utt": "u1", "text": "the h\\u00e2t 25"}\n' >"$dir/hyp"
bad=0
step=1
[ -z "${LINNET_TEST_FEW:-}" ] || step=13

sweep() {
    n=1
    while :; do
        LINNET_FAIL_ALLOC=$n "$linnet" "$@" >"$dir/out" 2>"$dir/err"
        code=$?
        [ $code -ne 0 ] || break
        if [ $code -ne 1 ] || ! grep -q 'memory' "$dir/err" || grep -q 'Sanitizer\|runtime error' "$dir/err"; then
            echo "FAILED: allocation $n of $*: exit code $code"
            cat "$dir/err"
            bad=1
        fi
        n=$((n + step))
        [ $n -le 2000 ] || { echo "FAILED: $* never succeeds"; bad=1; break; }
    done
    echo "$n allocations: $*"
}

sweep score --normalize whisper-en --align "$dir/ref" "$dir/hyp"
printf 'id,text\nu1,"the cat, sat"\nu2,a b\n' >"$dir/ref.csv"
sweep score "$dir/ref.csv" "$dir/hyp"
sweep score --json --align --confusions 3 --by-length --by-speaker "$dir/ref" --against "$dir/ref" "$dir/ref" "$dir/hyp"

# Confidences, of words that change with normalization.
w() { printf '{"word": " %s", "confidence": %s}' "$1" "$2"; }
printf 'u at 25\n' >"$dir/ref.words"
printf '{"utt": "u", "text": "at twenty five", "words": [%s, %s, %s]}\n' "$(w at 0.5)" "$(w twenty 0.6)" \
    "$(w five 0.7)" >"$dir/hyp.jsonl"
sweep score --normalize whisper-en "$dir/ref.words" "$dir/hyp.jsonl"

# Of twenty-four words every other is wrong.
awk 'BEGIN {
    for (i = 0; i < 24; i++) {
        ref = ref " a" i % 2
        hyp = hyp " a1"
        words = words sprintf("%s{\"word\": \" a1\", \"confidence\": 0.%d}", i > 0 ? ", " : "", i)
    }
    print "u" ref >"/dev/stderr"
    printf "{\"utt\": \"u\", \"text\": \"%s\", \"words\": [%s]}\n", hyp, words
}' >"$dir/hyp.jsonl" 2>"$dir/ref.words"
sweep calibrate --out "$dir/calibration.json" "$dir/ref.words" "$dir/hyp.jsonl"

# A tiny Whisper model, from opening it to the last word.
mkdir "$dir/in" && ./tests/support/make_inputs "$dir/in" || exit 99
quick="-m $dir/in/model -l en -s decoder.temperature=0 -s decoder.max_tokens=4 -s decoder.timestamps=false -t 2"

# Two shares are joined.
printf '%s\n' "$dir/in/a.wav" "$dir/in/b.wav" >"$dir/list"
for i in 1 2; do
    "$linnet" decode -q $quick --data "$dir/list" --shard $i/2 --out "$dir/share.$i" || bad=1
done
sweep merge --out "$dir/all" "$dir/share.1" "$dir/share.2"
sweep transcribe $quick -w -f json -b 2 --nbest 2 "$dir/in/a.wav"
sweep transcribe $quick -f srt -o "$dir/srt" -s decoder.temperature=0.5 --raw s16le:8000 --prompt '' "$dir/in/a.s16"
sweep transcribe $quick --batch 2 "$dir/in/a.wav" "$dir/in/b.wav"
sweep forward -m "$dir/in/model" -o "$dir/t.safetensors" --tokens 50258,50259 "$dir/in/a.wav"
sweep info --json "$dir/in/model"

# A WeNet model from its checkpoint to words, where the reference data is there.
model=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/refs/wenet-u2pp
if [ -f "$model/final.pt" ] && "$linnet" convert "$model" "$dir/wenet" >/dev/null 2>&1; then
    sweep transcribe --threads 1 --model "$dir/wenet" --set decoder.chunk=16 --nbest 3 --word-times --format json \
        "$model/input.wav"
fi
exit $bad
