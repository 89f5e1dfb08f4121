#!/bin/sh
# What people type who come from other programs: it works, or one line says what to type here. Never is a value taken
# for a file, nor a folder called "srt" made.
. "${top_srcdir:-.}/tests/support/shell.inc"
cd "$dir" || exit 99
case $linnet in /*) ;; *) linnet=$OLDPWD/$linnet ;; esac

# What makes it quick.
base="-s decoder.timestamps=false -s decoder.max_tokens=20 -s decoder.best_of=2"

# same THEIRS = OURS: one command gives what the other gives.
same() {
    ours=${1#* = }
    theirs=${1%% = *}
    run 0 "$linnet" $base $ours
    cp out wanted
    run 0 "$linnet" $base $theirs
    cmp -s out wanted || failed "$theirs: not as $ours"
}

while read -r line; do
    case $line in
    '' | '#'*) ;;
    *) same "$line" ;;
    esac
done <<'END'
# openai-whisper
a.wav b.wav --model model --language English = -m model -l en a.wav b.wav
a.wav --model model --language Japanese --task translate = -m model -l ja --task translate a.wav
a.wav --model model --output_format srt --language English --fp16 False --verbose False = -m model -l en -f srt --precision fp32 a.wav
a.wav --model=model --beam_size=3 --patience 2 --length_penalty 1 --best_of 2 --no_speech_threshold 0.5 --device cpu -l en = -m model -l en -b 3 -s decoder.patience=2 -s decoder.length_penalty=1 --no-speech 0.5 a.wav
a.wav --model model -l en --condition_on_previous_text False --word_timestamps True -f json --clip_timestamps 1,2 = -m model -l en -s decoder.condition_on_previous=false -w -f json --clip 1,2 a.wav
# whisper.cpp
-m model --file a.wav -l en -t 2 -bs 2 -bo 2 -np -pp -ng -nt = -m model -l en -t 2 -b 2 a.wav
-m model -l en -tr -nf -mc 0 a.wav = -m model -l en --task translate -s decoder.temperature=0 -s decoder.condition_on_previous=false a.wav
# faster-whisper, sherpa-onnx
a.wav --model_directory model --language en --compute_type int8 --batched True --vad_filter --without_timestamps False = -m model -l en --precision int8 a.wav
--num-threads=1 --decoding-method=greedy_search --provider=cpu --model=model --whisper-language=en a.wav = -m model -l en -b 1 a.wav
END
for made in srt True False f; do
    [ ! -e $made ] || failed "there is something called $made"
done
run 0 "$linnet" $base a.wav --model model --output_format srt --output_dir new --language English
silent out
[ -s new/a.srt ] || failed "no new/a.srt"

# says PATTERN WORDS...: before anything is opened, one line that has the pattern.
says() {
    pattern=$1
    shift
    run 2 "$linnet" "$@"
    [ "$(wc -l <err)" -eq 1 ] || failed "$*: not one line"
    has err "$pattern"
    silent out
}

while read -r pattern words; do
    case $pattern in
    '' | '#'*) ;;
    *) says "$pattern" $words ;;
    esac
done <<'END'
# openai-whisper
--precision a.wav --fp16 True
processor a.wav --device cuda
--word-cues a.wav --word_timestamps True --highlight_words True
decoder.temperature=0 a.wav --temperature 0
LINNET_MODELS a.wav --model_dir models
decoder.temperature a.wav --temperature_increment_on_fallback None
# whisper.cpp
--output=DIR -m model -of out a.wav
--format=srt -m model -osrt a.wav
--format=vtt -m model --output-vtt a.wav
--format=json -m model -oj a.wav
--word-times -m model -ojf a.wav
--batch -m model -p 2 a.wav
--max-line-width -m model -ml 16 a.wav
--context=audio -m model -su a.wav
speakers -m model -di a.wav
--language=auto -m model -dl a.wav
--clip -m model --offset-t 1000 a.wav
vad -m model --vad -vm silero.bin a.wav
# whisper-ctranslate2, sherpa-onnx
live --live_transcribe True --language en
--word-times a.wav --print_colors True
speakers a.wav --hf_token x
--beam a.wav --decoding-method=modified_beam_search
convert --tokens=tokens.txt --encoder=e.onnx --decoder=d.onnx --joiner=j.onnx --num-threads=2 a.wav
without -m model -f a.wav
convert --whisper-encoder=e.onnx --whisper-decoder=d.onnx --tokens=t.txt a.wav
END
run 2 "$linnet" transcribe a.wav --word_times=maybe
has err 'true or false'

# A first word that is no command.
run 2 "$linnet" transcrbe a.wav
has err "did you mean 'transcribe'"
run 1 "$linnet" -m model gone.wav
has err 'gone.wav'
cat a.wav | $limit "$linnet" - -m model $base -l en >out 2>err || failed "standard input without a command"

# Languages as people write them.
for name in en-US zh_CN.UTF-8 jp Deutsch français; do
    run 0 "$linnet" $base -m model -l "$name" --clip 0,0.5 a.wav
done
run 1 "$linnet" $base -m model -l Gernan a.wav
has err "did you mean 'german'"
run 1 "$linnet" $base -m model -l xx a.wav
has err "language 'xx' is not one of"

# --quiet and --verbose.
run 0 "$linnet" $base -q -m model -l en a.wav
silent err
run 0 "$linnet" $base -v -m model -l en a.wav
has err 'model model: .*, in '
has err 'decoder whisper: '
has err 'a.wav: .* s of audio in '

# What a decoder makes no use of is told where it was given by hand.
run 0 "$linnet" $base -m model -l en --set decoder.segment_s=2 a.wav
has err 'decoder.segment_s has no effect'
printf 'decoder: {segment_s: 2}\n' >recipe.yaml
run 0 "$linnet" $base -m model -l en -r recipe.yaml a.wav
silent err
run 0 "$linnet" live $quick -i a.wav --speed 0 --context audio --clip 0,1
has err '^linnet: --context has no effect: decoder .alignatt. .*(these do: whisper)'
has err '^linnet: --clip has no effect'
exit $bad
