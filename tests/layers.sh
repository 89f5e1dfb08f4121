#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layers.sh - which folder may include which: a row each. A folder stands for all that is below it too, "." for the
# file's own folder alone, "*" for every one. Anybody may include linnet.h.
#
# The stages go one way: base <- nn <- frontend <- encoder <- vocab <- decoders <- models <- bin; convert and score are
# wings that only bin opens, serve is one that shares bin's decoding and output.
cd "${top_srcdir:-.}" || exit 99
rows='
include
base                    base
nn                      base nn
frontend                base nn frontend
encoder                 base nn encoder
vocab                   base vocab
decoders                base nn frontend encoder vocab decoders
decoders/*              base nn frontend encoder vocab decoders/common .
decoders/common         base nn frontend encoder vocab .
decoders/utterance      base nn frontend encoder vocab decoders/common decoders/ctc .
decoders/whisper_common base nn frontend encoder vocab decoders/common .
decoders/whisper        base nn frontend encoder vocab decoders/common decoders/whisper_common .
decoders/alignatt       base nn frontend encoder vocab decoders/common decoders/whisper_common .
models                  base nn frontend encoder vocab decoders models
convert                 base nn vocab models convert
score                   base score
serve                   base vocab bin decoders models serve
bin                     *
bench                   *
tests                   *
doc
'
export rows
. tests/support/sources.inc
exec awk '
BEGIN {
    n = split(ENVIRON["rows"], line, "\n")
    for (i = 1; i <= n; i++)
        if (split(line[i], word, " ") > 0) {
            key = word[1]
            sub(/^[^ ]+ */, "", line[i])
            row[key] = line[i]
        }
}

function folder_of(path) {
    sub(/\/[^\/]*$/, "", path)
    return path
}

# The row of a folder: its own, that of the folders beside it, or that of the folder it is in.
function row_of(dir,   top) {
    top = dir
    sub(/\/.*/, "", top)
    return dir in row ? dir : dir != top && (top "/*") in row ? top "/*" : top
}

function is_allowed(dir, other,   word, n, i) {
    n = split(row[row_of(dir)], word, " ")
    for (i = 1; i <= n; i++)
        if (word[i] == "*" || word[i] == "." && other == dir || index(other "/", word[i] "/") == 1)
            return 1
    return 0
}

FNR == 1 && !(row_of(folder_of(FILENAME)) in row) {
    print FILENAME ": this folder has no row in tests/layers.sh"
    n_bad++
}
/^#include "[^"]*\// {
    dir = folder_of(FILENAME)
    other = $2
    gsub(/"/, "", other)
    other = folder_of(other)
    if (row_of(dir) in row && !is_allowed(dir, other)) {
        print FILENAME ":" FNR ": " $2 ": " row_of(dir) " may include: " row[row_of(dir)]
        n_bad++
    }
}
END { exit n_bad > 0 }
' "$@"
