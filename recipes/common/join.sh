#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# join.sh [--all] DATA OUT [SECONDS [PAUSE]]: makes one recording of the utterances of the Kaldi data directory DATA, in
# its order, with PAUSE (0.5) seconds of silence after each, and cuts it at SECONDS (600); the text is that of all
# utterances that begin before.  OUT becomes a data directory; OUT/ends has the second at which each utterance and its
# pause end.  Needs sox.
#
# --all: as many recordings as it takes for all of DATA, each of about SECONDS and none cut; OUT/parts says which
# utterance is in which, and OUT/ends counts from the start of the first.
set -eu
all=
if [ "${1:-}" = --all ]; then
    all=yes
    shift
fi
[ $# -ge 2 ] || { echo "usage: join.sh [--all] DATA OUT [SECONDS [PAUSE]]" >&2; exit 2; }
data=$1 out=$2 seconds=${3:-600} pause=${4:-0.5}
command -v sox >/dev/null || { echo "join.sh: sox is not installed" >&2; exit 1; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Lines "utterance start end path": without segments all of a recording, 0 and -1.
if [ -f "$data/segments" ]; then
    awk 'NR == FNR { id = $1; sub(/^[^ \t]+[ \t]+/, ""); path[id] = $0; next } { print $1, $3, $4, path[$2] }' \
        "$data/wav.scp" "$data/segments"
else
    awk '{ id = $1; sub(/^[^ \t]+[ \t]+/, ""); print id, 0, -1, $0 }' "$data/wav.scp"
fi >"$work/list"

length=0 n=0
: >"$out/ends" >"$work/parts"
while read -r utterance start end path; do
    case $path in /*) ;; *) path=$data/$path ;; esac
    n=$((n + 1))
    part=$work/$(printf %06d $n).wav
    case $end in -1*) cut="trim $start" ;; *) cut="trim $start =$end" ;; esac
    # shellcheck disable=SC2086
    sox -D "$path" -r 16000 -b 16 -c 1 "$part" $cut pad 0 "$pause"
    length=$(echo "$length $(soxi -D "$part")" | awk '{ printf "%.4f", $1 + $2 }')
    echo "$length" >>"$out/ends"
    echo "$utterance $part $length" >>"$work/parts"
    if [ -z "$all" ] && echo "$length $seconds" | awk '{ exit !($1 >= $2) }'; then break; fi
done <"$work/list"

# Which recording each utterance is in: "recording utterance file".
awk -v all="$all" -v seconds="$seconds" -v length_s="$length" '
    BEGIN { n = all ? int(length_s / seconds + 0.5) : 1; if (n < 1) n = 1 }
    { k = int((begin + $3) / 2 / length_s * n) + 1; begin = $3; print all ? "joined" k : "joined", $1, $2 }' \
    "$work/parts" >"$work/recordings"
cut -d ' ' -f 1,2 "$work/recordings" >"$out/parts"

: >"$out/wav.scp" >"$out/text"
for name in $(cut -d ' ' -f 1 "$work/recordings" | uniq); do
    # shellcheck disable=SC2046
    sox -D $(awk -v name="$name" '$1 == name { print $3 }' "$work/recordings") "$out/$name.wav" \
        $([ -n "$all" ] || echo trim 0 "$seconds")
    echo "$name $out/$name.wav" >>"$out/wav.scp"
    awk -v name="$name" '
        FNR == 1 { i_file++ }
        i_file == 1 { id = $1; sub(/^[^ \t]+/, ""); text[id] = $0; next }
        $1 == name { all = all text[$2] }
        END { print name all }' "$data/text" "$work/recordings" >>"$out/text"
done
