#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare.sh - bench/compare.sh with a linnet and peers that only say what they would have taken: whose turn it is when,
# ratios, other words, what is left out. The scores are of the real linnet.
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { echo "no Python 3.9 here"; exit 77; }
. "${top_srcdir:-.}/tests/support/shell.inc"
compare=${top_srcdir:-.}/bench/compare.sh
CALLS=$dir/calls REAL=$(cd "$(dirname "$linnet")" && pwd)/$(basename "$linnet") PYTHON=python3 PYTHONPATH=$dir/modules
export CALLS REAL PYTHON PYTHONPATH

cat >"$dir/linnet" <<'E2'
#!/bin/sh
case $1 in --version | info | score) ;; *) echo "linnet $*" >>"$CALLS" ;; esac
case $1 in
--version) echo linnet 1.2.3 ;;
info) echo "directory          $2" ;;
bench) # of three turns 1, 2 and 4 s
    n=$(grep -c '^linnet bench' "$CALLS")
    echo "{\"audio_s\": 10.0, \"wall_s\": $((1 << (n - 1)))}" ;;
transcribe) echo sun moon star sky ;;
decode)
    while [ "$1" != --out ]; do shift; done
    printf 'a sun moon\nb star sky\nc\n' >"$2/hyp.txt"
    echo '{"wall_s": 3.0}' >"$2/stats.json" ;;
score) exec "$REAL" "$@" ;;
esac
E2
chmod +x "$dir/linnet"

# A clock of its own: loading and the first recording take 100 s, every other 6.
mkdir -p "$dir/modules/faster_whisper" "$dir/data"
cat >"$dir/modules/faster_whisper/__init__.py" <<'E2'
import os, time, types
__version__ = "9.9"
now, step = 0.0, 100.0
time.perf_counter = lambda: now
def call(text):
    with open(os.environ["CALLS"], "a") as f:
        f.write(text + "\n")
class WhisperModel:
    def __init__(self, directory, device, compute_type, cpu_threads):
        global now
        now += 100
        print("a library that talks")
        call(f"load {directory} {device} {compute_type} {cpu_threads}")
        assert "OPENBLAS_CORETYPE" not in os.environ
    def transcribe(self, path, **settings):
        global now, step
        now += step
        step = 6.0
        call(f"decode {os.path.basename(path)} {settings['beam_size']} {settings['temperature']}")
        words = (" sun", " moon") if path.endswith("a.wav") else (" sun moon", " sea sky")
        return iter([types.SimpleNamespace(text=text) for text in words]), None
E2
echo '__version__ = "8.8"' >"$dir/modules/ctranslate2.py"
echo 'raise ImportError("no such peer")' | tee "$dir/modules/torch.py" >"$dir/modules/whisper.py"
common="--linnet $dir/linnet --model $dir --ct2 some --work $dir/work --peers faster-int8,openai,whisper.cpp"

OPENBLAS_CORETYPE=Haswell
export OPENBLAS_CORETYPE
run 0 "$compare" $common --lengths jfk --runs 3 --beam 5 --threads 2
has err 'openai is left out: .*no such peer'
has err 'whisper.cpp is left out: no '
has out '^linnet: 1.2.3, faster-int8: 9.9 (ctranslate2 8.8); model '
has out '^| linnet | jfk | 2 | 5 | 2.00 \[1.00-4.00\] | 1.00 | .* | 0.0 |$'
has out '^| faster-int8 | jfk | 2 | 5 | 6.00 \[6.00-6.00\] | 3.00 | .* | 25.0 |$'
[ "$(wc -l <"$dir/out")" -eq 10 ] || failed "not a header and two rows"
sed 's/ .*jfk.wav/ jfk.wav/; s/^load .*/load/' "$CALLS" >"$dir/order"
{
    echo load
    for i in 1 2 3; do
        printf 'linnet jfk.wav\nlinnet jfk.wav\n'
        [ $i -ne 1 ] || echo "decode jfk.wav 5 0.0"
        printf 'decode jfk.wav 5 0.0\nload\ndecode jfk.wav 5 0.0\n'
    done
} | sed 's/ .*jfk.wav/ jfk.wav/' >"$dir/wanted"
cmp -s "$dir/order" "$dir/wanted" || { cp "$CALLS" "$dir/out"; failed "another order of turns"; }
[ "$(grep -c '^load some cpu int8 2$' "$CALLS")" -eq 4 ] || failed "the peer was loaded otherwise"
[ "$(grep -c -e '-b 5 .*decoder.temperature=0' "$CALLS")" -eq 6 ] || failed "linnet decoded otherwise"
! grep -q -e --precision "$CALLS" || failed "a precision that nobody asked for"

