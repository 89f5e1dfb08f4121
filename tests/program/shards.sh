#!/bin/sh
# decode --shard and merge: shares are decoded apart and joined to what one run writes; what would leave a hole in it,
# or something twice, is refused.
. "${top_srcdir:-.}/tests/support/shell.inc"
quick="$quick -s decoder.max_tokens=6"
many=13 # more than there are utterances
[ -z "${LINNET_TEST_FEW:-}" ] || many=4

# Eleven utterances, one of which is of a recording that is not there, and a line that is none.
mkdir "$dir/data"
cp "$dir/a.wav" "$dir/b.wav" "$dir/data"
printf 'r1 a.wav\nr2 b.wav\nr3 gone.wav\n' >"$dir/data/wav.scp"
for i in 01 02 03 04 05 06 07 08 09 10 11; do
    echo "u$i r$((${i#0} % 2 + 1)) 0.${i#?} $((${i#0} % 3 + 1)).9"
done | sed 's/^u05 r2/u05 r3/' >"$dir/data/segments"
echo 'u12 r1 2 1' >>"$dir/data/segments"
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/one"
has err '10 utterances decoded, 0 were there, 2 failed'

# share I N [OPTION...]: decodes a share into $dir/sN.I.
share() {
    i=$1 n=$2
    shift 2
    run 1 "$linnet" decode $quick --data "$dir/data" --shard $i/$n --out "$dir/s$n.$i" "$@"
}

# same FOLDER: the results of the single run.
same() {
    for file in hyp.txt hyp.jsonl recipe.yaml; do
        cmp -s "$1/$file" "$dir/one/$file" || failed "$1/$file differs"
    done
}

# counts FOLDER: figures of stats.json that do not depend on time.
counts() { tr -d '\n' <"$1/stats.json" | sed 's/.*"audio_s": \([0-9.]*\),.*\("tokens": .*\), "threads.*/\1 \2/'; }

for n in 1 3 $many; do
    shares=
    for i in $(seq $n); do
        share $i $n
        [ "$(wc -l <"$dir/s$n.$i/hyp.txt")" -le $((11 / n + 1)) ] || failed "share $i/$n is large"
        shares="$dir/s$n.$i $shares"
    done
    for time in first again; do
        run 1 "$linnet" merge --out "$dir/all.$n" $shares
        has err "10 utterances of $n shares, 2 failed"
        has err '^    u05: .*gone.wav'
        has err "^    .*segments:12: 'u12 .*' ends where it starts"
        same "$dir/all.$n"
    done
    [ "$(counts "$dir/all.$n")" = "$(counts "$dir/one")" ] || failed "other figures"
    grep -q "\"shards\": $n," "$dir/all.$n/stats.json" || failed "no number of shards"
    grep -q '"complete": true' "$dir/all.$n/stats.json" || failed "not complete"
done

# refused WHAT SHARE...: and nothing is written.
refused() {
    what=$1
    shift
    run 1 "$linnet" merge --out "$dir/refused" "$@"
    has err "$what"
    [ ! -e "$dir/refused" ] || failed "something was written"
}

refused 'share 2/3 is missing' "$dir/s3.1" "$dir/s3.3"
refused 'share 3/3 is missing' "$dir/s3.2" "$dir/s3.1"
refused "share 2/3 is there twice: $dir/s3.2, $dir/s3.2" "$dir/s3.2" "$dir/s3.1" "$dir/s3.2" "$dir/s3.3"
refused "s$many.1 is a share of $many, .*s3.2 of 3" "$dir/s$many.1" "$dir/s3.2"
refused "one: is not of 'linnet decode --shard I/N'" "$dir/one"
refused 'none/recipe.yaml: No such file' "$dir/none"
cp -r "$dir/s3.2" "$dir/beam"
echo 'decoder.beam: 2' >>"$dir/beam/recipe.yaml"
refused 'other settings' "$dir/s3.1" "$dir/beam" "$dir/s3.3"
cp -r "$dir/s3.2" "$dir/renamed"
sed -i 's/u06/u66/' "$dir/renamed/hyp.txt" "$dir/renamed/hyp.jsonl"
refused 'are not the 11 that they were begun with' "$dir/s3.1" "$dir/renamed" "$dir/s3.3"
cp -r "$dir/s3.2" "$dir/double"
head -n 1 "$dir/s3.1/hyp.txt" >>"$dir/double/hyp.txt"
head -n 1 "$dir/s3.1/hyp.jsonl" >>"$dir/double/hyp.jsonl"
refused "'u01' is there twice" "$dir/s3.1" "$dir/double" "$dir/s3.3"
run 1 "$linnet" merge --out "$dir/s3.1" "$dir/s3.1" "$dir/s3.2" "$dir/s3.3"
has err 's3.1: has results of other settings'

