/* SPDX-License-Identifier: Apache-2.0
 * options.h - the settings of Whisper's decoders, as openai-whisper has them. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_OPTIONS_H
#define LINNET_DECODERS_WHISPER_COMMON_OPTIONS_H

#include "decoders/common/host.h"
#include "decoders/whisper_common/rules.h"

#define WHISPER_ALIGNMENT_HEADS(X)                                                                                     \
    X(WHISPER_HEADS_UPPER, "upper") /* all of the upper half of the layers */                                          \
    X(WHISPER_HEADS_MODEL, "model") /* those that the model names */
enum whisper_alignment_heads { WHISPER_ALIGNMENT_HEADS(SETTING_ENUM) };

#define WHISPER_PADDINGS(X)                                                                                            \
    X(WHISPER_PADDING_ZERO, "zero")       /* 0 in the spectrogram: transcribe of openai-whisper and faster-whisper */  \
    X(WHISPER_PADDING_SILENCE, "silence") /* openai-whisper's decode */
enum whisper_padding { WHISPER_PADDINGS(SETTING_ENUM) };

#define WHISPER_CONTEXTS(X)                                                                                            \
    X(WHISPER_CONTEXT_AUTO, "auto")   /* full in single precision, else audio */                                       \
    X(WHISPER_CONTEXT_FULL, "full")   /* all of it */                                                                  \
    X(WHISPER_CONTEXT_AUDIO, "audio") /* the audio and a margin */
enum whisper_context { WHISPER_CONTEXTS(SETTING_ENUM) };

struct whisper_options {
    double patience;
    int best_of, seed;
    struct settings_list temperature;
    double compression_ratio_threshold, logprob_threshold, no_speech_threshold;
    int condition_on_previous;
    char *initial_prompt, *prefix;
    int hotwords_prompt;
    struct settings_list suppress_tokens;
    int suppress_blank, timestamps;
    double max_initial_timestamp_s;
    enum whisper_alignment_heads alignment_heads;
    enum whisper_padding padding;
    enum whisper_context context;
    int skip_silence;
    int each_window; /* has a language of its own */
};
extern const struct settings_table whisper_settings;

/* What a search needs of them and of decoder_options; *suppressed becomes the caller's to mem_free after the search's
 * options. */
LINNET_MUST_CHECK int whisper_options_for_search(const struct whisper_options *whisper,
                                                 const struct decoder_options *shared,
                                                 const struct whisper_vocab *vocab,
                                                 struct whisper_search_options *options, int **suppressed,
                                                 struct message *msg);

#endif
