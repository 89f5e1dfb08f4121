#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [OPTION...]: speechocean762 (openslr.org/101, free for any use), `--help` lists the options.
#
# Without --data the corpus is downloaded, 520 MB, and 300 utterances of its test half are taken.  --data DIR takes 300
# of a Kaldi directory; --limit N takes more.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/recipe.sh"

recipe=speechocean762
title="short read English, speakers with a Mandarin accent"
language=en normalize=whisper-en sets=test limit=300

get_data() {
    source=$data
    if [ -z "$data" ]; then
        fetch speechocean762.tar.gz https://www.openslr.org/resources/101 "" https://www.openslr.org/101
        unpack speechocean762.tar.gz speechocean762
        source=$(find "$download/speechocean762" -type d -name "$1" | head -n 1)
    elif [ "$1" = train ]; then
        source=
    fi
}

recipe_main "$@"
