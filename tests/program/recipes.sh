#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# recipes.sh - recipes with a tiny model: from nothing to results; nothing to do; killed in each stage; other settings;
# data of every kind, a corpus that is fetched, and what is missing.
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { echo "no Python 3.9 here"; exit 77; }
. "${top_srcdir:-.}/tests/support/shell.inc"
for tool in sox flock curl gnuplot; do
    command -v $tool >/dev/null || { echo "no $tool here"; exit 77; }
done
recipes=$(cd "${top_srcdir:-.}/recipes" && pwd)
LINNET=$(cd "$(dirname "$linnet")" && pwd)/$(basename "$linnet")
HF_ENDPOINT=http://127.0.0.1:9 # nothing is fetched here
unset MAKEFLAGS MFLAGS
export LINNET HF_ENDPOINT
./bench/make_model --tiny "$dir/tiny" || exit 99

# Eight utterances of four speakers, cut from one recording.
mkdir "$dir/data"
for i in 1 2 3 4 5 6 7 8; do
    echo "u$i long $i.5 $((i + 1)).5" >>"$dir/data/segments"
    echo "u$i $([ $((i % 2)) -eq 0 ] && echo D || echo SUN MOON)" >>"$dir/data/text" # the model says D
    echo "u$i s$(((i + 1) / 2))" >>"$dir/data/utt2spk"
done
cp "$dir/long.wav" "$dir/data/"
echo "long long.wav" >"$dir/data/wav.scp"

exp=$dir/exp
settings="--data $dir/data --exp $exp --model $dir/tiny --precisions fp32 --chunks 320 --tune-limit 2 --lengths-s 2
    --threads 1 --scales segmental.length_scale=0.3"
some='ctc_greedy_* attention_fp32 segmental_*'

set -f

# recipe CODE OPTION...: recipes/custom with the settings above.
recipe() {
    code=$1
    shift
    run "$code" sh "$recipes/custom/run.sh" $settings --only "$some" "$@"
}

# Everything but times, by name and sum.
results() {
    (cd "$exp" && find . -type f ! -path './log/*' ! -name 'stats.json*' ! -name facts.json ! -name RESULTS.md \
        ! -name report.html ! -path './.done/report' | sort | xargs cksum)
}
all_files() { find "$exp" ! -type d -printf '%p %T@ %s %l\n' | sort; }

# From nothing to results.
recipe 0
for stage in data model convert tune decode score compare lengths report; do has out "^custom: stage [1-9] $stage$"; done
has out 'calibration/ctc_greedy_fp32: none: .* words are too few'
for file in data/data/wav.scp data/data.held/text models.tsv model/config.json systems.tsv tune/tiny/lengths.txt \
    decode/ctc_greedy_fp32/hyp.txt decode/segmental_320_fp32/stats.json score/attention_fp32.json \
    score/segmental_tuned_fp32.json compare/ctc_greedy_fp32__segmental_tuned_fp32.json lengths.json facts.json \
    RESULTS.md; do
    [ -s "$exp/$file" ] || failed "no $file"
done
grep -q '^segmental_tuned_fp32.*data\.held.*--precision fp32' "$exp/systems.tsv" || failed "the tuned system's line"
grep -q "^ctc_greedy_unlimited_fp32	.*streaming.*decoder.chunk=-1" "$exp/systems.tsv" || failed "streaming"
for half in tune held; do cut -d ' ' -f 2 "$exp/data/data.$half/utt2spk" | sort -u; done | sort | uniq -c >"$dir/out"
[ "$(wc -l <"$dir/out")" -eq 4 ] && ! grep -qv '^ *1 ' "$dir/out" || failed "halves of speakers"
[ "$(grep -c '"decoder"' "$exp/lengths.json")" -eq 3 ] || failed "lengths.json: $(cat "$exp/lengths.json")"
[ "$(wc -l <"$exp/joins/wav.scp")" -eq 3 ] || failed "joins of 2 s"
results >"$dir/whole.results"

# A second run does nothing, and says so.
all_files >"$dir/before"
recipe 0
[ "$(grep -c '^custom: stage [1-9] [a-z]*: nothing to do$' "$dir/out")" -eq 9 ] || failed "nothing to do"
[ "$(wc -l <"$dir/out")" -eq 9 ] || failed "more than that"
all_files | cmp -s - "$dir/before" || failed "a second run changed something"

# One run at a time.
(flock 9 && touch "$dir/locked" && exec sleep 5) 9>"$exp/.lock" &
holder=$!
while [ ! -f "$dir/locked" ]; do sleep 0.01; done
recipe 1
has err 'another run works in'
kill $holder
wait $holder 2>/dev/null

