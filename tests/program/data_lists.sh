#!/bin/sh
# Lists that --data takes, and score and align too: WeNet's data.list and other JSON lines, tables, lists of files; what
# is wrong with one.
. "${top_srcdir:-.}/tests/support/shell.inc"
case $linnet in /*) ;; *) linnet=$PWD/$linnet ;; esac
quick="$quick -s decoder.max_tokens=6"

# The same two utterances in every form; the reference is a Kaldi directory.
mkdir "$dir/kaldi" "$dir/data" "$dir/data/sub"
cp "$dir/a.wav" "$dir/data/u1.wav"
cp "$dir/b.wav" "$dir/data/sub/u2.wav"
printf 'u1 u1.wav\nu2 sub/u2.wav\n' >"$dir/data/wav.scp"
printf 'u1 the "cat", sat\nu2 caf\303\251\n' >"$dir/data/text"
printf 'u1 0001\nu2 0002\n' >"$dir/data/utt2spk"
run 0 "$linnet" decode $quick --data "$dir/data" --out "$dir/kaldi"
printf 'u1 the "cat", sat on\nu2 caf\303\251\n' >"$dir/hyp"
run 0 "$linnet" score "$dir/data/text" "$dir/hyp" --by-speaker "$dir/data/utt2spk"
cp "$dir/out" "$dir/kaldi.score"

cd "$dir/data" || exit 99
printf '{"key": "u2", "wav": "sub/u2.wav", "txt": "caf\\u00e9"}\n{"key": "u1", "wav": "u1.wav", "txt": "the \\"cat\\", sat", "speaker": "0001"}\n' >data.list
sed 's/}/, "speaker": "0002"}/; s/"speaker": "0001", "speaker": "0002"/"speaker": "0001"/' data.list >spk.list
sed 's/^/\t/; 1s/^/\xef\xbb\xbf/; s/$/\r/' spk.list >crlf.list
sed 's/"key"/"id"/; s/"wav"/"audio_path"/; s/"txt"/"transcription"/' spk.list >other.jsonl
printf 'audio,text,speaker\nu1.wav,"the ""cat"", sat",0001\nsub/u2.wav,caf\303\251,0002\n' >hf.csv
printf '\357\273\277file_name,id,Sentence,note,speaker_id\r\nu1.wav,u1,"the ""cat"",\r\n sat","two\r\nlines",0001\r\n\r\nsub/u2.wav,u2,caf\303\251,,0002\r\n' >full.csv
printf 'client_id\tpath\tsentence\n0001\tu1.wav\t"the ""cat"", sat"\n0002\tsub/u2.wav\tcafe\314\201\n' >cv.tsv
sed 's/,/;/; s/,\([^,]*\)$/;\1/' hf.csv >semicolons.csv
cp hf.csv table.txt # known by its first line
cd "$dir" || exit 99
for list in data.list crlf.list other.jsonl hf.csv full.csv cv.tsv semicolons.csv table.txt; do
    run 0 "$linnet" decode $quick --data "$dir/data/$list" --out "$dir/out.$list"
    cmp -s "$dir/out.$list/hyp.txt" "$dir/kaldi/hyp.txt" || failed "$list: other hypotheses"
    cmp -s "$dir/out.$list/hyp.jsonl" "$dir/kaldi/hyp.jsonl" || failed "$list: another hyp.jsonl"
    [ $list != data.list ] || continue
    run 0 "$linnet" score "$dir/data/$list" "$dir/hyp" --by-speaker "$dir/data/$list"
    cmp -s "$dir/out" "$dir/kaldi.score" || failed "$list: another score"
    silent err
done

# A list of files: ids are their names; one with a blank in its name, and one in the current folder.
cp "$dir/a.wav" "$dir/data/my sound.x.wav"
cp "$dir/b.wav" "$dir/here.wav"
printf 'u1.wav\r\n\r\n  sub/u2.wav \r\nmy sound.x.wav\r\nhere.wav' >"$dir/data/files.txt"
run 0 "$linnet" decode $quick --data data/files.txt --out "$dir/files"
[ "$(cut -d ' ' -f 1 "$dir/files/hyp.txt" | tr '\n' ' ')" = 'here my_sound.x u1 u2 ' ] || failed "names of files"
grep '^u' "$dir/files/hyp.txt" | cmp -s - "$dir/kaldi/hyp.txt" || failed "hypotheses of a list of files"
cd "$dir/data" && run 0 "$linnet" decode $quick --data data.list --out "$dir/near" && cd "$dir" || exit 99
cmp -s "$dir/near/hyp.txt" "$dir/kaldi/hyp.txt" || failed "a list in the current folder"

# Parts of recordings.
mkdir "$dir/cut"
cp "$dir/a.wav" "$dir/cut/r1.wav"
printf 'r1 r1.wav\n' >"$dir/cut/wav.scp"
printf 's1 r1 0 1.5\ns2 r1 1.5 -1\n' >"$dir/cut/segments"
printf '{"key": "s1", "wav": "r1.wav", "end": 1.5}\n{"key": "s2", "wav": "r1.wav", "start": "1.5"}\n' >"$dir/cut/cut.list"
printf 'id,wav,start,end\ns1,r1.wav,,1.5\ns2,r1.wav,1.5,-1\n' >"$dir/cut/cut.csv"
run 0 "$linnet" decode $quick --data "$dir/cut" --out "$dir/cut.out"
for list in cut.list cut.csv; do
    run 0 "$linnet" decode $quick --data "$dir/cut/$list" --out "$dir/out.$list"
    cmp -s "$dir/out.$list/hyp.jsonl" "$dir/cut.out/hyp.jsonl" || failed "$list: other parts"
done

# Texts are the references of average lagging.
lagging() { sed -n 's/.*"audio_clock": {"average_lagging": \([^,]*\).*/\1/p' "$1/stats.json"; }
words='a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v w x y z'
printf 'u1 %s\nu2 %s\n' "$words" "$words" >"$dir/data/text"
printf 'id,path,text\nu1,u1.wav,%s\nu2,sub/u2.wav,%s\n' "$words" "$words" >"$dir/data/long.csv"
for list in '' long.csv files.txt; do
    run 0 "$linnet" decode $quick --streaming --data "$dir/data/$list" --out "$dir/live.$list"