# A share that was killed: there are lines of it, one broken off, and no stats.json.
cp -r "$dir/s3.2" "$dir/killed"
head -c -5 "$dir/s3.2/hyp.jsonl" >"$dir/killed/hyp.jsonl"
rm "$dir/killed/stats.json"
refused "killed/hyp.jsonl: lacks 'u07'.*finish it with" "$dir/s3.1" "$dir/killed" "$dir/s3.3"
head -n 2 "$dir/s3.2/hyp.jsonl" >"$dir/killed/hyp.jsonl"
head -n 2 "$dir/s3.2/hyp.txt" >"$dir/killed/hyp.txt"
refused "killed: share 2/3 has only 2 of its 4 utterances: finish it with .*--shard 2/3" "$dir/s3.1" "$dir/killed" \
    "$dir/s3.3"
run 1 "$linnet" decode $quick --data "$dir/data" --shard 2/3 --out "$dir/killed"
has err '1 utterances decoded, 2 were there, 2 failed'
run 1 "$linnet" merge --out "$dir/finished" "$dir/s3.1" "$dir/killed" "$dir/s3.3"
same "$dir/finished"
[ "$(counts "$dir/finished")" = "$(counts "$dir/one")" ] || failed "other figures after an interruption"

# A share is resumed as that share of the same data.
run 1 "$linnet" decode $quick --data "$dir/data" --shard 1/3 --out "$dir/killed"
has err 'killed: was begun with --shard 2/3'
run 1 "$linnet" decode $quick --data "$dir/data" --out "$dir/killed"
has err 'killed: was begun with --shard 2/3'
run 1 "$linnet" decode $quick --data "$dir/data" --shard 2/3 --out "$dir/one"
has err 'one: was begun without --shard'
sed '/u11/d' "$dir/data/segments" >"$dir/segments"
cp "$dir/data/segments" "$dir/all.segments"
cp "$dir/segments" "$dir/data/segments"
run 1 "$linnet" decode $quick --data "$dir/data" --shard 2/3 --out "$dir/killed"
has err 'killed: was begun as a share of other data'
run 1 "$linnet" decode $quick --data "$dir/data" --shard 3/3 --out "$dir/other"
refused 'are shares of other data' "$dir/s3.1" "$dir/s3.2" "$dir/other"
cp "$dir/all.segments" "$dir/data/segments"

# What is joined can be gone on with: the recording is there now, and its utterance gets its place.
cp "$dir/a.wav" "$dir/data/gone.wav"
sed -i '/u12/d' "$dir/data/segments"
rm -r "$dir/one"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/one"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/all.3"
has err '1 utterances decoded, 10 were there, 0 failed'
same "$dir/all.3"
[ "$(counts "$dir/all.3")" = "$(counts "$dir/one")" ] || failed "other figures of what was gone on with"

# Delays on the audio's clock are those of one run, to the last digit.
delays() { sed -n 's/.*\("recordings": .*\), "audio": .*\("revisions[^,]*\).*\("audio_clock": {[^}]*}\).*/\1 \2 \3/p' "$1/stats.json"; }
run 0 "$linnet" decode $quick --streaming --data "$dir/data" --out "$dir/live"
for i in 1 2; do
    run 0 "$linnet" decode $quick --streaming --data "$dir/data" --shard $i/2 --out "$dir/live.$i"
done
run 0 "$linnet" merge --out "$dir/live.all" "$dir/live.1" "$dir/live.2"
[ -n "$(delays "$dir/live")" ] && [ "$(delays "$dir/live.all")" = "$(delays "$dir/live")" ] ||
    failed "delays: $(delays "$dir/live.all"), not $(delays "$dir/live")"

# A run that is killed and gone on with is the same, with all times.
"$linnet" decode $quick --data "$dir/data" --out "$dir/resumed" 2>"$dir/err" &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(cat "$dir/resumed/hyp.txt" 2>/dev/null | wc -l)" -lt 2 ]; do sleep 0.01; done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/resumed"
same "$dir/resumed"
[ "$(counts "$dir/resumed")" = "$(counts "$dir/one")" ] || failed "other figures after a kill"

# What is no share.
for shard in 0/4 5/4 x 1/0 1/ /2 1/2/3 -1/2 '' 1.5/3; do
    run 2 "$linnet" decode $quick --data "$dir/data" --shard "$shard" --out "$dir/none"
    has err "not I/N with 1 <= I <= N"
    [ ! -e "$dir/none" ] || failed "something was written"
done
run 2 "$linnet" merge "$dir/s3.1"
has err '--out is needed'
exit $bad
