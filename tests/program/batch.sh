#!/bin/sh
# --batch: several recordings at a time, with the results, formats and errors of one after the other.
. "${top_srcdir:-.}/tests/support/shell.inc"

files="$dir/a.wav $dir/long.wav $dir/gone.wav $dir/b.wav $dir/nan.wav $dir/empty.wav $dir/a.wav"

# To stdout and into a folder; a file that cannot be read, or not to its end, is that file's alone.
for how in '-f txt' '-f json -w' '-f srt' '-f json -b 2 --nbest 2' '-f json --precision int8'; do
    run 1 "$linnet" transcribe $quick $how --batch 1 $files
    [ $(wc -l <"$dir/err") -eq 3 ] || failed "errors of three files"
    cp "$dir/out" "$dir/one"
    cp "$dir/err" "$dir/one.err"
    for n in 2 4 64 auto; do
        run 1 "$linnet" transcribe $quick $how --batch $n $files
        cmp -s "$dir/out" "$dir/one" || failed "$how --batch $n: other results"
        cmp -s "$dir/err" "$dir/one.err" || failed "$how --batch $n: other errors"
    done
done
run 0 "$linnet" transcribe $quick -f tsv -o "$dir/folder" --batch 3 "$dir/long.wav" "$dir/a.wav" "$dir/b.wav"
silent out
for file in long a b; do
    run 0 "$linnet" transcribe $quick -f tsv "$dir/$file.wav"
    cmp -s "$dir/out" "$dir/folder/$file.tsv" || failed "$file.tsv in a folder"
done

# A data directory: the same files in the same order, whatever falls back to higher temperatures.
sampled="-m $dir/model -s decoder.max_tokens=10 -s decoder.best_of=2 -s decoder.temperature=0,0.5,1"
mkdir "$dir/data"
printf 'u1 long.wav\nu2 a.wav\nu3 gone.wav\nu4 b.wav\nu5 a.wav\nu6 nan.wav\n' >"$dir/data/wav.scp"
cp "$dir/a.wav" "$dir/b.wav" "$dir/long.wav" "$dir/nan.wav" "$dir/data"
for n in 1 3 auto; do
    run 1 "$linnet" decode $sampled -t 1 --batch $n --data "$dir/data" --out "$dir/hyp.$n"
    has err '4 utterances decoded, 0 were there, 2 failed'
    has err '^linnet: u3: .*gone.wav'
    has err '^linnet: u6: '
done
for n in 3 auto; do
    for file in hyp.txt hyp.jsonl recipe.yaml; do
        cmp -s "$dir/hyp.1/$file" "$dir/hyp.$n/$file" || failed "decode --batch $n: another $file"
    done
    [ "$(sed -n 's/.*\("tokens": .*\), "threads.*/\1/p' "$dir/hyp.1/stats.json")" = \
        "$(sed -n 's/.*\("tokens": .*\), "threads.*/\1/p' "$dir/hyp.$n/stats.json")" ] || failed "other counts"
done
head -n 2 "$dir/hyp.1/hyp.txt" >"$dir/hyp.3/hyp.txt"
run 1 "$linnet" decode $sampled --batch 2 --data "$dir/data" --out "$dir/hyp.3"
has err '2 utterances decoded, 2 were there, 2 failed'
cmp -s "$dir/hyp.1/hyp.jsonl" "$dir/hyp.3/hyp.jsonl" || failed "a resumed hyp.jsonl differs"

# What it takes.
run 1 "$linnet" transcribe $quick --batch 65 "$dir/a.wav"
has err "batch: '65'"
run 1 "$linnet" transcribe $quick --batch some "$dir/a.wav"
has err "batch: 'some'"
exit $bad
