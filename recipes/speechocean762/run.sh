#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh DATA [OUT [OPTION...]]: decodes the Kaldi data directory DATA with recipe.yaml, and scores the result.
# OPTIONs go to `linnet decode`, such as --set decoder.beam=5.  LINNET names the program: build/linnet, if it is there.
set -eu
[ $# -ge 1 ] || { echo "usage: run.sh DATA [OUT [OPTION...]]" >&2; exit 2; }
here=$(dirname "$0") data=$1 out=${2:-exp/speechocean762}
shift $(($# > 1 ? 2 : 1))
built=$here/../../build/linnet
[ -x "$built" ] || built=linnet
linnet=${LINNET:-$built}
"$linnet" decode --data "$data" --out "$out" --recipe "$here/recipe.yaml" "$@"
"$linnet" score --normalize whisper-en "$data/text" "$out/hyp.txt" | tee "$out/score.txt"