# Another setting: what depends on it, and why.
recipe 0 --normalize lower --measure cer --stage score --stop-stage score
has out 'stage 6 score: nothing to do'
recipe 0 --normalize none --stage score --stop-stage score
has out 'ctc_greedy_fp32: again, options changed from "lower .*" to "none .*": wer [0-9]'
recipe 0 --set decoder.blank_penalty=1 --only 'ctc_greedy_fp32 attention_fp32' --stage decode --stop-stage compare
has out '^  systems: again, set changed from "" to "decoder.blank_penalty=1": 2'
has out '^  attention_fp32: again, options changed'
[ "$(ls "$exp/score" "$exp/compare" | grep -c json)" -eq 3 ] || failed "scores of systems that are gone"
sed 's/D$/STAR/' "$dir/data/text" >"$dir/text"
cp "$dir/data/text" "$dir/text.old" && cp "$dir/text" "$dir/data/text"
recipe 0 --only 'ctc_greedy_fp32 attention_fp32' --stop-stage score --tune-limit 0
has out '^  data: again, lists changed\|^  data: again, tune_limit changed'
has out '^  ctc_greedy_fp32: again, reference changed'
cp "$dir/text.old" "$dir/data/text"

# Killed in each stage, before what it made has its name; the end is the same.
mkdir "$dir/bin"
cat >"$dir/bin/mv" <<'E2'
#!/bin/sh
case "$*" in
*"$DIE_AT"*)
    exec 9>&- # the lock
    kill -9 $PPID
    exit 1
    ;;
esac
exec /bin/mv "$@"
E2
chmod +x "$dir/bin/mv"
rm -rf "$exp"
for DIE_AT in data.new models.tsv tiny.begun tune/tiny/options \
    decode/attention_fp32.begun score/segmental_fp32.json.new compare/ctc_greedy_fp32__attention_fp32 joins.new lengths.json facts.json; do
    export DIE_AT
    run 137 env PATH="$dir/bin:$PATH" sh "$recipes/custom/run.sh" $settings --only "$some"
done
recipe 0
results | diff "$dir/whole.results" - >"$dir/out" || failed "other results after kills"
# In the middle of a decoding.
rm -rf "$exp/decode/ctc_greedy_fp32" "$exp/.done/decode/ctc_greedy_fp32"
cat >"$dir/bin/linnet" <<'E2'
#!/bin/sh
case "$*" in *--streaming*) ;; decode*ctc_greedy*) "$REAL" "$@"; sed -i '4,$d' "$exp/decode/ctc_greedy_fp32/hyp.txt"
    exec 9>&-
    kill -9 $PPID; exit 1 ;; esac
exec "$REAL" "$@"
E2
chmod +x "$dir/bin/linnet"
export exp
run 137 env REAL="$LINNET" LINNET="$dir/bin/linnet" sh "$recipes/custom/run.sh" $settings \
    --only "$some"
recipe 0
has out '^  ctc_greedy_fp32: was interrupted: '
results | diff "$dir/whole.results" - >"$dir/out" || failed "other results after a decoding was killed"

# ---- data

quick_data() {
    rm -rf "$exp"
    code=$1
    shift
    run "$code" sh "$@" --exp "$exp" --stop-stage data
}

# same_data SET: texts and recordings of a and b.
same_data() {
    [ "$(cat "$exp/data/$1/text")" = "$(printf 'a SUN MOON\nb STAR')" ] || failed "$1/text: $(cat "$exp/data/$1/text")"
    awk '{ print $2 }' "$exp/data/$1/wav.scp" | xargs ls >/dev/null || failed "$1/wav.scp"
}
mkdir -p "$dir/own"
cp "$dir/a.wav" "$dir/b.wav" "$dir/own"
echo 'SUN MOON' >"$dir/own/a.txt"
printf '\357\273\277STAR\r\n' >"$dir/own/b.txt"
printf 'id,path,text\na,a.wav,"SUN MOON"\nb,b.wav,STAR\n' >"$dir/own/list.csv"
printf 'client_id\tpath\tsentence\nx\ta.wav\tSUN MOON\ny\tb.wav\tSTAR\n' >"$dir/own/list.tsv"
printf '{"key": "a", "wav": "a.wav", "txt": "SUN MOON"}\n{"key": "b", "wav": "b.wav", "txt": "STAR"}\n' \
    >"$dir/own/data.list"
printf '{"audio_filepath": "a.wav", "text": "SUN MOON"}\n{"audio_filepath": "b.wav", "text": "STAR"}\n' \
    >"$dir/own/list.jsonl"
printf 'a.wav\r\nb.wav\r\n' >"$dir/own/files.txt"
for list in . list.csv list.tsv data.list list.jsonl files.txt; do
    quick_data 0 "$recipes/whisper/run.sh" --data "$dir/own/$list"
    same_data data
done
rm "$dir/own/b.txt"
quick_data 1 "$recipes/custom/run.sh" --data "$dir/own"
has out 'b.wav: names no text'
quick_data 1 "$recipes/custom/run.sh"
has err 'name a Kaldi directory'

