/* SPDX-License-Identifier: Apache-2.0
 * text.h - the text of a stream: tokens with the times of their attention, partial and final events, context. */
#ifndef LINNET_DECODERS_ALIGNATT_TEXT_H
#define LINNET_DECODERS_ALIGNATT_TEXT_H

#include "decoders/alignatt/options.h"
#include "decoders/common/host.h"
#include "vocab/whisper_vocab.h"

#define ALIGNATT_FRAME_S 0.02
enum { ALIGNATT_WORD = 12 /* frames after the one that its last token attends to in which a word may last */ };

/* Frames are of 20 ms, from the start of the stream. */
struct alignatt_pause {
    int64_t from, to; /* the end of a segment, < 0: there is none before; the start of the next, < 0: there is none */
};

struct alignatt_token {
    int64_t frame; /* that it attends to */
    float logprob;
    struct alignatt_pause before;
};

/* Tokens of the audio that is kept: n_final of earlier utterances, then those of the open one, committed up to
 * n_committed. */
struct alignatt_text {
    const struct decoder_host *host;
    const struct alignatt_options *options;
    int word_times, condition_on_previous;
    const struct whisper_vocab *vocab;
    int language;              /* token; < 0 while unknown */
    int *ids;                  /* [n_max] */
    struct alignatt_token *at; /* [n_max] */
    int n_final, n_committed, n, n_max;
    int64_t ended;                          /* frame: the end of what is final */
    int *context, n_context, n_context_max; /* tokens of audio that was dropped */
    void *block;                            /* of the arrays */
    int *ends;                              /* [n_max] scratch: of words */
    struct buffer partial;                  /* text of the last partial event */
    size_t n_partial_committed;
    struct linnet_word *words; /* [n_max] scratch */
};

LINNET_MUST_CHECK int alignatt_text_open(struct alignatt_text *t, const struct decoder_host *host,
                                         const struct whisper_vocab *vocab, int n_max, int n_context_max);
void alignatt_text_close(struct alignatt_text *t);
void alignatt_text_reset(struct alignatt_text *t); /* the context too */

const char *alignatt_text_language(const struct alignatt_text *t); /* code; "" while unknown */

/* The pause between what is final and an utterance that begins at the frame `from`. */
struct alignatt_pause alignatt_text_pause(const struct alignatt_text *t, int64_t from);

/* Keeps the first n tokens, n_committed at least. */
void alignatt_text_truncate(struct alignatt_text *t, int n);
void alignatt_text_add(struct alignatt_text *t, int id, struct alignatt_token at);

/* Drops the uncommitted tokens at the end that are the beginning of a character.  Returns the first of them, -1 when
 * there is none. */
int alignatt_text_drop_incomplete(struct alignatt_text *t);

/* With how many tokens the open utterance repeats the beginning of an earlier segment, at most. */
int alignatt_text_echo(const struct alignatt_text *t);

/* How many tokens may be committed: whole words that have been followed by as much audio up to the frame `now` as the
 * settings ask for, given the token that would come next (-1: none would). */
LINNET_MUST_CHECK int alignatt_text_stable(struct alignatt_text *t, int next, int64_t now);

/* How many of the last tokens only repeat those before them: a loop of the model. */
int alignatt_text_loop(const struct alignatt_text *t);

int alignatt_text_is_punctuation(const struct alignatt_text *t, int id); /* punctuation alone */

/* The first n tokens without the punctuation at their end (but never fewer than n_committed). */
int alignatt_text_without_punctuation(const struct alignatt_text *t, int n);

/* How many committed tokens to drop, all attending to frames before `latest`: up to the end of a sentence of the open
 * utterance, else of a word; 0: none. */
LINNET_MUST_CHECK int alignatt_text_find_cut(struct alignatt_text *t, int64_t latest);

/* Pushes a partial event if the text has changed since the last one.  end_s bounds the times. */
LINNET_MUST_CHECK int alignatt_text_push_partial(struct alignatt_text *t, double end_s);

/* Makes the tokens up to n final, with their event.  end_s bounds the times. */
LINNET_MUST_CHECK int alignatt_text_push_final(struct alignatt_text *t, int n, double end_s);

/* Punctuation at the start of an utterance becomes part of the one before. */
void alignatt_text_attach_punctuation(struct alignatt_text *t);

/* Moves the first n tokens, which are final and whose audio is dropped, to the context. */
void alignatt_text_drop(struct alignatt_text *t, int n);

#endif
