/* SPDX-License-Identifier: Apache-2.0
 * recipe.h - every setting of a decoding, with its name, type, range, default and meaning in one table.
 *
 * Settings come from a recipe.yaml (nested maps are dotted keys: `decoder: {beam: 5}` is decoder.beam) and from
 * "key=value" texts; what comes later wins.  An unknown key, a value of the wrong type or out of range is an error.
 * A new setting is one line of RECIPE_KEYS, which also makes the field of struct recipe. */
#ifndef LINNET_BASE_RECIPE_H
#define LINNET_BASE_RECIPE_H

#include "base/buffer.h"
#include "base/status.h"

#define RECIPE_DECODERS                                                                                                \
    "auto|ctc_greedy|ctc_prefix_beam|attention|attention_rescoring|segmental|whisper|alignatt"

/* K(type, field, key, default, low, high, choices or NULL, help) */
#define RECIPE_KEYS(K)                                                                                                 \
    K(TEXT, model, "model", "", 0, 0, NULL, "model directory, or the name of one in the model cache")                  \
    K(TEXT, language, "language", "auto", 0, 0, NULL, "language spoken: a code, an English name, or auto")             \
    K(TEXT, task, "task", "transcribe", 0, 0, "transcribe|translate", "translate: into English")                       \
    K(INT, threads, "threads", "0", 0, 1024, NULL, "threads to use; 0: one for each processor")                        \
    K(TEXT, decoder_name, "decoder.name", "auto", 0, 0, RECIPE_DECODERS, "search; auto: the usual one of the model")   \
    K(INT, decoder_beam, "decoder.beam", "0", 0, 1000, NULL, "hypotheses kept; 0: whisper 1, alignatt 3, others 10")   \
    K(NUMBER, decoder_patience, "decoder.patience", "1", 0.01, 100, NULL,                                              \
      "whisper beam: finished hypotheses to wait for, times beam")                                                     \
    K(NUMBER, decoder_length_penalty, "decoder.length_penalty", "-1", -1, 10, NULL,                                    \
      "exponent of the length that scores are divided by; -1: whisper mean, attention 0")                              \
    K(INT, decoder_best_of, "decoder.best_of", "5", 1, 100, NULL, "whisper: samples drawn above temperature 0")        \
    K(LIST, decoder_temperature, "decoder.temperature", "0,0.2,0.4,0.6,0.8,1", 0, 10, NULL,                            \
      "whisper: temperatures to try in turn")                                                                          \
    K(INT, decoder_seed, "decoder.seed", "0", 0, 2147483647, NULL, "of the random numbers that sampling uses")         \
    K(NUMBER, decoder_compression_ratio_threshold, "decoder.compression_ratio_threshold", "2.4", 0, 1000, NULL,        \
      "whisper: text that compresses better is a repetition and is tried again; 0: never")                             \
    K(NUMBER, decoder_logprob_threshold, "decoder.logprob_threshold", "-1", -1000, 0, NULL,                            \
      "whisper: text with a lower mean log probability is tried again; -1000: never")                                  \
    K(NUMBER, decoder_no_speech_threshold, "decoder.no_speech_threshold", "0.6", 0, 1, NULL,                           \
      "whisper: a window with a higher no-speech probability and unlikely text is silence; 1: never")                  \
    K(BOOL, decoder_condition_on_previous, "decoder.condition_on_previous", "true", 0, 1, NULL,                        \
      "whisper: a window sees the text before it")                                                                     \
    K(TEXT, decoder_initial_prompt, "decoder.initial_prompt", "", 0, 0, NULL,                                          \
      "whisper: text that stands before the first window")                                                             \
    K(TEXT, decoder_prefix, "decoder.prefix", "", 0, 0, NULL, "whisper: text that the first window starts with")       \
    K(LIST, decoder_suppress_tokens, "decoder.suppress_tokens", "-1", -1, 1000000, NULL,                               \
      "whisper: ids never written; -1 stands for annotations and symbols")                                             \
    K(BOOL, decoder_suppress_blank, "decoder.suppress_blank", "true", 0, 1, NULL,                                      \
      "whisper: a window does not start with a space or end at once")                                                  \
    K(BOOL, decoder_timestamps, "decoder.timestamps", "true", 0, 1, NULL,                                              \
      "whisper: write times into the text and cut windows by them")                                                    \
    K(NUMBER, decoder_max_initial_timestamp, "decoder.max_initial_timestamp", "1", 0, 30, NULL,                        \
      "whisper: latest first time of a window, in seconds")                                                            \
    K(BOOL, decoder_word_times, "decoder.word_times", "false", 0, 1, NULL, "find where each word begins and ends")     \
    K(TEXT, decoder_alignment_heads, "decoder.alignment_heads", "upper", 0, 0, "upper|model",                          \
      "whisper: attention heads that word times come from: of the upper layers, or those the model names")             \
    K(TEXT, decoder_padding, "decoder.padding", "zero", 0, 0, "zero|silence",                                          \
      "whisper: what fills a window after the end of the audio: 0 in the spectrogram (openai-whisper's and "           \
      "faster-whisper's transcribe), or silence (openai-whisper's decode)")                                            \
    K(INT, decoder_max_tokens, "decoder.max_tokens", "0", 0, 100000, NULL,                                             \
      "tokens of a window at most; 0: whisper 224, attention as many as frames")                                       \
    K(LIST, decoder_clip, "decoder.clip", "", 0, 1e9, NULL, "seconds where parts to decode start and end, in turn")    \
    K(BOOL, decoder_skip_silence, "decoder.skip_silence", "true", 0, 1, NULL,                                          \
      "whisper: do not decode stretches of two seconds and more in which the voice detector hears no speech")          \
    K(NUMBER, decoder_ctc_weight, "decoder.ctc_weight", "0.5", 0, 1000, NULL,                                          \
      "rescoring: weight of the first pass's score")                                                                   \
    K(NUMBER, decoder_reverse_weight, "decoder.reverse_weight", "-1", -1, 1, NULL,                                     \
      "rescoring: share of the right-to-left decoder; -1: the model's")                                                \
    K(NUMBER, decoder_blank_penalty, "decoder.blank_penalty", "0", -1000, 1000, NULL,                                  \
      "ctc: taken off the blank's log probability")                                                                    \
    K(NUMBER, decoder_blank_scale, "decoder.blank_scale", "1", 0, 1000, NULL,                                          \
      "ctc: the blank's log probability is multiplied by this")                                                        \
    K(INT, decoder_nbest, "decoder.nbest", "1", 1, 1000, NULL, "hypotheses reported")                                  \
    K(TEXT, decoder_times, "decoder.times", "peak", 0, 0, "peak|wenet",                                                \
      "ctc: a token's time is its likeliest frame, or as WeNet reports it")                                            \
    K(NUMBER, decoder_hotword_bonus, "decoder.hotword_bonus", "3", -100, 100, NULL,                                    \
      "log-probability bonus for each token of a hotword")                                                             \
    K(TEXT, decoder_compat, "decoder.compat", "none", 0, 0, "none|simul-whisper",                                      \
      "alignatt: do exactly what another program does, flaws included")                                                \
    K(INT, decoder_chunk, "decoder.chunk", "0", -1, 100000, NULL,                                                      \
      "hybrid: encoder frames of a chunk; -1: the whole recording, 0: 16 when streaming, else the whole")              \
    K(INT, decoder_left_chunks, "decoder.left_chunks", "-1", -1, 100000, NULL,                                         \
      "hybrid: chunks before it that a chunk sees; -1: all")                                                           \
    K(INT, decoder_frame_threshold, "decoder.frame_threshold", "12", 0, 1500, NULL,                                    \
      "alignatt: stop where attention comes this near the end of the audio, in frames of 20 ms")                       \
    K(INT, decoder_rewind_threshold, "decoder.rewind_threshold", "200", 0, 1500, NULL,                                 \
      "alignatt: stop where attention jumps back further, in frames of 20 ms")                                         \
    K(NUMBER, decoder_delay_s, "decoder.delay_s", "3", 0, 30, NULL,                                                    \
      "alignatt: seconds of audio after a word before it is said for good")                                            \
    K(NUMBER, decoder_sure_delay_s, "decoder.sure_delay_s", "0.2", 0, 30, NULL,                                        \
      "alignatt: the same for words that are likely")                                                                  \
    K(NUMBER, decoder_sure, "decoder.sure", "0.45", 0, 1, NULL, "alignatt: probability from which a word is likely")   \
    K(NUMBER, decoder_segment_s, "decoder.segment_s", "1", 0.1, 30, NULL,                                              \
      "alignatt: seconds of audio taken in at a time")                                                                 \
    K(NUMBER, decoder_buffer_s, "decoder.buffer_s", "20", 1, 30, NULL, "alignatt: seconds of audio kept")              \
    K(NUMBER, decoder_context_s, "decoder.context_s", "8", 0, 30, NULL,                                                \
      "alignatt: seconds of audio before an utterance that are heard again with it")                                   \
    K(TEXT, decoder_head, "decoder.head", "", 0, 0, NULL,                                                              \
      "alignatt: directory of the truncation head; empty: the model's own, if any")                                    \
    K(INT, segmental_left, "segmental.left", "8", -1, 100000, NULL,                                                    \
      "encoder frames before its segment that a label sees; -1: all")                                                  \
    K(INT, segmental_right, "segmental.right", "6", -1, 100000, NULL,                                                  \
      "encoder frames after its segment that a label sees, waited for when streaming; -1: all")                        \
    K(INT, segmental_longest, "segmental.longest", "100", 0, 100000, NULL,                                             \
      "encoder frames of a segment that are seen, its last ones; 0: all")                                              \
    K(INT, segmental_history, "segmental.history", "100", 0, 100000, NULL,                                             \
      "labels after which the label decoder starts anew; 0: never")                                                    \
    K(TEXT, segmental_recombination, "segmental.recombination", "sum", 0, 0, "none|max|sum",                           \
      "hypotheses with the same labels: keep all, the best, or the best with the probability of all")                  \
    K(NUMBER, segmental_score_beam, "segmental.score_beam", "12", 0.01, 1e9, NULL,                                     \
      "hypotheses this far below the best are dropped")                                                                \
    K(NUMBER, segmental_label_scale, "segmental.label_scale", "1", 0, 1000, NULL, "weight of label scores")            \
    K(NUMBER, segmental_boundary_scale, "segmental.boundary_scale", "1", 0, 1000, NULL, "weight of boundary scores")   \
    K(NUMBER, segmental_length_scale, "segmental.length_scale", "1", 0, 1000, NULL, "weight of the length model")      \
    K(TEXT, segmental_length_model, "segmental.length_model", "none", 0, 0, "none|static|global|label",                \
      "segment lengths: free, around the label's mean, one histogram, or one for each label")                          \
    K(TEXT, segmental_length_file, "segmental.length_file", "", 0, 0, NULL,                                            \
      "lengths that `linnet align` counted; empty: lengths.txt of the model")                                          \
    K(NUMBER, segmental_length_variance, "segmental.length_variance", "0.3", 0, 1000, NULL,                            \
      "static: how fast lengths away from the mean become unlikely")                                                   \
    K(NUMBER, segmental_length_smoothing, "segmental.length_smoothing", "10", 0, 1e9, NULL,                            \
      "histograms: how often the more general one counts as seen")                                                     \
    K(NUMBER, endpoint_rule1_silence_ms, "endpoint.rule1_silence_ms", "5000", 0, 1e9, NULL,                            \
      "an utterance ends after this much silence when nothing was said")                                               \
    K(NUMBER, endpoint_rule2_silence_ms, "endpoint.rule2_silence_ms", "1000", 0, 1e9, NULL,                            \
      "an utterance ends after this much silence when something was said")                                             \
    K(NUMBER, endpoint_rule3_utterance_ms, "endpoint.rule3_utterance_ms", "20000", 0, 1e9, NULL,                       \
      "an utterance ends when it is this long")                                                                        \
    K(NUMBER, endpoint_blank_threshold, "endpoint.blank_threshold", "0.8", 0, 1, NULL,                                 \
      "a frame whose blank is likelier is silence")                                                                    \
    K(NUMBER, vad_threshold_db, "vad.threshold_db", "2.2", 0, 60, NULL,                                                \
      "mean excess over the noise that counts as speech; lower hears more")                                            \
    K(INT, vad_start_ms, "vad.start_ms", "60", 10, 1000, NULL, "so much sound begins speech: clicks do not")           \
    K(INT, vad_hold_ms, "vad.hold_ms", "400", 0, 10000, NULL, "so long after the last sound speech ends")              \
    K(INT, vad_pre_roll_ms, "vad.pre_roll_ms", "300", 0, 5000, NULL, "so long before the first sound speech begins")  \
    K(BOOL, vad_gate, "vad.gate", "false", 0, 1, NULL,                                                                 \
      "hybrid, streaming: from an endpoint on nothing is decoded until speech begins (live: true)")

