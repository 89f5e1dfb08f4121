#!/bin/sh
# --batch: several recordings at a time, with the results, formats and errors of one after the other; windows of a long
# one.
. "${top_srcdir:-.}/tests/support/shell.inc"

numbers='2 4 64 auto'
[ -z "${LINNET_TEST_FEW:-}" ] || numbers=auto # under sanitizers
files="$dir/a.wav $dir/gone.wav $dir/b.wav $dir/nan.wav $dir/empty.wav $dir/a.wav"

# To stdout and into a folder; a file that cannot be read, or not to its end, is that file's alone.
for how in '-f txt' '-f json -w' '-f tsv' '-f json -b 2 --nbest 2' '-f json --precision int8'; do
    run 1 "$linnet" transcribe $quick $how --batch 1 $files
    [ $(wc -l <"$dir/err") -eq 3 ] || failed "errors of three files"
    cp "$dir/out" "$dir/one"
    cp "$dir/err" "$dir/one.err"
    for n in $numbers; do
        run 1 "$linnet" transcribe $quick $how --batch $n $files
        cmp -s "$dir/out" "$dir/one" || failed "$how --batch $n: other results"
        cmp -s "$dir/err" "$dir/one.err" || failed "$how --batch $n: other errors"
    done
done
run 0 "$linnet" transcribe $quick -f tsv -o "$dir/folder" --batch auto "$dir/long.wav" "$dir/a.wav" "$dir/b.wav"
silent out
for file in long a b; do
    run 0 "$linnet" transcribe $quick -f tsv --batch 1 "$dir/$file.wav"
    cmp -s "$dir/out" "$dir/folder/$file.tsv" || failed "$file.tsv in a folder"
done

# A data directory: the same files in the same order, whatever falls back to higher temperatures.
sampled="-m $dir/model -s decoder.max_tokens=10 -s decoder.best_of=2 -s decoder.temperature=0,0.5,1"
mkdir "$dir/data"
printf 'u1 long.wav\nu2 a.wav\nu3 gone.wav\nu4 b.wav\nu5 a.wav\nu6 nan.wav\n' >"$dir/data/wav.scp"
printf 'u1 u1 2 32\nu2 u2 0 -1\nu3 u3 0 1\nu4 u4 0 -1\nu5 u5 0.5 2.5\nu6 u6 0 -1\n' >"$dir/data/segments"
cp "$dir/a.wav" "$dir/b.wav" "$dir/long.wav" "$dir/nan.wav" "$dir/data"
for n in 1 3 auto; do
    run 1 "$linnet" decode $sampled -t 1 --batch $n --data "$dir/data" --out "$dir/hyp.$n"
    has err '4 utterances decoded, 0 were there, 2 failed'
    has err '^linnet: u3: .*gone.wav'
    has err '^linnet: u6: '
done
for n in 3 auto; do
    for file in hyp.txt hyp.jsonl; do
        cmp -s "$dir/hyp.1/$file" "$dir/hyp.$n/$file" || failed "decode --batch $n: another $file"
    done
    [ "$(sed -n 's/.*\("tokens": .*\), "threads.*/\1/p' "$dir/hyp.1/stats.json")" = \
        "$(sed -n 's/.*\("tokens": .*\), "threads.*/\1/p' "$dir/hyp.$n/stats.json")" ] || failed "other counts"
done
head -n 2 "$dir/hyp.1/hyp.txt" >"$dir/hyp.3/hyp.txt"
run 1 "$linnet" decode $sampled --batch 2 --data "$dir/data" --out "$dir/hyp.3"
has err '2 utterances decoded, 2 were there, 2 failed'
cmp -s "$dir/hyp.1/hyp.jsonl" "$dir/hyp.3/hyp.jsonl" || failed "a resumed hyp.jsonl differs"
run 1 "$linnet" decode $sampled --data "$dir/data" --out "$dir/hyp.3" # long recordings may be cut there
has err 'other settings'

# The longest comes first where several are decoded at a time, and else they come in order.
mkdir "$dir/mixed"
printf 'v1 v1 0 1\nv2 v2 0 -1\nv3 v3 1 -1\nv4 v4 0 -1\n' >"$dir/mixed/segments"
printf 'v1 %s/a.wav\nv2 %s/a.wav\nv3 %s/long.wav\nv4 %s/b.wav\n' "$dir" "$dir" "$dir" "$dir" >"$dir/mixed/wav.scp"
order() { sed -n 's/^linnet: \(v[0-9]\): .* s of audio in .*/\1/p' "$dir/err" | tr '\n' ' '; }
run 0 "$linnet" decode $quick -v -t 1 --batch 2 --data "$dir/mixed" --out "$dir/mixed.2"
[ "$(order)" = 'v3 v2 v4 v1 ' ] || failed "order of work: $(order)"
run 0 "$linnet" decode $quick -v -t 1 --batch 1 --data "$dir/mixed" --out "$dir/mixed.1"
[ "$(order)" = 'v1 v2 v3 v4 ' ] || failed "order of ids: $(order)"
[ "$(cut -d ' ' -f 1 "$dir/mixed.2/hyp.txt" | tr '\n' ' ')" = 'v1 v2 v3 v4 ' ] || failed "hyp.txt is not in order"

