#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh DATA [OUT [OPTION...]]: decodes the Kaldi data directory DATA (wav.scp, text) as recipe.yaml says, and scores it.
# OPTIONs go to `linnet transcribe`: --set decoder.beam=5
set -eu
[ $# -ge 1 ] || { echo "usage: run.sh DATA [OUT [OPTION...]]" >&2; exit 2; }
here=$(dirname "$0") data=$1 out=${2:-exp/speechocean762}
shift $(($# > 1 ? 2 : 1))
built=$here/../../build/linnet
[ -x "$built" ] || built=linnet
"$here/../decode.sh" "$data" "$out" --recipe "$here/recipe.yaml" "$@"
"${LINNET:-$built}" score --normalize whisper-en "$data/text" "$out/hyp.txt" | tee "$out/score.txt"
