#!/bin/sh
# linnet fetch, from a server that answers as the Hugging Face hub does: what arrives, what is kept and gone on with when
# it is cut off, what is refused and with which words.
. "${top_srcdir:-.}/tests/support/shell.inc"
command -v python3 >/dev/null || { echo "no python3: skipped"; exit 77; }
hub=$dir/hub
mkdir -p "$hub/openai/whisper-small"
unset HF_TOKEN HF_HOME HF_HUB_CACHE http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
export no_proxy='*' LINNET_MODELS="$dir/cache"

repository() {
    mkdir -p "$hub/$1"
    cp "$dir/model/config.json" "$dir/model/vocab.json" "$dir/model/model.safetensors" "$hub/$1"
}
repository openai/whisper-small
small=$hub/openai/whisper-small
echo '{}' >"$small/generation_config.json"
echo 'not needed' >"$small/README.md"
cp "$small/vocab.json" "$small/pytorch_model.bin"

python3 "${top_srcdir:-.}/tests/support/hub_server.py" "$hub" 2>"$dir/server" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$dir"' EXIT
for i in $(seq 100); do [ -f "$hub/address" ] && break; sleep 0.1; done
HF_ENDPOINT=$(cat "$hub/address")/ || exit 99
export HF_ENDPOINT

# logged PATTERN, not_logged PATTERN: a request that the servers had since the last `forget`.
forget() { : >"$hub/log"; }
logged() { grep -q -e "$1" "$hub/log" || failed "no request '$1': $(cat "$hub/log")"; }
not_logged() { grep -e "$1" "$hub/log" && failed "a request '$1'"; }

# nothing_but NAME...: what the model cache holds.
nothing_but() {
    [ "$(ls -A "$LINNET_MODELS" 2>/dev/null | tr '\n' ' ')" = "${*:+$* }" ] ||
        failed "the cache holds $(ls -A "$LINNET_MODELS"), wanted $*"
}

run 1 "$linnet" fetch nobody/nothing
if grep -q 'built without libcurl' "$dir/err"; then
    has err 'https://huggingface.co/nobody/nothing'
    [ $bad -eq 0 ] && exit 77
    exit 1
fi

# The files that a model needs and no others, and the model is used by its name.
forget
run 0 "$linnet" fetch small
silent out
has err "fetching openai/whisper-small, [1-9]"
has err "whisper-small is in $LINNET_MODELS/whisper-small"
nothing_but whisper-small
[ "$(ls "$LINNET_MODELS/whisper-small" | tr '\n' ' ')" = 'config.json generation_config.json model.safetensors vocab.json ' ] ||
    failed "other files: $(ls "$LINNET_MODELS/whisper-small")"
for file in config.json vocab.json model.safetensors; do
    cmp -s "$small/$file" "$LINNET_MODELS/whisper-small/$file" || failed "$file differs"
done
run 0 "$linnet" transcribe $quick "$dir/a.wav"
cp "$dir/out" "$dir/wanted"
run 0 "$linnet" transcribe $quick -m small "$dir/a.wav"
cmp -s "$dir/out" "$dir/wanted" || failed "the fetched model says something else"
logged '^cdn /openai/whisper-small/model.safetensors'
not_logged README
not_logged pytorch_model
forget
run 0 "$linnet" fetch whisper-small
has err 'already there'
not_logged .
run 0 "$linnet" fetch --quiet openai/whisper-small
silent err

# fresh: the model cache is empty, and nothing was asked for yet.
fresh() { rm -rf "$LINNET_MODELS"; forget; }

# The token goes to the hub and to nobody else.
fresh
repository private/thing
HF_TOKEN=good run 0 "$linnet" fetch private/thing
nothing_but private--thing
logged '^hub /api/models/private/thing/.* Bearer good$'
logged '^hub /private/thing/resolve/.* Bearer good$'
logged '^cdn .* -$'
not_logged '^cdn .*good'
run 0 "$linnet" info private/thing

# A connection that breaks is taken up again; so is what a killed run left; a server may send all of it again.
fresh
echo 100000 >"$hub/cut"
run 0 "$linnet" fetch small
logged '^cdn .* bytes=100000- '
nothing_but whisper-small

