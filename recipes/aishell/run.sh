#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [OPTION...]: AISHELL-1's test set (openslr.org/33, Apache 2.0), `--help` lists the options.
#
# Without --data the corpus is downloaded, 15 GB.  --data DIR is the unpacked data_aishell, with the folders wav and
# transcript in it.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/recipe.sh"

recipe=aishell
title="read Mandarin"
language=zh normalize=whisper-basic measure=cer sets=test

# The archive has another one for each speaker.
unpack_speakers() {
    [ ! -d "$1/wav/test" ] || return 0
    rm -rf "$1/wav/new"
    mkdir -p "$1/wav/new"
    for archive in "$1"/wav/*.tar.gz; do
        tar -xzf "$archive" -C "$1/wav/new" --wildcards '*test/*' 2>/dev/null # most have no test speakers
    done
    [ ! -d "$1/wav/new/test" ] || mv "$1/wav/new/test" "$1/wav/test"
}

get_data() {
    [ "$1" = test ] || return 0
    corpus=${data:-$download/aishell/data_aishell}
    if [ -z "$data" ]; then
        fetch data_aishell.tgz https://www.openslr.org/resources/33 2f494334227864a8a8fec932999db9d8 \
            https://www.openslr.org/33
        unpack data_aishell.tgz aishell
    fi
    unpack_speakers "$corpus"
    transcript=$corpus/transcript/aishell_transcript_v0.8.txt
    [ -d "$corpus/wav/test" ] && [ -f "$transcript" ] ||
        die "there is no $corpus/wav/test or no $transcript: --data is the folder data_aishell of the unpacked archive"
    source=$exp/data.new/$1.lists
    mkdir -p "$source"
    # wav/test/S0764/BAC009S0764W0121.wav
    find "$corpus/wav/test" -name '*.wav' | sort |
        awk -F / '{ id = $NF; sub(/\.wav$/, "", id); print id, $0 }' >"$source/wav.scp"
    awk -F / '{ id = $NF; sub(/\.wav$/, "", id); print id, $(NF - 1) }' "$source/wav.scp" >"$source/utt2spk"
    awk 'NR == FNR { wanted[$1]; next } $1 in wanted' "$source/wav.scp" "$transcript" >"$source/text"
}

recipe_main "$@"
