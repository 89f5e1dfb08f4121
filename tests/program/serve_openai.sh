#!/bin/sh
# The OpenAI API, spoken by its own Python package and by curl, on a tiny model.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
. "${top_srcdir:-.}/tests/support/serve_openai.inc"
need_python openai
command -v curl >/dev/null || { echo "no curl: skipped"; exit 77; }

same_over_http "$dir/long.wav" $quick
exit $bad
