#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh --data DATA [OPTION...]: data of one's own, `--help` lists the options.  DATA is
#
#     a folder of recordings with a .txt beside each; folders in it are taken for speakers
#     a CSV or TSV file with a header: path, text, and perhaps id, speaker, start, end (or as Common Voice calls them)
#     JSON lines with the same names, also as NeMo and WeNet (data.list) have them
#     a list of files, with a .txt beside each
#     a Kaldi directory: wav.scp, text, and perhaps segments and utt2spk
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/recipe.sh"

recipe=custom
title="data of one's own"
normalize=lower

recipe_main "$@"
