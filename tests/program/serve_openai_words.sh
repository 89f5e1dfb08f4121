#!/bin/sh
# The OpenAI API on Whisper base: words, times and subtitles are those of linnet transcribe.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
. "${top_srcdir:-.}/tests/support/serve_openai.inc"
need_python openai
command -v curl >/dev/null || { echo "no curl: skipped"; exit 77; }
[ -d "$cache/whisper-base" ] || { echo "no whisper-base: skipped"; exit 77; }

same_over_http "${top_srcdir:-.}/tests/data/jfk.wav" -m "$cache/whisper-base"
grep -qi 'ask not what your country can do for you' "$dir/wanted/txt" || failed "other words"
exit $bad
