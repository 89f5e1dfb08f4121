#!/bin/sh
# Inputs that cannot be used, one beside a good one: the message names file and reason, the code is 1, the good one is
# done all the same.
. "${top_srcdir:-.}/tests/support/shell.inc"

run 0 "$linnet" transcribe $quick "$dir/a.wav"
cp "$dir/out" "$dir/good"

# refused FILE REASON: as above.
refused() {
    run 1 "$linnet" transcribe $quick "$1" "$dir/a.wav"
    grep -F -e "$1" "$dir/err" | grep -q -e "$2" || failed "$1: no '$2' in the message"
    tail -n "$(wc -l <"$dir/good")" "$dir/out" | cmp -s - "$dir/good" || failed "$1: the file after it was not done"
    [ "$(wc -l <"$dir/err")" -eq 1 ] || failed "$1: more than one line of message"
}

: >"$dir/zero.wav"
echo 'this is no recording' >"$dir/text.wav"
mkdir "$dir/folder.wav"
head -c 30 "$dir/a.wav" >"$dir/short.wav"
refused "$dir/zero.wav" empty
refused "$dir/text.wav" .
refused "$dir/folder.wav" irectory
refused "$dir/short.wav" .
refused "$dir/missing.wav" 'No such file'
refused "$dir/nan.wav" 'not a number'
refused "$dir/empty.wav" 'no samples'
if [ "$(id -u)" != 0 ]; then
    cp "$dir/a.wav" "$dir/secret.wav"
    chmod 0 "$dir/secret.wav"
    refused "$dir/secret.wav" 'ermission'
fi

# A recording that breaks off: what is there is decoded, then the error.  Half of a FLAC file, and of a WAV file.
flac="${top_srcdir:-.}/../shared/data/speechocean762-dev/wav/000030012.flac"
if [ -f "$flac" ]; then
    head -c 30000 "$flac" >"$dir/half.flac"
    run 1 "$linnet" transcribe $quick "$dir/half.flac" "$dir/a.wav"
    has err "$dir/half.flac: "
    tail -n "$(wc -l <"$dir/good")" "$dir/out" | cmp -s - "$dir/good" || failed "after half.flac"
fi

# Models.
model_refused() {
    run 1 "$linnet" transcribe -m "$1" "$dir/a.wav"
    silent out
    grep -F -e "$1" "$dir/err" | grep -q -e "$2" || failed "$1: no '$2' in the message"
}

mkdir "$dir/hollow" "$dir/headless" "$dir/cut" "$dir/garbage"
cp "$dir/model/config.json" "$dir/headless"
cp "$dir/model/config.json" "$dir/cut"
cp "$dir/model/config.json" "$dir/garbage"
head -c 100000 "$dir/model/model.safetensors" >"$dir/cut/model.safetensors"
head -c 100000 "$dir/a.wav" >"$dir/garbage/model.safetensors"
model_refused "$dir/deep" config.json
model_refused "$dir/unknown" parrot
model_refused "$dir/hollow" config.json
model_refused "$dir/headless" model.safetensors
model_refused "$dir/cut" model.safetensors
model_refused "$dir/garbage" model.safetensors
model_refused "$dir/a.wav" 'neither a model directory nor a checkpoint'
cp -r "$dir/model" "$dir/mute"
rm "$dir/mute/vocab.json"
model_refused "$dir/mute" 'no vocabulary: none of tokenizer.json'

# A family that is not known: what is, is named.
for json in '' --json; do
    run 1 "$linnet" info $json "$dir/unknown"
    silent out
    has err "$dir/unknown/config.json: model_type 'parrot' is not one that is known: whisper, wenet\$"
done

# Places that cannot be written: a file where the folder should be, a file system that takes nothing, a full disk.
run 1 "$linnet" transcribe -m "$dir/none" -o "$dir/a.wav/results" "$dir/a.wav" # before any model is opened
has err "$dir/a.wav/results: "
run 1 "$linnet" transcribe -m "$dir/none" -o "$dir/a.wav" "$dir/a.wav"
has err "$dir/a.wav: "
[ ! -d /proc/self ] || run 1 "$linnet" transcribe -m "$dir/none" -o /proc "$dir/a.wav"
[ ! -d /proc/self ] || has err '/proc: cannot write there: '
run 1 "$linnet" forward -m "$dir/model" -o "$dir/none/t.safetensors" "$dir/a.wav"
has err "$dir/none/t.safetensors"
mkdir "$dir/data"
echo "u1 $dir/a.wav" >"$dir/data/wav.scp"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/a.wav"
has err "$dir/a.wav"
run 1 "$linnet" decode $quick --data "$dir/nothing" --out "$dir/hyp"
has err "$dir/nothing: No such file"
if [ -d /proc/self ]; then
    run 1 "$linnet" transcribe $quick -o /proc/linnet "$dir/a.wav"
    has err /proc/linnet
fi
if [ -w /dev/full ]; then
    "$linnet" transcribe $quick "$dir/a.wav" >/dev/full 2>"$dir/err"
    [ $? -eq 1 ] && grep -q 'standard output' "$dir/err" || failed "a full disk"
    mkdir "$dir/full"
    ln -s /dev/full "$dir/full/hyp.jsonl"
    run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/full"
    has err "$dir/full: "
fi
exit $bad
