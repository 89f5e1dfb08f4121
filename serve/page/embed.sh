#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FILE... - writes the files as arrays of C to standard output, each with a sum of its bytes: for the file
# app.js, page_app_js [] and PAGE_APP_JS_SUM.
LC_ALL=C export LC_ALL
set -e
echo "/* Made by serve/page/embed.sh. */"
for file in "$@"; do
    name=$(basename "$file" | tr . _)
    sum=$(cksum <"$file" | tr ' ' -)
    printf '#define PAGE_%s_SUM "%s"\n' "$(echo "$name" | tr '[:lower:]' '[:upper:]')" "$sum"
    printf 'static const unsigned char page_%s[] = {\n' "$name"
    od -An -v -tu1 "$file" | sed 's/\([0-9]\)\( \|$\)/\1,/g'
    echo '};'
done