done
[ "$(lagging "$dir/live.")" = "$(lagging "$dir/live.long.csv")" ] || failed "lagging of a list"

# What is no list of utterances is refused, with what is one.
none() {
    run 1 "$linnet" decode $quick --data "$1" --out "$dir/none"
    has err "$2"
    [ ! -e "$dir/none" ] || failed "$1: something was written"
}
printf '%s\n' shards_000000000.tar shards_000000001.tar >"$dir/data/shards.list"
none "$dir/data/shards.list" 'shards.list: names tar files.*raw list'
none "$dir/a.wav" 'a.wav: names no recording that is there; --data takes a Kaldi directory .*CSV'
none "$dir/data/text" 'text: names no recording that is there; --data takes'
none "$dir/gone" 'gone: .*--data takes'
none "$dir/data/sub" 'sub/wav.scp: is not there; --data takes'
printf 'a,b\n1,2\n' >"$dir/data/strange.csv"
none "$dir/data/strange.csv" 'strange.csv: its first line names none of these columns: "audio", "path"'
: >"$dir/data/empty.csv"
none "$dir/data/empty.csv" 'empty.csv: its first line'
: >"$dir/data/empty.list"
none "$dir/data/empty.list" 'empty.list: no utterance'

# Entries that cannot be used or decoded: named where it happens, and all once more at the end; the others are done.
echo 'this is no recording' >"$dir/data/corrupt.wav"
{
    printf 'id,path,text,start,end\n'
    for i in 10 11 12 13 14 15 16 17 18 19; do echo "u$i,u1.wav,the cat,,0.9"; done
    printf 'gone,gone.wav,x,,\ncorrupt,corrupt.wav,x,,\nu11,sub/u2.wav,twice,,\n'
    printf 'latin,u1.wav,"\351\nx",,\nreversed,u1.wav,x,2,1\ntimes,u1.wav,x,soon,\nshort,u1.wav\n,,,,\n'
    printf 'u20,u1.wav,,,0.9\nu21,u1.wav,"it goes on,,0.9\nu22,u1.wav,x,,\n'
} >"$dir/data/bad.csv"
run 1 "$linnet" decode $quick --data "$dir/data/bad.csv" --out "$dir/bad"
has err '11 utterances decoded, 0 were there, 9 failed'
for problem in 'gone: .*gone.wav' 'corrupt: ' "bad.csv:14: 'u11' is there twice" 'bad.csv:15: byte 0xE9' \
    "bad.csv:17: 'reversed' ends where it starts" "bad.csv:18: 'times' has a start or an end that is no time" \
    'bad.csv:19: has 2 fields, the first line 5' 'bad.csv:20: no "audio"' 'bad.csv:22: its quote does not end'; do
    [ "$(grep -c -e "$problem" "$dir/err")" -eq 2 ] || failed "not named twice: $problem"
    sed '1,/problems in all/d' "$dir/err" | grep -q -e "^    .*$problem" || failed "not in the list: $problem"
done
has err '^linnet: 9 problems in all:'
grep -q '"utt": "corrupt", "why": ' "$dir/bad/stats.json" || failed "no failure in stats.json"
run 1 "$linnet" score "$dir/data/bad.csv" "$dir/bad/hyp.txt"
has err "^    .*'u20' has no words"
has err "^    .*no 'gone', counted as deleted"
has err "^    .*bad.csv:14: utterance 'u11' is there twice, in line 3 too"
has out '^%SER .* / 15 \]'

# JSON lines, where what is missing is told by name; ids and texts that are missing.
printf '{"key": "u1", "wav": "u1.wav"}\n{"key": "u2", "txt": "x"}\n[1]\n{"wav": "u1.wav", "start": {}}\n{\n' >"$dir/data/bad.list"
run 1 "$linnet" decode $quick --data "$dir/data/bad.list" --out "$dir/bad.list.out"
has err 'bad.list:2: no "audio", "path"'
has err 'bad.list:3: no "audio"'
has err "bad.list:4: 'u1' is there twice"
has err 'bad.list:5: '
has err '1 utterances decoded, 0 were there, 4 failed'
printf '{"key": "u1", "wav": "u1.wav", "txt": "a b"}\n{"key": "u2", "txt": ""}\n{"txt": "x"}\n{"key": "u3"}\n' >"$dir/data/ref.list"
printf 'u1 a b\nu2 c\n' >"$dir/hyp"
run 1 "$linnet" score "$dir/data/ref.list" "$dir/hyp"
has out '^%WER 50.00 \[ 1 / 2, 1 ins'
has err '^linnet: 3 problems in all:'
has err "^    .*ref.list: 'u2' has no words"
has err '^    .*ref.list:3: no "utt", "id", "key"'
has err '^    .*ref.list:4: no "text"'
exit $bad
