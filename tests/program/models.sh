#!/bin/sh
# From a model's name to the model: in which places it is looked for, in which order, what is said when it is nowhere, and
# what linnet models lists.
LINNET=${LINNET:-$PWD/linnet}
. "${top_srcdir:-.}/tests/support/shell.inc"
support=$(cd "${top_srcdir:-.}/tests/support" && pwd)
unset LINNET_MODELS XDG_CACHE_HOME HF_HOME HF_HUB_CACHE
export HOME="$dir/home"
cache=$HOME/.cache/linnet/models
hub=$HOME/.cache/huggingface/hub
mkdir -p "$cache" "$hub" "$dir/here"
cd "$dir/here" || exit 99

# found NAME DIRECTORY: a model of that name is this one; at PLACE...: puts the model there.
found() {
    run 0 "$linnet" info "$1"
    grep -q -x -e "directory  *$2" "$dir/out" || failed "$1 is $(grep '^directory' "$dir/out"), wanted $2"
}
at() {
    for place in "$@"; do
        mkdir -p "$(dirname "$place")" && ln -s "$dir/model" "$place"
    done
}
missing() {
    run 1 "$linnet" transcribe -m "$1" "$dir/a.wav"
    silent out
    has err "$1: there is no such model$2"
    [ "$(wc -l <"$dir/err")" -eq 1 ] || failed "more than one line of message"
}

missing small "; 'linnet fetch small' gets it. Looked for: $cache/small, $cache/whisper-small, ggml-small.bin, the Hugging Face"
missing turbo "; 'linnet fetch large-v3-turbo' gets it"
missing smal "; did you mean 'small'? 'linnet models' lists"
missing some/thing "; if the Hugging Face hub has it, 'linnet fetch some/thing' gets it"
missing ./some/thing "; 'linnet models' lists"
run 1 "$linnet" transcribe "$dir/a.wav"
has err "whisper-base: there is no such model; 'linnet fetch base' gets it"
run 0 "$linnet" models
has out "^  none in $cache"

# Each place wins over those before it. The Hugging Face hub's cache: what refs/main names, else what is there.
small=$hub/models--openai--whisper-small
at "$small/snapshots/0123"
found small "$small/snapshots/0123"
at "$small/snapshots/abcd"
mkdir "$small/refs"
for commit in 0123 abcd; do
    printf %s $commit >"$small/refs/main"
    found small "$small/snapshots/$commit"
done
found openai/whisper-small "$small/snapshots/abcd"
mkdir -p "$hub/models--some--bert/snapshots/12"
echo '{"model_type": "bert"}' >"$hub/models--some--bert/snapshots/12/config.json"
: >"$hub/models--some--bert/snapshots/12/model.safetensors"
at "$hub/models--some--thing/snapshots/12"
found some/thing "$hub/models--some--thing/snapshots/12"
run 0 "$linnet" models
has out "^  openai/whisper-small  *whisper  *[34] MB  fp32  *$small/snapshots/abcd\$"
grep -q bert "$dir/out" && failed "a model of another kind is listed"
grep -q '^  small ' "$dir/out" && failed "what is there is listed as what can be had"
for set in HF_HUB_CACHE="$dir/nowhere" HF_HOME="$dir/nowhere" XDG_CACHE_HOME="$dir/nowhere"; do
    (export "$set"; missing small ''; exit $bad) || bad=1
done
HF_HUB_CACHE="$hub" XDG_CACHE_HOME="$dir/nowhere" found small "$small/snapshots/abcd"

# A file of whisper.cpp in this folder: converted once, and again when it is another.
if command -v python3 >/dev/null; then
    python3 "$support/make_ggml.py" "$dir/model" ggml-small.bin || failed "no ggml file"
    run 0 "$linnet" transcribe $quick "$dir/a.wav"
    cp "$dir/out" "$dir/wanted"
    run 0 "$linnet" transcribe $quick -m small "$dir/a.wav"
    has err "^linnet: ggml-small.bin: is converted, once; the model goes to $cache/.converted/ggml-small.bin"
    cmp -s "$dir/out" "$dir/wanted" || failed "a ggml file says something else"
    for name in small ggml-small.bin ./ggml-small.bin "$PWD/ggml-small.bin"; do
        run 0 "$linnet" info "$name"
        silent err
        has out "^directory  *$cache/.converted/ggml-small.bin"
    done
    run 0 "$linnet" models
    has out '^  ggml-small.bin  *whisper  *[34] MB  ggml   ggml-small.bin$'
    touch -d '2001-01-01' ggml-small.bin
    run 0 "$linnet" info small
    has err 'is converted, once'
    (unset HOME; run 1 "$linnet" info small; exit $bad) || bad=1
    has err 'ggml-small.bin: there is no model cache: HOME is not set'
fi

at "$cache/whisper-small"
found small "$cache/whisper-small"
found whisper-small "$cache/whisper-small"
found openai/whisper-small "$cache/whisper-small"
at "$cache/small"
found small "$cache/small"
mkdir small
found small "$cache/small"
rmdir small
at "$PWD/small"
found small small
rm small
at "$cache/whisper-large-v3-turbo" "$cache/whisper-large-v3" "$cache/other--name"
found turbo "$cache/whisper-large-v3-turbo"
found large "$cache/whisper-large-v3"
found other/name "$cache/other--name"
mkdir "$cache/hollow"
run 0 "$linnet" models
has out "^  whisper-large-v3-turbo  *whisper  *[34] MB  fp32  *$cache/whisper-large-v3-turbo\$"
has out "^  hollow  *damaged .* $cache/hollow\$"
has out '^  medium.en  *English  *3.06 GB  *openai/whisper-medium.en$'
has out '^  large-v1  *6.17 GB  *openai/whisper-large$'
has out '^  distil-small.en  *English  *332 MB  *distil-whisper/distil-small.en$'
run 2 "$linnet" models small

# The model cache is LINNET_MODELS, else in XDG_CACHE_HOME where that is an absolute path, else below HOME.
at "$dir/xdg/linnet/models/mine" "$dir/mine/mine" "$cache/mine"
found mine "$cache/mine"
XDG_CACHE_HOME= found mine "$cache/mine"
XDG_CACHE_HOME=../xdg found mine "$cache/mine"
XDG_CACHE_HOME="$dir/xdg" found mine "$dir/xdg/linnet/models/mine"
XDG_CACHE_HOME="$dir/xdg" LINNET_MODELS="$dir/mine" found mine "$dir/mine/mine"
XDG_CACHE_HOME="$dir/xdg" LINNET_MODELS='' found mine "$dir/xdg/linnet/models/mine"
(unset HOME; missing base "; .*no model cache: HOME is not set"; exit $bad) || bad=1
(unset HOME; run 0 "$linnet" models; exit $bad) || bad=1
exit $bad
