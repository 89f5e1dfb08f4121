#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [OPTION...]: LibriSpeech's test sets (openslr.org/12, CC BY 4.0), `--help` lists the options.
#
# Without --data the two archives are downloaded, 346 and 329 MB.  --data DIR is the unpacked LibriSpeech, with the
# folders test-clean and test-other in it.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/recipe.sh"

recipe=librispeech
title="read English, audio books"
language=en normalize=whisper-en sets="test-clean test-other"

get_data() {
    case $1 in
    test-clean) sum=32fa31d27d2e1cad72775fee3f4849a9 ;;
    test-other) sum=fb5a50374b501bb3bac4815ee91d3135 ;;
    *) return ;;
    esac
    corpus=${data:-$download/$1/LibriSpeech}
    if [ -z "$data" ]; then
        fetch "$1.tar.gz" https://www.openslr.org/resources/12 $sum https://www.openslr.org/12
        unpack "$1.tar.gz" "$1"
    fi
    [ -d "$corpus/$1" ] || die "there is no $corpus/$1: --data is the folder LibriSpeech of the unpacked archives"
    source=$exp/data.new/$1.lists
    mkdir -p "$source"
    # 1089-134686-0000 is in test-clean/1089/134686/, its text in 1089-134686.trans.txt there
    find "$corpus/$1" -name '*.trans.txt' | sort | tr '\n' '\0' | xargs -0 cat >"$source/text"
    awk -v dir="$corpus/$1" '{ split($1, part, "-"); print $1, dir "/" part[1] "/" part[2] "/" $1 ".flac" }' \
        "$source/text" >"$source/wav.scp"
    awk '{ split($1, part, "-"); print $1, part[1] }' "$source/text" >"$source/utt2spk"
}

recipe_main "$@"