# stalled SIGNAL [IGNORED]: a fetch gets 100000 bytes of a file and then the signal; another one is ignored, as by nohup.
stalled() {
    fresh
    echo 100000 >"$hub/stall"
    (trap '' ${2:-URG}; exec "$linnet" fetch small >"$dir/out" 2>"$dir/err") &
    fetch=$!
    for i in $(seq 100); do
        [ "$(cat "$LINNET_MODELS"/.whisper-small.fetch/*.part 2>/dev/null | wc -c)" -ge 100000 ] && break
        sleep 0.1
    done
    kill "-$1" $fetch
    [ $# -eq 1 ] || rm "$hub/stall"
    wait $fetch 2>/dev/null
    got=$?
    rm -f "$hub/stall"
}
stalled HUP HUP
[ $got -eq 0 ] || failed "under nohup a fetch ended with $got"
nothing_but whisper-small
stalled KILL
nothing_but .whisper-small.fetch
run 0 "$linnet" fetch small
logged '^cdn .* bytes=100000- '
cmp -s "$small/model.safetensors" "$LINNET_MODELS/whisper-small/model.safetensors" || failed "joined parts differ"
nothing_but whisper-small
stalled INT
[ $got -eq 1 ] || failed "an interrupted fetch ended with $got"
nothing_but .whisper-small.fetch
has err 'openai/whisper-small/.*: interrupted; what has arrived is kept'
: >"$hub/norange"
run 0 "$linnet" fetch small
rm "$hub/norange"
logged '^cdn .* bytes=100000- '
cmp -s "$small/model.safetensors" "$LINNET_MODELS/whisper-small/model.safetensors" || failed "sent again, differs"

# The hub has another file since: the part of the old one is of no use.
stalled TERM
cp "$dir/model/vocab.json" "$dir/vocab.json"
mv "$small/model.safetensors" "$dir/old"
{ cat "$dir/old"; echo; } >"$small/model.safetensors"
run 0 "$linnet" fetch small
cmp -s "$small/model.safetensors" "$LINNET_MODELS/whisper-small/model.safetensors" || failed "not the newer file"
[ "$(ls "$LINNET_MODELS/whisper-small" | wc -l)" -eq 4 ] || failed "a part is left"
mv "$dir/old" "$small/model.safetensors"

# Two at once: one waits for the other and finds the model.
fresh
echo 100000 >"$hub/stall"
"$linnet" fetch small 2>"$dir/first" &
first=$!
for i in $(seq 100); do [ -d "$LINNET_MODELS/.whisper-small.fetch" ] && break; sleep 0.1; done
"$linnet" fetch small 2>"$dir/err" &
second=$!
for i in $(seq 100); do grep -q waiting "$dir/err" && break; sleep 0.1; done
rm "$hub/stall"
wait $first || failed "the first of two: $(cat "$dir/first")"
wait $second || failed "the second of two"
has err 'waiting for another fetch of whisper-small'
has err 'whisper-small is in'
[ "$(grep -c '^cdn /openai/whisper-small/model.safetensors[^ ]* - ' "$hub/log")" -eq 1 ] || failed "fetched twice"
nothing_but whisper-small

# Damaged, longer than announced, too large for the disk.
fresh
: >"$hub/swap"
run 1 "$linnet" fetch small
has err 'openai/whisper-small/.*: arrived damaged: .*run it again'
rm "$hub/swap"
: >"$hub/more"
run 1 "$linnet" fetch small
has err 'sends more than it announced'
rm "$hub/more"
nothing_but .whisper-small.fetch
(ulimit -f 1000 && trap '' XFSZ && run 1 "$linnet" fetch small; exit $bad) || bad=1
has err 'openai/whisper-small/.*: cannot be written: .*make room'
nothing_but .whisper-small.fetch
run 0 "$linnet" fetch small
nothing_but whisper-small

# Memory that runs out leaves nothing that is in the way.
fresh
n=1
while LINNET_FAIL_ALLOC=$n "$linnet" fetch small >"$dir/out" 2>"$dir/err"; [ $? -ne 0 ]; do
    has err 'memory'
    [ -d "$LINNET_MODELS/whisper-small" ] && failed "whole without memory"
    n=$((n + 1))
    [ $n -lt 100 ] || { failed "never succeeds"; break; }
done
[ $n -gt 3 ] || failed "$n allocations"
nothing_but whisper-small

# Weights in several files; those in another precision are not fetched.
fresh
repository other/large
for name in model-00001-of-00002 model-00002-of-00002 model.fp32-00001-of-00002; do
    echo $name >"$hub/other/large/$name.safetensors"
done
mv "$hub/other/large/model.safetensors" "$hub/other/large/model.safetensors.index.json"
run 0 "$linnet" fetch other/large
[ "$(ls "$LINNET_MODELS/other--large" | grep -c '^model-0000[12]-of-00002.safetensors$')" -eq 2 ] || failed "no shards"
[ "$(ls "$LINNET_MODELS/other--large" | wc -l)" -eq 5 ] || failed "files: $(ls "$LINNET_MODELS/other--large")"

# An API without sums in the first answer; one that names files elsewhere.
fresh
for owner in bare evil; do
    repository $owner/model
    run 0 "$linnet" fetch $owner/model
    [ "$(ls -A "$LINNET_MODELS/$owner--model" | wc -l)" -eq 3 ] || failed "$owner: $(ls -A "$LINNET_MODELS/$owner--model")"
done
logged '^hub /api/models/bare/model/tree/'
nothing_but bare--model evil--model

# refused PATTERN NAME: a fetch fails with these words and leaves nothing.
refused() {
    fresh
    run 1 "$linnet" fetch "$2"
    silent out
    has err "$1"
    [ "$(wc -l <"$dir/err")" -eq 1 ] || failed "more than one line of message"
    nothing_but
}
repository gated/thing
refused '^linnet: nobody/nothing: http://[^ ]* answers 401: there is no such repository, .*set HF_TOKEN .*(Repository not found)' nobody/nothing
refused 'private/thing: .* answers 401: ' private/thing
refused 'gated/thing: .* answers 403: .*HF_TOKEN' gated/thing
refused 'busy/thing: .* answers 503: .*later' busy/thing
refused "smal: no model of that name; did you mean 'small'?" smal
refused "../x: no model of that name; 'linnet models' lists" ../x
HF_TOKEN=good refused 'answers 404: .*check the name' nobody/nothing
HF_TOKEN=good refused 'answers 403: .*ask for' gated/thing
HF_TOKEN=bad refused 'answers 401: .*token in HF_TOKEN is not valid' private/thing
HF_TOKEN='a b' refused 'HF_TOKEN: blanks' small
HF_ENDPOINT=http://127.0.0.1:1 refused 'openai/whisper-small: http://127.0.0.1:1 cannot be reached: .*is there a network' small
HF_ENDPOINT=file:///tmp refused 'HF_ENDPOINT=file:///tmp: not the http' small
HF_ENDPOINT="$HF_ENDPOINT/openai" refused '.' small
LINNET_MODELS="$dir/a.wav/models" run 1 "$linnet" fetch small
has err "$dir/a.wav/models: Not a directory"
(unset LINNET_MODELS XDG_CACHE_HOME HOME && run 1 "$linnet" fetch small; exit $bad) || bad=1
has err 'no model cache: HOME is not set; LINNET_MODELS names'

# What is no model, or none of a kind that is known, is refused before it is fetched.
repository other/bert
echo '{"model_type": "bert"}' >"$hub/other/bert/config.json"
fresh
run 1 "$linnet" fetch other/bert
has err "other/bert: .*model_type 'bert' is not one that is known"
nothing_but
not_logged '^cdn'
repository other/mute
rm "$hub/other/mute/vocab.json"
refused 'other/mute: has neither tokenizer.json nor vocab.json' other/mute
repository other/torch
mv "$hub/other/torch/model.safetensors" "$hub/other/torch/pytorch_model.bin"
refused "other/torch: has no model.safetensors; .*'linnet convert'" other/torch
rm "$hub/other/torch/config.json"
refused 'other/torch: has no config.json' other/torch
exit $bad
