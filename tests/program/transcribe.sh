#!/bin/sh
# linnet transcribe and linnet decode on a tiny model: formats, where things go, exit codes.
. "${top_srcdir:-.}/tests/support/shell.inc"

# Results and nothing else on stdout.
run 0 "$linnet" transcribe $quick "$dir/a.wav"
silent err
has out '<[0-9]*>'
cp "$dir/out" "$dir/a.txt"
run 0 "$linnet" transcribe $quick "$dir/b.wav"
cp "$dir/out" "$dir/b.txt"
cmp -s "$dir/a.txt" "$dir/b.txt" && failed "a.wav and b.wav say the same"

# Several files, in order.
run 0 "$linnet" transcribe $quick "$dir/a.wav" "$dir/b.wav"
cat "$dir/a.txt" "$dir/b.txt" | cmp -s - "$dir/out" || failed "two files are not one after the other"

# Standard input, with and without a header; bare samples from a file.
"$linnet" transcribe $quick - <"$dir/a.wav" >"$dir/out" 2>"$dir/err" || failed "a file on stdin"
cmp -s "$dir/out" "$dir/a.txt" || failed "stdin is not as the file"
"$linnet" transcribe $quick --raw s16le - <"$dir/a.s16" >"$dir/out" 2>"$dir/err" || failed "samples on stdin"
cmp -s "$dir/out" "$dir/a.txt" || failed "samples on stdin are not as the file"
run 0 "$linnet" transcribe $quick --raw s16le:16000:1 "$dir/a.s16"
cmp -s "$dir/out" "$dir/a.txt" || failed "samples in a file are not as the WAV file"
cat "$dir/a.wav" | "$linnet" transcribe $quick - >"$dir/out" 2>"$dir/err" || failed "a pipe"
cmp -s "$dir/out" "$dir/a.txt" || failed "a pipe is not as the file"

# Every format that help offers, to stdout and into a folder.
formats=$("$linnet" help-words | sed -n 's/^transcribe --format=\([^ ]*\) .*/\1/p' | tr '|' ' ')
[ "$formats" = 'txt json srt vtt tsv ctm lrc csv all' ] || failed "formats: $formats"
for format in ${formats% all}; do
    run 0 "$linnet" transcribe $quick -f $format "$dir/a.wav"
    cp "$dir/out" "$dir/a.$format.out"
    case $format in
    txt) has out '^<' ;;
    json) has out '^{"file": .*"segments": \[{"id": 0, "seek": 0, "start": .*"temperature": 0, "avg_logprob": -' ;;
    srt) has out '^00:00:0[0-9],[0-9]* --> 00:00:' ;;
    vtt) has out '^WEBVTT$' && has out '^00:0[0-9].[0-9]* --> 00:' ;;
    tsv) has out '^start	end	text$' ;;
    ctm) has out '^a 1 [0-9.]* [0-9.]* <' ;;
    lrc) has out '^\[00:0[0-9]\.[0-9][0-9]\]<' ;;
    csv) has out '^[0-9]*,[0-9]*,"<' ;;
    esac
    run 0 "$linnet" transcribe $quick -f $format -o "$dir/new/results" "$dir/a.wav" "$dir/b.wav"
    silent out
    [ -s "$dir/new/results/b.$format" ] || failed "no results/b.$format"
    cmp -s "$dir/new/results/a.$format" "$dir/a.$format.out" || failed "results/a.$format is not what stdout had"
done
run 0 "$linnet" transcribe $quick -w -f json "$dir/a.wav"
has out '"words": \[{"word": '
run 2 "$linnet" transcribe $quick -f doc "$dir/a.wav"
has err 'not one of'
silent out
run 0 "$linnet" transcribe $quick --timestamps "$dir/a.wav"
has out '^\[00:00\.000 --> 00:03\.000\] <'
run 0 "$linnet" transcribe $quick -f srt --max-line-width 12 --max-line-count 3 "$dir/a.wav"
awk -F '\n' -v RS= '{ wide = 0; for (i = 3; i <= NF; i++) wide += length($i) > 12; if (wide || NF > 5) bad = 1 }
    END { exit bad || NR < 2 }' "$dir/out" || failed "lines of subtitles"

