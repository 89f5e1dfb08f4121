#!/bin/sh
# The command line: what goes where, and the exit codes.
linnet=${LINNET:-./linnet}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0

# expect CODE WHERE PATTERN COMMAND...: the exit code, and a line that the stream (out or err) must have.
expect() {
    code=$1 where=$2 pattern=$3
    shift 3
    "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    if [ $got -ne "$code" ] || ! grep -q -- "$pattern" "$dir/$where"; then
        echo "FAILED: $* -> $got, wanted $code and '$pattern' on $where"
        sed 's/^/    /' "$dir/out" "$dir/err"
        bad=1
    fi
}

# silent STREAM: the last command wrote nothing there.
silent() {
    [ ! -s "$dir/$1" ] || { echo "FAILED: something on $1:"; cat "$dir/$1"; bad=1; }
}

expect 0 out '^Usage: linnet' "$linnet" --help
silent err
expect 0 out '^linnet [0-9]' "$linnet" --version
expect 2 err '^Usage: linnet' "$linnet"
silent out
expect 2 err "did you mean 'score'" "$linnet" scoer
silent out
expect 2 err "'nothing' is neither a command nor a file" "$linnet" nothing
expect 1 err '/gone: ' "$linnet" -m /gone gone/a.wav
expect 0 out '^Usage: linnet score' "$linnet" score --help
expect 0 out '^Usage: linnet score' "$linnet" help score
silent err
expect 2 err "did you mean '--align'" "$linnet" score --aling a b
expect 2 err 'too few' "$linnet" score a
expect 2 err 'not one of none' "$linnet" score --normalize=x a b
silent out
expect 0 out '^decoder.beam' "$linnet" settings
expect 0 out '^Whisper:$' "$linnet" settings
expect 0 out '^.SS Whisper$' "$linnet" help-man
expect 0 out '^.SH SETTINGS' "$linnet" help-man
expect 0 out '^score --normalize=none' "$linnet" help-words

printf 'u1 the cat sat\nu2 a b\n' >"$dir/ref"
printf 'u2 a b\nu1 the hat\n' >"$dir/hyp"
printf '{"utt": "u1", "text": "the hat"}\n' >"$dir/less.jsonl"
expect 0 out '^%WER 40.00 \[ 2 / 5, 0 ins, 1 del, 1 sub \]$' "$linnet" score "$dir/ref" "$dir/hyp"
silent err
expect 0 out '^%SER 50.00 \[ 1 / 2 \]$' "$linnet" score "$dir/ref" "$dir/hyp"
expect 1 err "no 'u2'" "$linnet" score "$dir/ref" "$dir/less.jsonl"
expect 1 out '^%WER 80.00' "$linnet" score "$dir/ref" "$dir/less.jsonl"
expect 1 err "$dir/nothing" "$linnet" score "$dir/ref" "$dir/nothing"
silent out
if [ -w /dev/full ]; then
    "$linnet" score "$dir/ref" "$dir/hyp" >/dev/full 2>"$dir/err"
    [ $? -eq 1 ] && grep -q 'standard output' "$dir/err" || { echo "FAILED: a full disk"; bad=1; }
fi
exit $bad