struct recipe_list {
    double *at; /* [n] */
    int n;
};

#define RECIPE_FIELD_TEXT(field) char *field;
#define RECIPE_FIELD_INT(field) int field;
#define RECIPE_FIELD_NUMBER(field) double field;
#define RECIPE_FIELD_BOOL(field) int field;
#define RECIPE_FIELD_LIST(field) struct recipe_list field;
#define RECIPE_FIELD(type, field, key, default_, low, high, choices, help) RECIPE_FIELD_##type(field)

struct recipe {
    RECIPE_KEYS(RECIPE_FIELD)
};

enum recipe_type { RECIPE_TEXT, RECIPE_INT, RECIPE_NUMBER, RECIPE_BOOL, RECIPE_LIST };

struct recipe_key {
    const char *key;
    enum recipe_type type;
    size_t offset; /* in struct recipe */
    const char *initial;
    double low, high;
    const char *choices, *help;
};

/* Gives every setting its default.  close releases the texts and lists, and takes a zeroed recipe too. */
int recipe_open(struct recipe *r, struct message *msg) LINNET_MUST_CHECK;
void recipe_close(struct recipe *r);

int recipe_read(struct recipe *r, const char *path, struct message *msg) LINNET_MUST_CHECK; /* a recipe.yaml */
int recipe_set(struct recipe *r, const char *setting, struct message *msg) LINNET_MUST_CHECK; /* "key=value" */
int recipe_set_key(struct recipe *r, const char *key, const char *value, struct message *msg) LINNET_MUST_CHECK;

/* Appends all settings as YAML that recipe_read takes; only those that are not at their default unless all. */
int recipe_write(const struct recipe *r, int all, struct buffer *out) LINNET_MUST_CHECK;

const struct recipe_key *recipe_key_at(int index); /* NULL past the last */

#endif
