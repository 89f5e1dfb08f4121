/* SPDX-License-Identifier: Apache-2.0
 * prompt.h - what the decoding of a window starts from: the text so far, language and task, the prefix. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_PROMPT_H
#define LINNET_DECODERS_WHISPER_COMMON_PROMPT_H

#include "decoders/common/host.h"
#include "decoders/common/model.h"

struct whisper_prompt {
    const struct whisper_vocab *vocab;
    const struct decoder_options *shared;
    int timestamps; /* are decoded */
    int n_text_ctx;
    int language;                /* token, or -1 while unknown */
    int *past, n_past, max_past; /* tokens decoded so far; those of the initial prompt first */
    int n_initial, context_from; /* the context is the tokens of past from there on */
    int *prefix, n_prefix;
    int *hotwords, n_hotwords; /* context of every window, before the text */
};

/* A zeroed one may be closed. */
LINNET_MUST_CHECK int whisper_prompt_open(struct whisper_prompt *p, const struct linnet_model *model,
                                          const struct settings *settings, struct message *msg);
void whisper_prompt_close(struct whisper_prompt *p);

/* Phrases [n] that are context of every window, as faster-whisper's hotwords; they replace those before. */
LINNET_MUST_CHECK int whisper_prompt_set_hotwords(struct whisper_prompt *p, const char *const *phrases, size_t n,
                                                  struct message *msg);

/* To the start of a recording: only the initial prompt, and the language of the settings. */
void whisper_prompt_reset(struct whisper_prompt *p);

/* Code of the language; "en" while unknown. */
const char *whisper_prompt_language(const struct whisper_prompt *p);

/* The start sequence without no_timestamps; returns its length, at most 3. */
int whisper_prompt_start(const struct whisper_prompt *p, int start[3]);

/* The whole prompt, at most n_text_ctx tokens; returns its length.  is_first: of the window at the very start. */
int whisper_prompt_make(const struct whisper_prompt *p, int is_first, int *prompt);

LINNET_MUST_CHECK int whisper_prompt_add(struct whisper_prompt *p, const int *tokens, int n, struct message *msg);

/* Windows to come have nothing of the past as context. */
void whisper_prompt_drop_past(struct whisper_prompt *p);

/* The language of the settings as a token; -1: to be detected. */
LINNET_MUST_CHECK int whisper_prompt_language_setting(const struct whisper_vocab *vocab,
                                                      const struct decoder_options *options, int *language,
                                                      struct message *msg);

/* What follows sot: language and task; returns their number, 0 for models that know English only. */
int whisper_prompt_task(const struct whisper_vocab *vocab, const struct decoder_options *options, int language,
                        int task[2]);

/* Tokens of a setting's text, without blanks around it but with the one that begins a word.  *ids is the caller's to
 * mem_free, NULL for no text. */
LINNET_MUST_CHECK int whisper_prompt_encode(const struct whisper_vocab *vocab, const char *text, int **ids, int *n,
                                            struct message *msg);

#endif
