#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# structure.sh - what keeps the building in order: how large folders, files and functions may be, and which names may
# stand where. Includes between folders have a check of their own, layers.sh.
cd "${top_srcdir:-.}" || exit 99

# What is known to break a rule, and is being mended: "rule what" a line. It is printed and breaks nothing.
to_do='
share decoders
lines decoders/segmental/search.c
length step
parameters align
parameters attention_cache_append
parameters attention_search_run
parameters conformer_forward
parameters ctc_align
parameters ctc_align_runs
parameters feed
parameters find_part
parameters joined_load
parameters linear_forward
parameters linear_load_joined
parameters load
parameters openblas
parameters plan_add_part
parameters reference
parameters rescoring_run
parameters run_side
parameters verify
parameters whisper_segments_time
parameters whisper_times_align
family bin/forward.c
family bin/forward.h
family bin/forward_whisper.c
family bin/info.c
family decoders/decoder.h
family decoders/hybrid_model.c
family decoders/model.c
family decoders/model.h
family include/linnet.h
hybrid bench/bench_rescoring.c
hybrid bench/bench_segmental.c
hybrid bin/align.c
hybrid bin/forward.c
hybrid bin/forward.h
hybrid bin/forward_hybrid.c
hybrid bin/info.c
hybrid bin/verify_streaming.c
hybrid decoders/segmental/boundary.h
hybrid decoders/decoder.c
hybrid decoders/decoder.h
hybrid decoders/hybrid.c
hybrid decoders/hybrid_encoder.c
hybrid decoders/hybrid_encoder.h
hybrid decoders/hybrid_forward.c
hybrid decoders/hybrid_forward.h
hybrid decoders/hybrid_model.c
hybrid decoders/hybrid_model.h
hybrid decoders/hybrid_result.c
hybrid decoders/hybrid_result.h
hybrid decoders/hybrid_search.c
hybrid decoders/hybrid_search.h
hybrid models/model.c
hybrid models/model.h
hybrid decoders/segmental_recipe.c
hybrid decoders/segmental_recipe.h
hybrid frontend/gate.c
hybrid frontend/gate.h
hybrid include/linnet.h
hybrid tests/unit/test_settings.c
hybrid tests/unit/test_utterance.c
hybrid tests/unit/test_wenet_parity.c
columns bin/live.c
columns bin/live_source.h
columns decoders/alignatt.c
columns decoders/alignatt_head.c
columns decoders/alignatt_text.h
columns decoders/hybrid_forward.c
columns decoders/whisper_search.c
columns encoder/whisper_encoder.c
columns encoder/whisper_encoder.h
columns frontend/fbank.h
columns nn/attention.c
columns nn/attention.h
columns nn/kernels.h
columns nn/kernels_body.h
columns vocab/vocab.h
columns vocab/whisper_vocab.c
'

export to_do
LC_ALL=C export LC_ALL
. tests/support/sources.inc
exec awk '
BEGIN {
    MAX_SHARE = 30 # percent of all lines
    MAX_LINES = 500
    MAX_COLUMNS = 120
    MAX_LENGTH = 60
    MAX_PARAMETERS = 7
    # Other programs and models, named where help and comments say what is theirs; families of models are not.
    PRODUCTS = "openai-whisper|faster-whisper|whisper\\.cpp|whisper-(base|basic|en)|wenet/[a-z_/]*\\.py"
    # Where families may be named: what knows one of them, the table of decoders, a help text with an example, and a
    # choice of decoder.times.
    FAMILIES = "^(models|convert|vocab|encoder|tests|bench)/|^decoders/(whisper|alignatt|simul_whisper)|" \
               "^decoders/decoder\\.c$|^bin/settings\\.c$|^decoders/ctc/prefix\\.[ch]$"
    n_to_do = split(ENVIRON["to_do"], line, "\n")
    for (i = 1; i <= n_to_do; i++)
        if (line[i] != "")
            known[line[i]] = 1
}

function broken(rule, what, where, text) {
    if ((rule " " what) in known) {
        if (known[rule " " what]++ == 1)
            printf "to do: %s: %s\n", where, text
        return
    }
    printf "%s: %s\n", where, text
    n_broken++
}

# ---- functions

# Commas between the outermost parentheses, and one.
function parameters(head,   i, c, depth, n) {
    n = 1
    for (i = index(head, "("); i > 0 && i <= length(head); i++) {
        c = substr(head, i, 1)
        depth += (c == "(") - (c == ")")
        if (depth == 0)
            break
        n += c == "," && depth == 1
    }
    return n
}

