#!/bin/sh
# linnet convert --quantize int8: the model that it makes says what the original says in int8, and runs in nothing else.
. "${top_srcdir:-.}/tests/support/shell.inc"
: "${LINNET_CPU:=avx512vnni}" # or what is best below it: processors with AMX compute int8 otherwise, from the original
export LINNET_CPU

# same ORIGINAL QUANTIZED OPTION...: both give the same bits, with any number of threads.
same() {
    original=$1 quantized=$2
    shift 2
    for threads in 1 2; do
        run 0 "$linnet" transcribe -m "$original" --precision int8 -f json "$@" -t 2
        cp "$dir/out" "$dir/wanted"
        run 0 "$linnet" transcribe -m "$quantized" -f json "$@" -t $threads
        cmp -s "$dir/out" "$dir/wanted" || failed "$quantized differs from $original: $*"
        [ -s "$dir/out" ] || failed "$quantized says nothing"
    done
}

# A Whisper model; its tensors too.
run 0 "$linnet" convert --quantize int8 "$dir/model" "$dir/quantized"
plain="-l en -s decoder.temperature=0 -s decoder.timestamps=false -s decoder.max_tokens=20"
same "$dir/model" "$dir/quantized" $plain -w "$dir/a.wav" "$dir/b.wav"
same "$dir/model" "$dir/quantized" $plain --beam 3 "$dir/a.wav"
run 0 "$linnet" forward -m "$dir/model" --precision int8 -o "$dir/a.st" "$dir/a.wav"
run 0 "$linnet" forward -m "$dir/quantized" --precision int8 -o "$dir/b.st" "$dir/a.wav"
cmp -s "$dir/a.st" "$dir/b.st" || failed "tensors differ"

# It runs in int8 whatever is fastest here, and says so; any other precision is refused, with what to do.
run 0 "$linnet" info "$dir/quantized"
has out '^precision *int8$'
has out '^quantized *yes$'
parameters=$(grep '^parameters' "$dir/out")
run 0 "$linnet" info "$dir/model"
has out '^quantized *no$'
has out "^$parameters\$"
run 0 "$linnet" transcribe -m "$dir/quantized" $plain --precision auto "$dir/a.wav"
run 1 "$linnet" transcribe -m "$dir/quantized" $plain --precision fp32 "$dir/a.wav"
has err "$dir/quantized: is quantized: it runs with precision int8 alone, fp32 needs the model"

# It is no source of another conversion; the original is neither harmed nor taken for one.
for type in int8 fp16 none; do
    run 1 "$linnet" convert --quantize $type "$dir/quantized" "$dir/again"
    has err 'quantized: is quantized; convert the model that it was made from'
    [ -e "$dir/again" ] && failed "something is left of a conversion that failed"
done
for n in 1 5 50 200 300 400; do
    LINNET_FAIL_ALLOC=$n run 1 "$linnet" convert --quantize int8 "$dir/model" "$dir/again"
    has err memory
    [ -z "$(ls -d "$dir"/again* 2>/dev/null)" ] || failed "something is left after allocation $n failed"
done

# A Conformer with decoders both ways: whole, in chunks, and its second pass.
bench/make_model "$dir/conformer" || exit 99
run 0 "$linnet" convert --quantize int8 "$dir/conformer" "$dir/conformer8"
[ "$(wc -c <"$dir/conformer8/model.safetensors")" -lt 70000000 ] || failed "the Conformer is too large for 8 bits"
for decoder in attention_rescoring ctc_prefix_beam; do
    same "$dir/conformer" "$dir/conformer8" -d $decoder --nbest 3 "$dir/a.wav"
done
rm -r "$dir/conformer" "$dir/conformer8"

# Models that people trained, as their programs store them.
shared=${LINNET_SHARED:-${top_srcdir:-.}/../shared}
jfk=${top_srcdir:-.}/tests/data/jfk.wav
for model in refs/wenet-transformer refs/wenet-conformer-full models/conformer-early; do
    [ -d "$shared/$model" ] || continue
    run 0 "$linnet" convert "$shared/$model" "$dir/some"
    run 0 "$linnet" convert --quantize int8 "$shared/$model" "$dir/some8"
    same "$dir/some" "$dir/some8" "$jfk"
    rm -r "$dir/some" "$dir/some8"
done
[ -z "${LINNET_TEST_FEW:-}" ] || exit $bad # under sanitizers
[ -d "$cache/whisper-base" ] && [ -d "$shared/models/conformer-early" ] || exit $([ $bad -eq 0 ] && echo 77 || echo 1)
run 0 "$linnet" convert --quantize int8 "$cache/whisper-base" "$dir/base8"
same "$cache/whisper-base" "$dir/base8" -w "$jfk"
exit $bad
