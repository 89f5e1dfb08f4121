#!/bin/sh
# linnet convert: exit codes, what goes where, and that running out of memory or of disk leaves nothing behind.
linnet=${LINNET:-./linnet}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0

# expect CODE PATTERN COMMAND...: the exit code, and a line on stderr; nothing on stdout.
expect() {
    code=$1 pattern=$2
    shift 2
    "$@" >"$dir.out" 2>"$dir.err" </dev/null
    got=$?
    if [ $got -ne "$code" ] || ! grep -q -- "$pattern" "$dir.err" || [ -s "$dir.out" ]; then
        echo "FAILED: $* -> $got, wanted $code and '$pattern'"
        sed 's/^/    /' "$dir.out" "$dir.err"
        bad=1
    fi
    rm -f "$dir.out" "$dir.err"
}

# nothing_in DIR
nothing_in() {
    [ -z "$(ls -A "$1")" ] || { echo "FAILED: left behind:"; ls -lA "$1"; bad=1; }
}

mkdir "$dir/in" "$dir/out"
echo hello >"$dir/in/text.pt"
expect 2 'too few' "$linnet" convert
expect 2 'not one of' "$linnet" convert --quantize=int4 "$dir/in" "$dir/out/m"
expect 1 'No such file' "$linnet" convert "$dir/none" "$dir/out/m"
expect 1 'no kind of checkpoint' "$linnet" convert "$dir/in" "$dir/out/m"
expect 1 'not a PyTorch checkpoint' "$linnet" convert "$dir/in/text.pt" "$dir/out/m"
nothing_in "$dir/out"

shared=${LINNET_SHARED:-${top_srcdir:-.}/../shared}
if [ ! -d "$shared/refs" ]; then
    [ $bad -eq 0 ] && exit 77
    exit 1
fi
source=$shared/refs/wenet-transformer
for n in 1 2 3 5 8 13 21 34 55 89 144 233; do
    LINNET_FAIL_ALLOC=$n expect 1 'memory' "$linnet" convert "$source" "$dir/out/m"
    nothing_in "$dir/out"
done
(ulimit -f 100 && trap '' XFSZ && expect 1 'cannot write' "$linnet" convert "$source" "$dir/out/m"; exit $bad) || bad=1
nothing_in "$dir/out"
expect 0 'WeNet, converted to' "$linnet" convert "$source" "$dir/out/m"
expect 0 'WeNet, converted to' "$linnet" convert "$source/final.pt" "$dir/out/m/"
expect 1 'loads as it is' "$linnet" convert "$dir/out/m" "$dir/out/n"
exit $bad