# Several formats, and several recordings: each a file of its own, one document, or refused before any work.
run 0 "$linnet" transcribe $quick -f all -o "$dir/all" "$dir/a.wav"
[ "$(cd "$dir/all" && echo *)" = 'a.csv a.ctm a.json a.lrc a.srt a.tsv a.txt a.vtt' ] || failed "-f all"
cmp -s "$dir/all/a.txt" "$dir/a.txt" || failed "another text with -f all"
run 0 "$linnet" transcribe $quick -f srt,json -f txt -o "$dir/some" "$dir/a.wav"
[ "$(cd "$dir/some" && echo *)" = 'a.json a.srt a.txt' ] || failed "-f srt,json -f txt"
run 1 "$linnet" transcribe $quick -f json "$dir/gone.wav" "$dir/a.wav" "$dir/b.wav"
[ "$(cut -c 1-9 "$dir/out" | tr '\n' ' ')" = '[{"file": ,{"file": ] ' ] || failed "JSON of two recordings"
run 1 "$linnet" transcribe $quick -f json "$dir/gone.wav" "$dir/gone.wav"
[ "$(cat "$dir/out")" = '[]' ] || failed "JSON of none"
for what in "-f txt,json" "-f all" "-f srt $dir/b.wav" "-f vtt $dir/b.wav" "-f lrc $dir/b.wav" "-f csv $dir/b.wav"; do
    run 2 "$linnet" transcribe -m "$dir/none" $what "$dir/a.wav"
    has err 'several files: say where with -o DIR'
    silent out
done
run 2 "$linnet" transcribe -m "$dir/none" -f txt, -o "$dir/none" "$dir/a.wav"
has err '--format=txt,: .*not one of txt'
mkdir "$dir/other"
for other in "$dir/other/a.mp3" "$dir/a.wav"; do
    run 2 "$linnet" transcribe -m "$dir/none" -o "$dir/new/none" "$other" "$dir/b.wav" "$dir/a.wav"
    has err "would both become $dir/new/none/a.txt"
done
[ ! -e "$dir/new/none" ] || failed "a folder for what was refused"
run 2 "$linnet" transcribe $quick
run 2 "$linnet" transcribe $quick --beam 0 "$dir/a.wav"
run 1 "$linnet" transcribe $quick -s decoder.beem=2 "$dir/a.wav"
has err 'decoder.beem'
run 1 "$linnet" transcribe $quick -l klingon "$dir/a.wav"
has err klingon
run 1 "$linnet" transcribe -m "$dir/nothing" "$dir/a.wav"
has err "$dir/nothing"

# A language that is found is told, once.
found="-m $dir/model -s decoder.temperature=0 -s decoder.max_tokens=20"
run 0 "$linnet" transcribe $found "$dir/long.wav"
[ "$(sed 's/: language: [A-Z][a-z]* ([a-z]*), probability [01]\.[0-9][0-9]$//' "$dir/err")" = \
    "linnet: $dir/long.wav" ] || failed "the language that was found"
run 0 "$linnet" transcribe $found --quiet "$dir/a.wav"
silent err

# Signals leave what was done: a pipe that does not end, of which more than a window was read.
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cat "$dir/a.s16" "$dir/a.s16"; done >"$dir/many.s16"
for signal in HUP TERM; do
    rm -f "$dir/fed"
    { cat "$dir/many.s16"; : >"$dir/fed"; cat /dev/zero; } 2>"$dir/cat" |
        "$linnet" transcribe $quick --raw s16le -f txt,srt -o "$dir/$signal" - 2>"$dir/err" &
    pid=$!
    while [ ! -e "$dir/fed" ] && kill -0 $pid; do sleep 0.1; done
    kill -$signal $pid
    wait $pid
    [ $? -eq 1 ] || failed "$signal: exit code"
    has err '^linnet: -: interrupted at '
    [ -s "$dir/$signal/stdin.txt" ] && [ -s "$dir/$signal/stdin.srt" ] || failed "$signal: nothing kept"
done

# Long recordings: windows follow each other, times go on.
run 0 "$linnet" transcribe $quick -f tsv "$dir/long.wav"
has out '^3[0-9][0-9][0-9][0-9]	'

# A data directory: hypotheses, resumed after an interruption, the same as at once.
mkdir "$dir/data"
printf 'u1 a.wav\nu2 %s/b.wav\nu3 long.wav\n' "$dir" >"$dir/data/wav.scp"
cp "$dir/a.wav" "$dir/long.wav" "$dir/data"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/new/hyp"
silent out
has err '3 utterances decoded'
[ "$(cut -d' ' -f1 "$dir/new/hyp/hyp.txt" | tr '\n' ' ')" = 'u1 u2 u3 ' ] || failed "utterances of hyp.txt"
grep -q '^{"utt": "u2", "file": .*b.wav"' "$dir/new/hyp/hyp.jsonl" || failed "hyp.jsonl"
grep -q '"real_time_factor": ' "$dir/new/hyp/stats.json" || failed "stats.json"
[ "$(sed -n 's/^u1 //p' "$dir/new/hyp/hyp.txt" | tr -d ' \n')" = "$(tr -d ' \n' <"$dir/a.txt")" ] ||
    failed "u1 is not a.wav"
