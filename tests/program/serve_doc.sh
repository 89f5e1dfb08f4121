#!/bin/sh
# The examples of doc/serve.md, each as it stands there, but for the address of the server.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
[ -d "$cache/whisper-base" ] || { echo "no Whisper model: skipped"; exit 77; }
need_python openai websockets
for tool in curl node; do
    command -v $tool >/dev/null || { echo "no $tool: skipped"; exit 77; }
done
case ${top_srcdir:-.} in /*) top=$top_srcdir ;; *) top=$PWD/${top_srcdir:-.} ;; esac
words='ask.* not what you.* country can do for you'

start_server -m "$cache/whisper-base" -t 2
mkdir "$dir/examples" && cd "$dir/examples" || exit 99
cp "$top/tests/data/jfk.wav" talk.wav

# Each block of code with a language becomes NUMBER.LANGUAGE.
awk -v url="$url" '
/^```[a-z]/ { file = sprintf("%02d.%s", ++n, substr($0, 4)); next }
/^```/ { file = ""; next }
file != "" {
    gsub("http://127.0.0.1:8080", url)
    gsub("ws://127.0.0.1:8080", "ws" substr(url, 5))
    print >file
}' "$top/doc/serve.md"

# Debian 12's Node.js has no websockets of its own, as browsers have; its package node-ws has.
cat >node.mjs <<'END'
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
globalThis.WebSocket ??= createRequire(import.meta.url)("/usr/share/nodejs/ws");
await import(pathToFileURL(process.argv[2]));
END

for file in [0-9]*; do
    case $file in
    *.sh) run 0 sh "$file" ;;
    *.python) run 0 "$python" "$file" ;;
    *.javascript)
        cp "$file" "$file.mjs"
        run 0 node node.mjs "$file.mjs"
        ;;
    *) failed "who runs $file?" ;;
    esac
    case $(cat "$file") in
    */health*) has out '"status":"ok"' ;;
    */metrics*) has out '^linnet_streams 0$' ;;
    *) # also where they are in subtitles
        tr -d '0-9' <"$dir/out" | grep -v -e '-->' | tr '\n' ' ' | tr -d ',."' | tr -s ' ' | grep -qi "$words" || failed "$file: other words"
        ;;
    esac
done
ls [0-9][0-9].* | grep -v mjs | tr "\n" " "
for language in sh python javascript; do
    ls [0-9]*.$language >/dev/null || failed "no example in $language"
done
cd /
stop_server
exit $bad