# Corpora as they are packed.
mkdir -p "$dir/LibriSpeech/test-clean/1/2" "$dir/LibriSpeech/test-other/3/4"
printf '1-2-0000 SUN\n1-2-0001 MOON\n' >"$dir/LibriSpeech/test-clean/1/2/1-2.trans.txt"
printf '3-4-0000 STAR\n' >"$dir/LibriSpeech/test-other/3/4/3-4.trans.txt"
quick_data 0 "$recipes/librispeech/run.sh" --data "$dir/LibriSpeech"
[ "$(cat "$exp/data/test-clean/wav.scp")" = "$(for i in 0 1; do
    echo "1-2-000$i $dir/LibriSpeech/test-clean/1/2/1-2-000$i.flac"
done)" ] || failed "librispeech: $(cat "$exp/data/test-clean/wav.scp")"
[ "$(cat "$exp/data/test-other/text" "$exp/data/test-other/utt2spk")" = "$(printf '3-4-0000 STAR\n3-4-0000 3')" ] ||
    failed "librispeech: test-other"
mkdir -p "$dir/data_aishell/wav/test/S0764" "$dir/data_aishell/transcript"
printf 'BAC009S0002W0122 而 对\nBAC009S0764W0121 甚至 出现\n' \
    >"$dir/data_aishell/transcript/aishell_transcript_v0.8.txt"
cp "$dir/a.wav" "$dir/data_aishell/wav/test/S0764/BAC009S0764W0121.wav"
(cd "$dir/data_aishell/wav" && tar -czf S0764.tar.gz test && rm -r test)
quick_data 0 "$recipes/aishell/run.sh" --data "$dir/data_aishell"
[ "$(cat "$exp/data/test/text" "$exp/data/test/utt2spk")" = "$(printf 'BAC009S0764W0121 甚至 出现\nBAC009S0764W0121 S0764')" ] ||
    failed "aishell: $(cat "$exp/data/test/text")"
[ -f "$(awk '{ print $2 }' "$exp/data/test/wav.scp")" ] || failed "aishell: wav.scp"

# From a mirror, resumed; damaged; not there.
mkdir -p "$dir/mirror" "$dir/pack/speechocean762/test" "$dir/pack/speechocean762/WAVE"
cp "$dir/a.wav" "$dir/pack/speechocean762/WAVE/"
printf 'a\tWAVE/a.wav\n' >"$dir/pack/speechocean762/test/wav.scp"
printf 'a\tSUN\n' >"$dir/pack/speechocean762/test/text"
tar -czf "$dir/mirror/speechocean762.tar.gz" -C "$dir/pack" speechocean762
mkdir "$dir/got"
head -c 5000 "$dir/mirror/speechocean762.tar.gz" >"$dir/got/speechocean762.tar.gz.part"
quick_data 0 "$recipes/speechocean762/run.sh" --url "file://$dir/mirror" --download "$dir/got"
cmp -s "$dir/got/speechocean762.tar.gz" "$dir/mirror/speechocean762.tar.gz" || failed "another archive"
[ -f "$(awk '{ print $2 }' "$exp/data/test/wav.scp")" ] || failed "speechocean762: $(cat "$exp/data/test/wav.scp")"
quick_data 1 "$recipes/speechocean762/run.sh" --url "file://$dir/nowhere"
has err 'put speechocean762.tar.gz (from https://www.openslr.org/101) into '
head -c 5000 "$dir/mirror/speechocean762.tar.gz" >"$dir/cut" && mv "$dir/cut" "$dir/mirror/speechocean762.tar.gz"
quick_data 1 "$recipes/speechocean762/run.sh" --url "file://$dir/mirror"
has err 'arrived damaged'

# ---- what is missing, and what is wrong

rm -rf "$exp"
recipe 1 --model "$dir/gone"
has err "there is no model $dir/gone"
recipe 1 --model no-such-model
has err "no model 'no-such-model'"
has err 'linnet fetch'
run 1 env LINNET="$dir/gone" sh "$recipes/custom/run.sh" $settings
has err "there is no program '$dir/gone'"
recipe 1 --stage score
has err 'run stage 5 (decode) first'
recipe 2 --no-such-option 1
recipe 2 --stage 10
recipe 2 --nj none
run 0 sh "$recipes/custom/run.sh" --help
has out '^Stages: 1 data, 2 model, .* 9 report\.$'
has out '--stop-stage STAGE'
set +f
mkdir "$dir/nosox"
ln -s /usr/bin/* "$dir/nosox" && rm "$dir/nosox/sox"
set -f
recipe 0 --stop-stage convert
run 0 env PATH="$dir/nosox" sh "$recipes/custom/run.sh" $settings --stage lengths \
    --stop-stage lengths
has out 'sox is not installed (apt-get install sox)'

# One recording of two cannot be read: the other is decoded and scored, and the first is named at the end.
printf 'a %s/a.wav\nb %s/gone.wav\n' "$dir" "$dir" >"$dir/own/wav.scp"
printf 'a SUN MOON\nb STAR\n' >"$dir/own/text"
rm -rf "$exp"
run 1 sh "$recipes/custom/run.sh" $settings --data "$dir/own" --only ctc_greedy_fp32 --stop-stage score --tune-limit 0
has out '1 could not be used:'
has out '^  b: .*gone.wav'
grep -q '"errors": ' "$exp/score/ctc_greedy_fp32.json" || failed "no score of the rest"
exit $bad