: >"$CALLS"
run 0 "$compare" $common --threads 1,2 --precision fp32,auto --with '--batch 4' --loading included --runs 1
has out '^| linnet auto | jfk | 2 | 1 | - | - | [0-9]'
[ "$(grep -c 'transcribe .* -t 2 .*--precision auto' "$CALLS")" -eq 1 ] || failed "no turn in the precision auto"
has out '^| linnet --batch 4 | jfk | 1 | 1 |'
[ "$(grep -c 'transcribe .* -t 1 .*--batch 4' "$CALLS")" -eq 1 ] || failed "no turn with further options"
! grep -q '^linnet bench' "$CALLS" || failed "measured what was not asked for"

: >"$CALLS"
printf 'a wav/a.wav\nb wav/b.wav\nc wav/c.wav\n' >"$dir/data/wav.scp" # in c linnet hears nothing
printf 'a sun moon\nb star sky\nc moon\n' >"$dir/data/text"
run 0 "$compare" $common --utterances --data "$dir/data" --runs 1
has out '^| linnet | 3 utterances | 2 | 1 | 3.00 .* | 0.0 |$'
has out '^| faster-int8 | 3 utterances | 2 | 1 | 112.00 .* | 37.33 | .* | 75.0 |$'
has out '^Word error rates, 3 utterances, beam 1: linnet 20.00, faster-int8 120.00.$'

: >"$CALLS"
run 0 "$compare" $common --lengths jfk --streams 1,4 --runs 1
has out '^| linnet | jfk | 4 | 1 | 1 | [0-9.]* \['
# The start of Python takes longer than that of sh.
awk '/^[|] faster-int8 [|] jfk [|] 4 / { n++; bad = !($9 > 1 && $13 > 1) } END { exit n != 1 || bad }' FS='[ |]+' \
    "$dir/out" || failed "ratios of speeds"
! grep -q '^linnet bench' "$CALLS" || failed "decoded a WAV file to know its length"
[ "$(grep -c '^linnet transcribe.* -t 1 .*jfk.wav' "$CALLS")" -eq 4 ] || failed "not four processes at once"
[ "$(grep -c '^linnet transcribe.*jfk.wav .*jfk.wav .*jfk.wav .*jfk.wav' "$CALLS")" -eq 1 ] || failed "not one for all"

mkdir "$dir/bin"
cat >"$dir/bin/whisper-cli" <<'E2'
#!/bin/sh
echo "whisper-cli $*" >>"$CALLS"
printf '\n[00:00:00.000 --> 00:00:02.000]   Sun moon,\n[00:00:02.000 --> 00:00:04.000]   star sea.\n'
echo 'whisper_print_timings:     load time =   500.00 ms' >&2
echo 'whisper_print_timings:    total time =  3500.00 ms' >&2
E2
chmod +x "$dir/bin/whisper-cli"
: >"$CALLS"
run 0 env PATH="$dir/bin:$PATH" "$compare" $common --peers whisper.cpp --ggml some.bin --lengths jfk --runs 1
has out '^| whisper.cpp | jfk | 2 | 1 | 3.00 \[.*| 3.00 | .* | 25.0 |$'
grep -q 'whisper-cli -m some.bin -t 2 -l en -bs 1 .*-tp 0 -nf .*jfk.wav' "$CALLS" ||
    failed "whisper.cpp decoded otherwise"

cp "$dir/linnet" "$dir/other"
run 0 "$compare" $common --linnet "$dir/linnet,$dir/other" --lengths jfk --runs 1
has out "^| $dir/other | jfk |"

run 1 "$compare" $common --lengths 5x
has err '5x is no length'
run 1 "$compare" $common --utterances
has err '--utterances needs --data'
exit $bad
