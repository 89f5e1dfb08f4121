#!/bin/sh
# The page of linnet serve in a headless browser, whose microphone hears a recording: words while it plays, a file and
# its subtitles, the keyboard, contrast. Screenshots are kept in serve_page.shots/ of the build folder.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
model=$cache/whisper-base
[ -d "$model" ] || { echo "no Whisper model"; exit 77; }
chromium=$(command -v chromium) || { echo "no chromium"; exit 77; }
need_python websockets
top=$(CDPATH='' cd -- "${top_srcdir:-.}" && pwd) || exit 99 # Chromium opens no sound whose path has a ".."
sound=$top/tests/data/jfk.wav
shots=$PWD/tests/program/serve_page.shots
rm -rf "$shots" && mkdir -p "$shots" || exit 99

run 0 "$linnet" live -m "$model" -l en -q -i "$sound" --speed 0
sed -n 's/^{"type": "final", "text": "\([^"]*\)".*/\1/p' "$dir/out" >"$dir/spoken"
run 0 "$linnet" transcribe -m "$model" -l en -q -f srt "$sound"
cp "$dir/out" "$dir/written.srt"

# use WHAT ARGUMENT...: page.py with them, in the browser.
use() {
    what=$1
    shift
    run 0 "$python" "$top/tests/support/page.py" "$what" "$chromium" "$url/" "$sound" "$shots" "$@"
}

start_server -m "$model" --streams 1
use use $server "$dir/spoken" "$dir/written.srt"
stop_server
echo 'a token.of/one+two=' | tr -d ' ' >"$dir/tokens"
chmod 600 "$dir/tokens"
start_server -m "$model" --token-file "$dir/tokens"
use token "$(cat "$dir/tokens")"
stop_server
exit $bad
