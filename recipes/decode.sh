#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# decode.sh DATA OUT [OPTION...]: the recordings of a Kaldi data directory to OUT/hyp.txt, lines "utt-id words".
#
# DATA/wav.scp has lines "utt-id path", paths relative to DATA or absolute; the files' own names must differ.  OPTIONs go
# to `linnet transcribe`, which LINNET names (default: the one of build/, else the installed one).  One process decodes all.
set -eu
[ $# -ge 2 ] || { echo "usage: decode.sh DATA OUT [OPTION...]" >&2; exit 2; }
data=$1 out=$2
shift 2
built=$(dirname "$0")/../build/linnet
[ -x "$built" ] || built=linnet
mkdir -p "$out"
rm -rf "$out/text"
awk -v data="$data" '
    NF != 2 || /\|/ { print "wav.scp:" NR ": not \"utt-id path\"" >"/dev/stderr"; exit 1 }
    { path = $2 ~ /^\// ? $2 : data "/" $2; stem = path; sub(/.*\//, "", stem); sub(/\.[^.]*$/, "", stem)
      if (seen[stem]++) { print "wav.scp:" NR ": a second file named " stem >"/dev/stderr"; exit 1 }
      print $1 "\t" stem "\t" path }' "$data/wav.scp" >"$out/files.tsv"
status=0
cut -f 3 "$out/files.tsv" | tr '\n' '\0' | xargs -0 "${LINNET:-$built}" transcribe --output "$out/text" "$@" || status=1
while IFS="$(printf '\t')" read -r utt stem _; do
    [ -f "$out/text/$stem.txt" ] || continue
    printf '%s %s\n' "$utt" "$(tr '\n' ' ' <"$out/text/$stem.txt")" | sed 's/  */ /g; s/ $//'
done <"$out/files.tsv" >"$out/hyp.txt"
exit $status
