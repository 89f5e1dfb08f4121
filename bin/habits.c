/* SPDX-License-Identifier: Apache-2.0
 * habits.c - spellings of openai-whisper, whisper.cpp (whisper-cli), faster-whisper and whisper-ctranslate2, and
 * sherpa-onnx.  Short words of whisper.cpp that are options of ours with a value, such as -lpt, are not among them. */
#include "bin/habits.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* clang-format off */
static const struct habit habits[] = {
    /* model, machine */
    {"--device=cpu", "", NULL},
    {"--device", NULL, "linnet computes on the processor: leave it out (a microphone: linnet live --device)"},
    {"--device-index", NULL, "linnet computes on the processor: leave it out"},
    {"--provider=cpu", "", NULL},
    {"--provider", NULL, "linnet computes on the processor: leave it out"},
    {"--no-gpu", "", NULL},
    {"-ng", "", NULL},
    {"--flash-attn", "", NULL},
    {"-fa", "", NULL},
    {"--no-flash-attn", "", NULL},
    {"-nfa", "", NULL},
    {"--ov-e-device", NULL, "linnet computes on the processor: leave it out"},
    {"-oved", NULL, "linnet computes on the processor: leave it out"},
    {"--fp16=false", "--precision=fp32", NULL},
    {"--fp16", NULL, "here it is --precision=fp32|bf16|int8|auto"},
    {"--compute-type=int8", "--precision=int8", NULL},
    {"--compute-type=float32", "--precision=fp32", NULL},
    {"--compute-type=bfloat16", "--precision=bf16", NULL},
    {"--compute-type=auto", "--precision=auto", NULL},
    {"--compute-type=default", "--precision=auto", NULL},
    {"--compute-type", NULL, "here it is --precision=fp32|bf16|int8|auto"},
    {"--num-threads", "--threads=", NULL},
    {"--cpu-threads", "--threads=", NULL},
    {"--processors", NULL, "here it is --batch=N: parts of a long recording, or several, at a time"},
    {"-p", NULL, "here it is --batch=N: parts of a long recording, or several, at a time"},
    {"--batched=true", "--batch=auto", NULL},
    {"--batched=false", "--batch=1", NULL},
    {"--batched", NULL, "here it is --batch=N or --batch=auto"},
    {"--batch-size", "--batch=", NULL},
    {"--model-dir", NULL, "the folder of models is LINNET_MODELS=DIR in the environment; one model is --model=DIR"},
    {"--model-directory", "--model=", NULL},
    {"--cache-directory", NULL, "the folder of models is LINNET_MODELS=DIR in the environment"},
    {"--local-files-only", "", NULL},
    {"--tokens", NULL, "ONNX models cannot be read: --model=DIR takes Whisper and WeNet models (linnet convert)"},
    {"--encoder", NULL, "ONNX models cannot be read: --model=DIR takes Whisper and WeNet models (linnet convert)"},
    {"--joiner", NULL, "ONNX models cannot be read: --model=DIR takes Whisper and WeNet models (linnet convert)"},
    {"--whisper-encoder", NULL, "ONNX models cannot be read: --model=whisper-base, or another DIR (linnet convert)"},
    {"--whisper-decoder", NULL, "ONNX models cannot be read: --model=whisper-base, or another DIR (linnet convert)"},
    {"--wenet-ctc-model", NULL, "ONNX models cannot be read: --model=DIR takes WeNet checkpoints (linnet convert)"},
    {"--wenet-ctc", NULL, "ONNX models cannot be read: --model=DIR takes WeNet checkpoints (linnet convert)"},
    {"--paraformer", NULL, "linnet has no such model: --model=DIR takes Whisper and WeNet models"},
    {"--paraformer-encoder", NULL, "linnet has no such model: --model=DIR takes Whisper and WeNet models"},
    {"--sense-voice-model", NULL, "linnet has no such model: --model=DIR takes Whisper and WeNet models"},
    {"--nemo-ctc-model", NULL, "linnet has no such model: --model=DIR takes Whisper and WeNet models"},
    {"--moonshine-encoder", NULL, "linnet has no such model: --model=DIR takes Whisper and WeNet models"},
    {"--zipformer2-ctc-model", NULL, "linnet has no such model: --model=DIR takes Whisper and WeNet models"},
    {"--model-type", NULL, "a model's folder says what it is: leave it out"},
    {"--feat-dim", NULL, "a model's folder says what it takes: leave it out"},
    {"--sample-rate", NULL, "files of any rate are read: leave it out (bare samples: --raw=s16le:16000:1)"},

    /* input */
    {"--file", "=", NULL},
    {"--input", "=", NULL},
    {"-i", "=", NULL},
    {"--live-transcribe", NULL, "here it is linnet live"},
    {"--capture", NULL, "here it is linnet live --device=NAME"},
    {"--step", NULL, "linnet live needs no step; --set decoder.segment_s=S is the time between two"},
    {"--length", NULL, "linnet live needs no length: leave it out"},
    {"--offset-t", NULL, "here it is --clip=START,END in seconds"},
    {"-ot", NULL, "here it is --clip=START,END in seconds"},
    {"--offset-n", NULL, "here it is --clip=START,END in seconds"},
    {"-on", NULL, "here it is --clip=START,END in seconds"},
    {"--duration", NULL, "here it is --clip=START,END in seconds"},
    {"--clip-timestamps", "--clip=", NULL},

    /* language, task */
    {"--lang", "--language=", NULL},
    {"--whisper-language", "--language=", NULL},
    {"--whisper-task", "--task=", NULL},
    {"--translate", "--task=translate", NULL},
    {"-tr", "--task=translate", NULL},
    {"--detect-language", NULL, "here it is --language=auto, the default; --format=json says which it was"},
    {"-dl", NULL, "here it is --language=auto, the default; --format=json says which it was"},
    {"--multilingual=false", "--set=language.each_window=false", NULL},
    {"--multilingual", "--set=language.each_window=true", NULL},

    /* search */
    {"--beam-size", "--beam=", NULL},
    {"-bs", "--beam=", NULL},
    {"--max-active-paths", "--beam=", NULL},
    {"--decoding-method=greedy_search", "--beam=1", NULL},
    {"--decoding-method", NULL, "here it is --beam=N, or --decoder=NAME"},
    {"--best-of", "--set=decoder.best_of=", NULL},
    {"-bo", "--set=decoder.best_of=", NULL},
    {"--patience", "--set=decoder.patience=", NULL},
    {"--length-penalty", "--set=decoder.length_penalty=", NULL},
    {"--temperature", NULL, "here it is --set decoder.temperature=0, or a list tried in turn: 0,0.2,0.4,0.6,0.8,1"},
    {"-tp", NULL, "here it is --set decoder.temperature=0, or a list tried in turn: 0,0.2,0.4,0.6,0.8,1"},
    {"--temperature-increment-on-fallback", NULL, "here all are given: --set decoder.temperature=0,0.2,0.4,0.6,0.8,1"},
    {"--temperature-inc", NULL, "here all are given: --set decoder.temperature=0,0.2,0.4,0.6,0.8,1"},
    {"-tpi", NULL, "here all are given: --set decoder.temperature=0,0.2,0.4,0.6,0.8,1"},
    {"--no-fallback", "--set=decoder.temperature=0", NULL},
    {"-nf", "--set=decoder.temperature=0", NULL},
    {"--compression-ratio-threshold", "--set=decoder.compression_ratio_threshold=", NULL},
    {"--logprob-threshold", "--set=decoder.logprob_threshold=", NULL},
    {"--log-prob-threshold", "--set=decoder.logprob_threshold=", NULL},
    {"--logprob-thold", "--set=decoder.logprob_threshold=", NULL},
    {"--entropy-thold", NULL, "repetitions are found by --set decoder.compression_ratio_threshold=2.4"},
    {"-et", NULL, "repetitions are found by --set decoder.compression_ratio_threshold=2.4"},
    {"--no-speech-threshold", "--no-speech=", NULL},
    {"--no-speech-thold", "--no-speech=", NULL},
    {"-nth", "--no-speech=", NULL},
    {"--suppress-tokens", "--set=decoder.suppress_tokens=", NULL},
    {"--suppress-blank=false", "--set=decoder.suppress_blank=false", NULL},
    {"--suppress-blank", "--set=decoder.suppress_blank=true", NULL},
    {"--suppress-nst", "--set=decoder.suppress_tokens=-1", NULL},
    {"-sns", "--set=decoder.suppress_tokens=-1", NULL},
    {"--max-initial-timestamp", "--set=decoder.max_initial_timestamp=", NULL},
    {"--max-new-tokens", "--set=decoder.max_tokens=", NULL},
    {"--repetition-penalty", NULL, "--set decoder.compression_ratio_threshold=2.4 finds repetitions"},
    {"--no-repeat-ngram-size", NULL, "--set decoder.compression_ratio_threshold=2.4 finds repetitions"},
    {"--suppress-regex", NULL, "linnet has none: --set decoder.suppress_tokens=LIST takes token ids"},
    {"--grammar", NULL, "linnet has none: --hotwords=FILE boosts phrases"},
    {"--audio-ctx", NULL, "here it is --context=audio: only the audio is encoded, not all 30 s"},
    {"-ac", NULL, "here it is --context=audio: only the audio is encoded, not all 30 s"},
    {"--speed-up", NULL, "--context=audio and --precision=int8 take less time"},
    {"-su", NULL, "--context=audio and --precision=int8 take less time"},
    {"--chunk-length", NULL, "Whisper's windows are of 30 s, WeNet's chunks --set decoder.chunk=N"},

    /* context, hotwords */
    {"--initial-prompt", "--prompt=", NULL},
    {"--prefix", "--set=decoder.prefix=", NULL},
    {"--carry-initial-prompt=false", "", NULL},
    {"--carry-initial-prompt", NULL, "linnet has none: --hotwords=FILE holds for every window"},
    {"--condition-on-previous-text=false", "--set=decoder.condition_on_previous=false", NULL},
    {"--condition-on-previous-text", "--set=decoder.condition_on_previous=true", NULL},
    {"--max-context=0", "--set=decoder.condition_on_previous=false", NULL},
    {"-mc=0", "--set=decoder.condition_on_previous=false", NULL},
    {"--max-context", NULL, "--set decoder.condition_on_previous=false decodes without context"},
    {"-mc", NULL, "--set decoder.condition_on_previous=false decodes without context"},
    {"--prompt-reset-on-temperature", NULL, "linnet drops the context above a temperature of 0.5: leave it out"},
    {"--hotwords-file", "--hotwords=", NULL},
    {"--hotwords-score", "--set=decoder.hotword_bonus=", NULL},
    {"--modeling-unit", NULL, "a model's folder says how hotwords are spelled: leave it out"},
    {"--bpe-vocab", NULL, "a model's folder says how hotwords are spelled: leave it out"},

    /* where speech is */
    {"--vad-filter=false", "--set=decoder.skip_silence=false", NULL},
    {"--vad-filter", "--set=decoder.skip_silence=true", NULL},
    {"--vad", "--set=decoder.skip_silence=true", NULL},
    {"-vad", "--set=decoder.skip_silence=true", NULL},
    {"--vad-model", NULL, "linnet has its own: 'linnet settings' lists those of vad"},
    {"--silero-vad-model", NULL, "linnet has its own: 'linnet settings' lists those of vad"},
    {"-vm", NULL, "linnet has its own: 'linnet settings' lists those of vad (-v -m DIR is two options)"},
    {"--vad-threshold", NULL, "'linnet settings' lists those of vad, for --set"},
    {"--vad-min-speech-duration-ms", "--set=vad.start_ms=", NULL},
    {"-vspd", "--set=vad.start_ms=", NULL},
    {"--vad-min-silence-duration-ms", "--set=vad.hold_ms=", NULL},
    {"-vsd", "--set=vad.hold_ms=", NULL},
    {"--vad-speech-pad-ms", "--set=vad.pre_roll_ms=", NULL},
    {"-vp", "--set=vad.pre_roll_ms=", NULL},
    {"--vad-parameters", NULL, "'linnet settings' lists those of vad, for --set"},
    {"--hallucination-silence-threshold", NULL, "silence gives no text here: leave it out"},
    {"--enable-endpoint", NULL, "'linnet settings' lists the endpoint rules, for --set"},
    {"--rule1-min-trailing-silence", NULL, "here it is --set endpoint.rule1_silence_ms=MS"},
    {"--rule2-min-trailing-silence", NULL, "here it is --set endpoint.rule2_silence_ms=MS"},
    {"--rule3-min-utterance-length", NULL, "here it is --set endpoint.rule3_utterance_ms=MS"},
    {"--diarize", NULL, "linnet does not tell speakers apart"},
    {"-di", NULL, "linnet does not tell speakers apart"},
    {"--tinydiarize", NULL, "linnet does not tell speakers apart"},
    {"-tdrz", NULL, "linnet does not tell speakers apart"},
    {"--hf-token", NULL, "linnet does not tell speakers apart"},
    {"--speaker-name", NULL, "linnet does not tell speakers apart"},

    /* times */
    {"--word-timestamps", "--word-times", NULL},
    {"--no-timestamps", "", NULL},
    {"-nt", "", NULL},
    {"--without-timestamps=false", "", NULL},
    {"--without-timestamps", NULL, "here it is --set decoder.timestamps=false"},
    {"--dtw", NULL, "here it is --word-times"},
    {"-dtw", NULL, "here it is --word-times"},
    {"--prepend-punctuations", NULL, "linnet has none: punctuation belongs to the word that it stands at"},
    {"--append-punctuations", NULL, "linnet has none: punctuation belongs to the word that it stands at"},

    /* output */
    {"--output-dir", "--output=", NULL},
    {"--output-format", "--format=", NULL},
    {"--output-file", NULL, "here it is --output=DIR; files are named after the recordings"},
    {"-of", NULL, "here it is --output=DIR; files are named after the recordings"},
    {"--output-txt", NULL, "here it is --format=txt, with --output=DIR for a file"},
    {"-otxt", NULL, "here it is --format=txt, with --output=DIR for a file"},
    {"--output-srt", NULL, "here it is --format=srt, with --output=DIR for a file"},
    {"-osrt", NULL, "here it is --format=srt, with --output=DIR for a file"},
    {"--output-vtt", NULL, "here it is --format=vtt, with --output=DIR for a file"},
    {"-ovtt", NULL, "here it is --format=vtt, with --output=DIR for a file"},
    {"--output-json", NULL, "here it is --format=json, with --output=DIR for a file"},
    {"-oj", NULL, "here it is --format=json, with --output=DIR for a file"},
    {"--output-json-full", NULL, "here it is --format=json --word-times, with --output=DIR for a file"},
    {"-ojf", NULL, "here it is --format=json --word-times, with --output=DIR for a file"},
    {"--output-lrc", NULL, "here it is --format=lrc, with --output=DIR for a file"},
    {"-olrc", NULL, "here it is --format=lrc, with --output=DIR for a file"},
    {"--output-csv", NULL, "here it is --format=csv, with --output=DIR for a file"},
    {"-ocsv", NULL, "here it is --format=csv, with --output=DIR for a file"},
    {"--output-words", NULL, "here it is --format=srt --word-cues"},
    {"-owts", NULL, "here it is --format=srt --word-cues"},
    {"--highlight-words=false", "", NULL},
    {"--highlight-words", NULL, "here it is --word-cues: a cue for each word"},
    {"--max-len", NULL, "here it is --max-line-width=N"},
    {"-ml", NULL, "here it is --max-line-width=N"},
    {"--split-on-word", "", NULL},
    {"-sow", "", NULL},
    {"--no-prints", "--quiet", NULL},
    {"-np", "--quiet", NULL},
    {"--print-progress", "", NULL},
    {"-pp", "", NULL},
    {"--print-special", NULL, "--format=json has the tokens"},
    {"-ps", NULL, "--format=json has the tokens"},
    {"--print-colors", NULL, "--format=json --word-times has confidences"},
    {"-pc", NULL, "--format=json --word-times has confidences"},
    {"--print-confidence", NULL, "--format=json --word-times has confidences"},
    {"--log-score", NULL, "--format=json has the log probabilities"},
    {"--debug", "--verbose", NULL},
};
/* clang-format on */

enum { N_HABITS = sizeof habits / sizeof habits[0] };

static int takes_any(const struct habit *h)
{
    size_t n = h->ours != NULL ? strlen(h->ours) : 0;
    return n > 0 && h->ours[n - 1] == '=';
}

const struct habit *habit_find(const char *word, const char *value, int *takes_value)
{
    size_t n = strlen(word);
    for (int i = 0; i < N_HABITS; i++) {
        const struct habit *h = &habits[i];
        if (strncmp(h->theirs, word, n) != 0)
            continue;
        int is_for_value = h->theirs[n] == '=' && value != NULL && strcasecmp(h->theirs + n + 1, value) == 0;
        if (!is_for_value && h->theirs[n] != '\0')
            continue;
        *takes_value = is_for_value || takes_any(h);
        return h;
    }
    return NULL;
}

const char *habit_of_value(const char *name)
{
    static const char *const refused[][2] = {
        {"format", "files are named without an option; -f is the output's format"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(refused[i][0], name) == 0)
            return refused[i][1];
    return NULL;
}