mkdir "$dir/cut"
cp "$dir/new/hyp/recipe.yaml" "$dir/cut"
head -c -9 "$dir/new/hyp/hyp.txt" >"$dir/cut/hyp.txt" # the last line is broken off
head -n 1 "$dir/new/hyp/hyp.jsonl" >"$dir/cut/hyp.jsonl"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/cut"
has err '2 utterances decoded, 1 were there'
cmp -s "$dir/new/hyp/hyp.txt" "$dir/cut/hyp.txt" || failed "a resumed hyp.txt differs"
cmp -s "$dir/new/hyp/hyp.jsonl" "$dir/cut/hyp.jsonl" || failed "a resumed hyp.jsonl differs"
run 1 "$linnet" decode $quick -b 2 --data "$dir/data" --out "$dir/cut"
has err 'other settings'

# A recipe.yaml is compared by what it says: an older one has its keys in another order, and keys that are no more.
cp "$dir/new/hyp/recipe.yaml" "$dir/recipe.yaml"
{
    head -n 1 "$dir/recipe.yaml"
    printf 'decoder.compat: none\n'
    sed -n 's/^  /decoder./p' "$dir/recipe.yaml" | sort -r
    sed -n '/^[a-z]*: ./p' "$dir/recipe.yaml"
} >"$dir/cut/recipe.yaml"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/cut"
has err '0 utterances decoded, 3 were there'
sed '1s/$/ --streaming/' "$dir/recipe.yaml" >"$dir/cut/recipe.yaml"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/cut"
has err 'other settings'
printf 'decoder: {compat: simul-whisper}\n' >"$dir/old.yaml"
run 1 "$linnet" transcribe -r "$dir/old.yaml" "$dir/a.wav"
has err 'old.yaml:1: .*decoder.name=simul_whisper does that now'
run 0 "$linnet" score "$dir/new/hyp/hyp.txt" "$dir/cut/hyp.jsonl"
has out '^%WER 0.00'

# As if it came live: the same words in any case, and delays of all utterances.
run 0 "$linnet" decode $quick --streaming --data "$dir/data" --out "$dir/streaming"
for key in '"recordings": 3' '"audio": 3[0-9.]*, ' '"average_lagging": ' '"first_text_p50": ' '"final_p99": ' \
    '"word_delay_p90": ' '"revisions_per_word": ' '"compute_per_second_p50": '; do
    grep -q "\"latency\": {.*$key" "$dir/streaming/stats.json" || failed "no $key in stats.json"
done
grep -q '"latency"' "$dir/new/hyp/stats.json" && failed "delays of what was not streamed"

# Parts of recordings, and utterances that cannot be read.
printf 's1 u1 0 1.5\ns2 u1 1.5 -1\ns3 u4 0 1\n' >"$dir/data/segments"
printf 'u4 gone.wav\n' >>"$dir/data/wav.scp"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/parts"
has err '^linnet: s3: .*gone.wav'
has err '2 utterances decoded, 0 were there, 1 failed'
grep -q '"duration": 1.5,' "$dir/parts/hyp.jsonl" || failed "the length of a part"
printf 's1 nobody 0 1\n' >"$dir/data/segments"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/none"
has err "'s1 nobody"
rm "$dir/data/segments"
printf 'u1 cat a.wav |\n' >"$dir/data/wav.scp"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/none"
has err 'is a command'
run 2 "$linnet" decode $quick --data "$dir/data"

# The tensors, the model's description, the figures.
run 0 "$linnet" forward -m "$dir/model" -o "$dir/t.safetensors" --tokens 50258,50259,50359 "$dir/a.wav"
silent out
grep -aq '"encoder_out":{"dtype":"F32","shape":\[1500,16\]' "$dir/t.safetensors" || failed "encoder_out"
grep -aq '"features":{"dtype":"F32","shape":\[80,3000\]' "$dir/t.safetensors" || failed "features"
grep -aq '"logits":{"dtype":"F32","shape":\[3,51865\]' "$dir/t.safetensors" || failed "logits"
run 1 "$linnet" forward -m "$dir/model" -o "$dir/t.safetensors" --tokens 50258,99999 "$dir/a.wav"
has err 99999
run 0 "$linnet" info "$dir/model"
has out '^vocabulary  *51865$'
run 0 "$linnet" info --json "$dir/model"
has out '"vocabulary": 51865'
run 0 "$linnet" bench $quick -n 1 --json "$dir/a.wav"
has out '"audio_s": 3.000'
has out '"encoding_work_GOP": 0.326,$'
has out '"bound_[A-Z0-9]*x[A-Z0-9]*_GOPS": [0-9.]*,$'
has out '"encoding_of_bound_percent": [0-9.]*,$'
has out '"step_reads_MB": [0-9.]*,$'
has out '"step_over_reading": [0-9.]*}$'
run 2 "$linnet" bench $quick -
has err 'only once'

# The example of the library.
if [ -x doc/example ]; then
    run 0 doc/example "$dir/model" "$dir/a.wav"
    has out '^ *[0-9.]* *[0-9.]* *<'
    run 1 doc/example "$dir/model" "$dir/gone.wav"
    has err gone.wav
fi
exit $bad
