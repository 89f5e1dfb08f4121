#!/bin/sh
# linnet align: alignments and lengths of a small data directory, and a search that takes them.
linnet=${LINNET:-./linnet}
shared=${LINNET_SHARED:-${top_srcdir:-.}/../shared}
source=$shared/refs/wenet-u2pp
[ -d "$source" ] || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}

"$linnet" convert --quiet "$source" "$dir/model" || fail "no model"
# ten of the model's units, all different, and the text that they spell
units=$(awk '$2 > 1 && $2 < 12 { printf "%s", $1 }' "$dir/model/units.txt")
text=$(echo "$units" | sed 's/▁/ /g; s/^ //')
mkdir "$dir/data"
printf 'u1 %s/input.wav\nu2 %s/input.wav\n' "$(cd "$source" && pwd)" "$(cd "$source" && pwd)" >"$dir/data/wav.scp"
printf 'u1 %s\nu2 %s\n' "$text" "$text" >"$dir/data/text"

"$linnet" align -m "$dir/model" --data "$dir/data" --out "$dir/out" --longest 20 2>"$dir/err" ||
    fail "$(cat "$dir/err")"
awk '
    $1 != last { last = $1; before = 0 }
    NF != 7 || $3 < before || $4 <= $3 || $6 <= $5 { exit 1 }
    { before = $4; text[$1] = text[$1] $2; n++ }
    END { if (n != 20 || text["u1"] != wanted || text["u2"] != wanted) exit 1 }
' wanted="$units" "$dir/out/alignments.txt" || fail "alignments: $(cat "$dir/out/alignments.txt")"

# Another list of the same.
awk -v dir="$(cd "$source" && pwd)" '{ id = $1; sub(/^[^ ]* /, "")
    printf "{\"key\": \"%s\", \"wav\": \"%s/input.wav\", \"txt\": \"%s\"}\n", id, dir, $0 }' "$dir/data/text" >"$dir/data.list"
"$linnet" align -m "$dir/model" --data "$dir/data.list" --out "$dir/listed" --longest 20 2>"$dir/err" ||
    fail "data.list: $(cat "$dir/err")"
cmp -s "$dir/listed/alignments.txt" "$dir/out/alignments.txt" || fail "other alignments of data.list"
printf '%s\n' "$source/input.wav" >"$dir/files.txt"
"$linnet" align -m "$dir/model" --data "$dir/files.txt" --out "$dir/none" 2>"$dir/err" && fail "no texts"
grep -q 'has no texts to align' "$dir/err" || fail "no texts: $(cat "$dir/err")"

# Each token ends one segment; those of an utterance reach up to the first frame of the last token.
awk 'NR == 1 { if ($1 != "lengths" || $3 != 20) exit 1; next }
     { if (NF != 21) exit 1; for (i = 2; i <= NF; i++) n += $i }
     END { if (n != 20) exit 1 }' "$dir/out/lengths.txt" || fail "lengths: $(cat "$dir/out/lengths.txt")"

for model in static global label; do
    "$linnet" transcribe -m "$dir/model" -d segmental -s segmental.length_model=$model \
        -s segmental.length_file="$dir/out/lengths.txt" "$source/input.wav" >/dev/null || fail "length model $model"
done
"$linnet" transcribe -m "$dir/model" -d segmental -s segmental.length_model=label "$source/input.wav" 2>"$dir/err"
[ $? -ne 0 ] && grep -q 'linnet align' "$dir/err" || fail "a length model without lengths"
cp "$dir/out/lengths.txt" "$dir/model"
"$linnet" transcribe -m "$dir/model" -d segmental -s segmental.length_model=label "$source/input.wav" >/dev/null ||
    fail "lengths of the model"

# Utterances that cannot be aligned are named, the others are done.
printf 'u1 %s\n' "$text" >"$dir/data/text"
"$linnet" align -m "$dir/model" --data "$dir/data" --out "$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && grep -q 'u2: has no transcript' "$dir/err" || fail "no transcript: $(cat "$dir/err")"
[ "$(wc -l <"$dir/out/alignments.txt")" -eq 10 ] || fail "the other utterance"
exit 0