function end_of_function(   name, n) {
    name = head
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    if (FILENAME ~ /^nn\/kernels/)
        return
    n = FNR - begin + 1
    if (n > MAX_LENGTH)
        broken("length", name, FILENAME ":" begin, name " has " n " lines, more than " MAX_LENGTH)
    n = parameters(head)
    if (n > MAX_PARAMETERS)
        broken("parameters", name, FILENAME ":" begin, name " has " n " parameters, more than " MAX_PARAMETERS)
}

FNR == 1 {
    head = ""
    inside = 0
    file[++n_files] = FILENAME
}
{
    n_lines[FILENAME] = FNR
    if (length($0) > MAX_COLUMNS) {
        text = $0
        gsub(/[\200-\277]/, "", text) # of a character of several bytes the first counts
        if (length(text) > MAX_COLUMNS)
            broken("columns", FILENAME, FILENAME ":" FNR, length(text) " columns, more than " MAX_COLUMNS)
    }
}
inside {
    if (/^[}]/) {
        end_of_function()
        inside = 0
        head = ""
    }
}
!inside && /^[{]/ && head ~ /\(/ { inside = 1 }
!inside && (/^[A-Za-z_]/ || head != "") { # a declaration goes on until ; { } or an empty line
    if (head == "")
        begin = FNR
    text = $0
    gsub(/\/\*[^*]*\*\//, "", text)
    head = head " " text
    if (head ~ /^ [^={;]*[)].*[{].*[}]$/)
        end_of_function()
    if (text ~ /^ *$|[;{}] *$|^#/)
        head = ""
}

# ---- names

/whisper|wenet/ && FILENAME !~ FAMILIES {
    text = $0
    gsub(PRODUCTS, "", text)
    if (match(text, /[A-Za-z0-9_.\/]*(whisper|wenet)[A-Za-z0-9_.\/]*/))
        broken("family", FILENAME, FILENAME ":" FNR, "names a model family (" substr(text, RSTART, RLENGTH) ")")
}
/[Hh]ybrid([^a-z]|$)/ { broken("hybrid", FILENAME, FILENAME ":" FNR, "says \"hybrid\"") }
FNR == 1 && FILENAME ~ /hybrid/ { broken("hybrid", FILENAME, FILENAME, "is called \"hybrid\"") }

# ---- includes

/^#include "/ {
    name = $2
    gsub(/"/, "", name)
    includes[FILENAME, ++n_includes[FILENAME]] = name
}

function visit(name, way,   i) {
    if (name in state) {
        if (state[name] == "open")
            broken("circle", name, name, "includes itself:" substr(way, index(way, " " name)) " " name)
        return
    }
    state[name] = "open"
    for (i = 1; i <= n_includes[name]; i++)
        visit(includes[name, i], way " " name)
    state[name] = "done"
}

# ---- sizes

function check_shares(   i, dir, n, n_folders, folder, lines, total) {
    for (i = 1; i <= n_files; i++) {
        dir = file[i]
        sub(/\/.*/, "", dir)
        if (file[i] ~ /_data\.h$/ || dir ~ /^(bench|doc|tests)$/)
            continue
        if (!(dir in lines))
            folder[++n_folders] = dir
        lines[dir] += n_lines[file[i]]
        total += n_lines[file[i]]
    }
    for (i = 1; i <= n_folders; i++) {
        dir = folder[i]
        n = lines[dir] * 100 / total
        printf "%-9s %6d lines, %4.1f %%\n", dir, lines[dir], n
        if (n > MAX_SHARE)
            broken("share", dir, dir "/", sprintf("%.1f %% of all lines, more than %d", n, MAX_SHARE))
    }
}

function check_lines(   i) {
    for (i = 1; i <= n_files; i++)
        if (n_lines[file[i]] > MAX_LINES && file[i] !~ /_data\.h$|^nn\/kernels_body\.h$/)
            broken("lines", file[i], file[i], n_lines[file[i]] " lines, more than " MAX_LINES)
}

END {
    check_shares()
    check_lines()
    for (i = 1; i <= n_files; i++)
        visit(file[i], "")
    for (what in known)
        if (known[what] == 1)
            print "done, no longer to do: " what
    if (n_broken > 0)
        print n_broken " broken"
    exit n_broken > 0
}
' "$@"
