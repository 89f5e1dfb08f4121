#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# join.sh DATA OUT [SECONDS [PAUSE]]: makes one recording of the utterances of the Kaldi data directory DATA, in its
# order, with PAUSE (0.5) seconds of silence after each, and cuts it at SECONDS (600); the text is that of all utterances
# that begin before.  OUT becomes a data directory; OUT/ends has the second at which each utterance and its pause end.
# Needs sox.
set -eu
[ $# -ge 2 ] || { echo "usage: join.sh DATA OUT [SECONDS [PAUSE]]" >&2; exit 2; }
data=$1 out=$2 seconds=${3:-600} pause=${4:-0.5}
command -v sox >/dev/null || { echo "join.sh: sox is not installed" >&2; exit 1; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
length=0 n=0
: >"$parts/text" >"$out/ends"
while read -r utterance path; do
    case $path in /*) ;; *) path=$data/$path ;; esac
    n=$((n + 1))
    part=$parts/$(printf %06d $n).wav
    sox -D "$path" -r 16000 -b 16 "$part" pad 0 "$pause"
    awk -v u="$utterance" '$1 == u { $1 = ""; print }' "$data/text" >>"$parts/text"
    length=$(echo "$length $(soxi -D "$part")" | awk '{ printf "%.4f", $1 + $2 }')
    echo "$length" >>"$out/ends"
    if echo "$length $seconds" | awk '{ exit !($1 >= $2) }'; then break; fi
done <"$data/wav.scp"
sox -D "$parts"/*.wav "$out/joined.wav" trim 0 "$seconds"
echo "joined $out/joined.wav" >"$out/wav.scp"
echo "joined$(tr -d '\n' <"$parts/text")" >"$out/text"
