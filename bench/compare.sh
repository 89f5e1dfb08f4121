#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare.sh [OPTION...]: how long linnet and its peers take, in turn, with the same weights on the same recordings, as
# a Markdown table on stdout.  `compare.sh --help` lists the options; compare.py says how it measures.
#     python3 -m venv peers && peers/bin/pip install faster-whisper openai-whisper transformers
#     PYTHON=peers/bin/python bench/compare.sh --data DIR --lengths jfk,1m,10m --threads 2 --beam 1
# PYTHON names the interpreter that has the peers (python3), LINNET the program (build/linnet, if it is there).  A peer
# that is not installed is left out, and stderr says so.
set -eu
here=$(dirname "$0")
built=$here/../build/linnet
[ -x "$built" ] || built=linnet
LINNET=${LINNET:-$built} exec "${PYTHON:-python3}" -B "$here/compare.py" "$@"