# Decoders without shared steps have a thread for each recording.
source=${LINNET_SHARED:-${top_srcdir:-.}/../shared}/refs/wenet-u2pp
decoders='ctc_greedy ctc_prefix_beam attention attention_rescoring segmental'
[ -z "${LINNET_TEST_FEW:-}" ] || decoders=attention_rescoring
if [ -d "$source" ] && "$linnet" convert --quiet "$source" "$dir/conformer"; then
    for decoder in $decoders; do
        for n in 1 auto; do
            run 1 "$linnet" decode -m "$dir/conformer" -d $decoder -t 3 --batch $n --data "$dir/data" \
                --out "$dir/$decoder.$n"
            has err '4 utterances decoded, 0 were there, 2 failed'
        done
        for file in hyp.txt hyp.jsonl; do
            cmp -s "$dir/$decoder.1/$file" "$dir/$decoder.auto/$file" || failed "$decoder with threads: another $file"
        done
    done
    run 1 "$linnet" transcribe -m "$dir/conformer" -f tsv -t 3 --batch 1 $files
    cp "$dir/out" "$dir/one"
    cp "$dir/err" "$dir/one.err"
    run 1 "$linnet" transcribe -m "$dir/conformer" -f tsv -t 3 $files
    cmp -s "$dir/out" "$dir/one" && cmp -s "$dir/err" "$dir/one.err" || failed "transcribe with threads"
fi

# A long recording is cut where a number is asked for: the same for any, in any company; times go on.
run 0 "$linnet" transcribe $quick -f all -o "$dir/two" --batch 2 "$dir/long.wav"
run 0 "$linnet" transcribe $quick -f all -o "$dir/five" -t 1 --batch 5 "$dir/long.wav" "$dir/a.wav"
for format in txt json srt vtt tsv ctm lrc csv; do
    cmp -s "$dir/two/long.$format" "$dir/five/long.$format" || failed "--batch 5 $format: other windows"
done
run 0 "$linnet" transcribe $quick -f tsv --batch 2 "$dir/long.wav"
monotonic() {
    awk -F '\t' -v end=$1 'NR > 1 && ($1 < last || $2 < $1 || $2 > end) { bad = 1 } { last = NR > 1 ? $2 : 0 }
        END { exit bad || NR < 3 }' "$dir/out" || failed "times of windows"
}
monotonic 33000
run 0 "$linnet" transcribe $quick -f json --batch 2 "$dir/long.wav"
has out '"duration": 33,'
has out '"seek": [1-9][0-9]*, '
run 0 "$linnet" transcribe $quick -f tsv --clip 0,31 --batch 1 "$dir/long.wav"
cp "$dir/out" "$dir/uncut"
run 0 "$linnet" transcribe $quick -f tsv --clip 0,31 --batch 2 "$dir/long.wav"
cmp -s "$dir/out" "$dir/uncut" || failed "a clip is cut"

# What it takes.
run 1 "$linnet" transcribe $quick --batch 65 "$dir/a.wav"
has err "batch: '65'"
run 1 "$linnet" transcribe $quick --batch some "$dir/a.wav"
has err "batch: 'some'"

# No word is lost where sentences are joined, none is cut, and each is where it was.
LINNET_MODELS=$cache
"$linnet" info whisper-base >"$dir/out" 2>&1 || exit $([ $bad -eq 0 ] && echo 77 || echo 1)
tail -c 352000 "${top_srcdir:-.}/tests/data/jfk.wav" >"$dir/jfk.s16"
head -c 40000 /dev/zero >"$dir/pause.s16" # 1.25 s
sentences=5
[ -z "${LINNET_TEST_FEW:-}" ] || sentences=3 # under sanitizers
for i in $(seq $sentences); do cat "$dir/jfk.s16" "$dir/pause.s16"; done >"$dir/joined.s16"
greedy="-m whisper-base -l en --raw s16le -s decoder.temperature=0" # repetitions may be what was said
run 0 "$linnet" transcribe $greedy -f tsv --batch 3 "$dir/joined.s16"
monotonic $((sentences * 12250))
[ "$(grep -o 'fellow Americans' "$dir/out" | wc -l)" -eq $sentences ] || failed "fellow Americans"
[ "$(grep -o 'do for your country' "$dir/out" | wc -l)" -eq $sentences ] || failed "do for your country"
run 0 "$linnet" transcribe $greedy -w -f ctm --batch 2 "$dir/joined.s16"
awk -v wanted=$sentences '/fellow/ { at = 12.25 * n++; if ($3 < at || $3 > at + 3) bad = 1 }
    END { exit bad || n != wanted }' "$dir/out" ||
    failed "where words are"
exit $bad
