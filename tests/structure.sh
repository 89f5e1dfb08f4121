#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# structure.sh - what keeps the building in order: how large folders, files and functions may be, which names may
# stand where, and that make knows each header. Includes between folders have a check of their own, layers.sh.
cd "${top_srcdir:-.}" || exit 99

LC_ALL=C export LC_ALL
. tests/support/sources.inc
listed=" $(cat Makefile.am ./*/Makefile.inc | tr '\n\t' '  ') " export listed
exec awk '
BEGIN {
    MAX_SHARE = 30 # percent of all lines
    MAX_LINES = 500
    MAX_COLUMNS = 120
    MAX_LENGTH = 60
    MAX_PARAMETERS = 7
    # Other programs and models, named where help and comments say what is theirs; families of models are not.
    PRODUCTS = "openai-whisper|faster-whisper|whisper\\.cpp|whisper-(base|basic|en)|wenet/[a-z_/]*\\.py"
    # Where families may be named: what knows one of them, the table of decoders, a help text with an example, options
    # and protocols of other programs, and a choice of decoder.times.
    FAMILIES = "^(models|convert|vocab|encoder|serve|tests|bench)/|^decoders/(whisper|alignatt|simul_whisper)|" \
               "^decoders/decoder\\.c$|^bin/(settings|habits)\\.c$|^decoders/ctc/prefix\\.[ch]$"
}

function broken(where, text) {
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
    if (FILENAME ~ /^nn\/(kernels|matmul)/)
        return # the products of matrices, whose arguments lie in registers
    n = FNR - begin + 1
    if (n > MAX_LENGTH)
        broken(FILENAME ":" begin, name " has " n " lines, more than " MAX_LENGTH)
    n = parameters(head)
    if (n > MAX_PARAMETERS)
        broken(FILENAME ":" begin, name " has " n " parameters, more than " MAX_PARAMETERS)
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
            broken(FILENAME ":" FNR, length(text) " columns, more than " MAX_COLUMNS)
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
        broken(FILENAME ":" FNR, "names a model family (" substr(text, RSTART, RLENGTH) ")")
}
/[Hh]ybrid([^a-z]|$)/ { broken(FILENAME ":" FNR, "says \"hybrid\"") }
FNR == 1 && FILENAME ~ /hybrid/ { broken(FILENAME, "is called \"hybrid\"") }

# ---- includes

/^#include "/ {
    name = $2
    gsub(/"/, "", name)
    includes[FILENAME, ++n_includes[FILENAME]] = name
}

function visit(name, way,   i) {
    if (name in state) {
        if (state[name] == "open")
            broken(name, "includes itself:" substr(way, index(way, " " name)) " " name)
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
            broken(dir "/", sprintf("%.1f %% of all lines, more than %d", n, MAX_SHARE))
    }
}

# A header that no Makefile lists is found where it lies and missing from a release.
function check_listed(   i) {
    for (i = 1; i <= n_files; i++)
        if (file[i] ~ /\.h$/ && index(ENVIRON["listed"], " " file[i] " ") == 0)
            broken(file[i], "in no Makefile.inc")
}

function check_lines(   i) {
    for (i = 1; i <= n_files; i++)
        if (n_lines[file[i]] > MAX_LINES && file[i] !~ /_data\.h$|^nn\/kernels_body\.h$/)
            broken(file[i], n_lines[file[i]] " lines, more than " MAX_LINES)
}

END {
    check_shares()
    check_lines()
    check_listed()
    for (i = 1; i <= n_files; i++)
        visit(file[i], "")
    if (n_broken > 0)
        print n_broken " broken"
    exit n_broken > 0
}
' "$@"
