#!/bin/sh
# --precision: what it does to results, and what it must not: threads, chunks, what else is decoded.
. "${top_srcdir:-.}/tests/support/shell.inc"

# A precision that is not there is an error of the command line, or of the recipe.
run 2 "$linnet" transcribe $quick --precision fp31 "$dir/a.wav"
has err 'fp32|bf16|int8|auto'
run 1 "$linnet" transcribe $quick -s precision=fp31 "$dir/a.wav"
has err 'fp31'

# Any number of threads, any company: the same bits.
for precision in fp32 bf16 int8; do
    run 0 "$linnet" transcribe $quick --precision $precision -f json -w "$dir/a.wav"
    cp "$dir/out" "$dir/$precision.json"
    run 0 "$linnet" transcribe $quick --precision $precision -f json -w -t 1 -o "$dir/$precision" "$dir/b.wav" "$dir/a.wav"
    cmp -s "$dir/$precision/a.json" "$dir/$precision.json" || failed "$precision: other threads, other results"
done

# What was picked is told; 8-bit weights take less memory.
mega() { "$linnet" bench $quick -n 1 --precision $1 "$dir/a.wav" | sed -n "s/^$2 *\([^ ]*\).*/\1/p"; }
[ "$(mega int8 precision)" = int8 ] || failed "bench does not say int8"
[ "$(mega bf16 precision)" = bf16 ] || failed "bench does not say bf16"
[ "$(mega fp32 precision)" = fp32 ] || failed "bench does not say fp32"
case $(mega auto precision) in
fp32 | int8) ;;
*) failed "bench does not say what auto picked" ;;
esac

# Tensors are those of the program that the model comes from, unless asked otherwise.
tensors() { run 0 "$linnet" forward -m "$dir/model" -o "$dir/$1.st" $2 "$dir/a.wav"; }
tensors default
tensors fp32 '--precision fp32'
tensors int8 '--precision int8'
tensors bf16 '--precision bf16'
cmp -s "$dir/default.st" "$dir/fp32.st" || failed "forward does not compute in single precision"
cmp -s "$dir/default.st" "$dir/int8.st" && failed "forward does the same in 8 bits"
cmp -s "$dir/default.st" "$dir/bf16.st" && failed "forward does the same in bf16"

# A Conformer's stream is its whole, chunk by chunk.
early=${top_srcdir:-.}/../shared/models/conformer-early
[ -d "$early" ] || exit $([ $bad -eq 0 ] && echo 77 || echo 1)
run 0 "$linnet" convert "$early" "$dir/early"
for precision in fp32 bf16 int8; do
    run 0 "$linnet" transcribe -m "$dir/early" --precision $precision --verify-streaming "${top_srcdir:-.}/tests/data/jfk.wav"
    has out 'largest difference'
done
exit $bad
