/* SPDX-License-Identifier: Apache-2.0
 * text.h - what a streaming Whisper has said: tokens with the times of their attention, and their events. */
#ifndef LINNET_DECODERS_ALIGNATT_TEXT_H
#define LINNET_DECODERS_ALIGNATT_TEXT_H

#include "decoders/alignatt/options.h"
#include "decoders/common/host.h"
#include "vocab/whisper_vocab.h"

#define ALIGNATT_FRAME_S 0.02
enum { ALIGNATT_WORD = 12 /* frames after the one that its last token attends to in which a word may last */ };

/* Frames are of 20 ms, from the start of the stream. */
struct alignatt_pause {
    int64_t from, to; /* where a segment ended, < 0: nothing was before; where the next began, < 0: none did */
};

struct alignatt_token {
    int64_t frame; /* where attention lay */
    float logprob;
    struct alignatt_pause before;
};

/* Tokens of what is heard: n_final of utterances before, then those of the open one, of which the first up to n_said
 * will not change and what follows may. */
struct alignatt_text {
    const struct decoder_host *host;
    const struct alignatt_options *options;
    int word_times, condition_on_previous;
    const struct whisper_vocab *vocab;
    int language;              /* token; < 0 while unknown */
    int *ids;                  /* [n_max] */
    struct alignatt_token *at; /* [n_max] */
    int n_final, n_said, n, n_max;
    int64_t ended;                          /* frame: the end of what is final */
    int *context, n_context, n_context_max; /* tokens of what is no longer heard */
    int *ends;                              /* [n_max] scratch: of words */
    struct buffer shown;                    /* text of the last partial event */
    size_t n_shown_said;
    struct linnet_word *words; /* [n_max] scratch */
};

LINNET_MUST_CHECK int alignatt_text_open(struct alignatt_text *t, const struct decoder_host *host,
                                         const struct whisper_vocab *vocab, int n_max, int n_context_max);
void alignatt_text_close(struct alignatt_text *t);
void alignatt_text_reset(struct alignatt_text *t); /* the context too */

const char *alignatt_text_language(const struct alignatt_text *t); /* code; "" while unknown */

/* What lies between what is final and an utterance that begins at the frame `from`. */
struct alignatt_pause alignatt_text_pause(const struct alignatt_text *t, int64_t from);

/* Takes n tokens away again that came after the first n_said. */
void alignatt_text_cut(struct alignatt_text *t, int n);
void alignatt_text_add(struct alignatt_text *t, int id, struct alignatt_token at);

/* Takes away what is not said for good and begins a character that no token ends.  Returns the first such token, -1
 * when there is none. */
int alignatt_text_cut_unfinished(struct alignatt_text *t);

/* How many of the open utterance's first tokens are those that a segment before it begins with, at most. */
int alignatt_text_echo(const struct alignatt_text *t);

/* How many of the tokens are whole words that have been followed by as much audio up to the frame `now` as the
 * settings ask for, given the token that would come next (-1: none would). */
LINNET_MUST_CHECK int alignatt_text_settled(struct alignatt_text *t, int next, int64_t now);

/* How many of the last tokens only repeat those before them: the model is caught in a loop. */
int alignatt_text_loop(const struct alignatt_text *t);

int alignatt_text_is_mark(const struct alignatt_text *t, int id); /* punctuation alone */

/* The first n tokens without the punctuation at their end (but never fewer than n_said). */
int alignatt_text_before_stop(const struct alignatt_text *t, int n);

/* Where to cut so that what was attended before `latest` goes: at the end of a sentence of the open utterance, else of
 * a word; 0: nowhere. */
LINNET_MUST_CHECK int alignatt_text_find_cut(struct alignatt_text *t, int64_t latest);

/* Says what has changed since the last partial event, if anything.  end_s bounds the times. */
LINNET_MUST_CHECK int alignatt_text_show(struct alignatt_text *t, double end_s);

/* Says that the tokens up to n are final.  end_s bounds their times. */
LINNET_MUST_CHECK int alignatt_text_finish(struct alignatt_text *t, int n, double end_s);

/* Marks at the start of an utterance belong to the one before. */
void alignatt_text_give_marks(struct alignatt_text *t);

/* The audio of the first n tokens, which are final, is no longer heard: they move to the context. */
void alignatt_text_forget(struct alignatt_text *t, int n);

#endif
