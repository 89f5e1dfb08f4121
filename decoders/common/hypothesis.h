/* SPDX-License-Identifier: Apache-2.0
 * hypothesis.h - what a search on the encoder's output returns: tokens, their times, how probable they are.
 *
 * The arrays belong to the search that filled them in and stay as they are until its next call. */
#ifndef LINNET_DECODERS_COMMON_HYPOTHESIS_H
#define LINNET_DECODERS_COMMON_HYPOTHESIS_H

#include "base/status.h"

#define HYPOTHESIS_MAX_TOKENS (1 << 28)

struct hypothesis {
    const int *tokens;     /* [n] vocabulary ids */
    const int *times;      /* [n] encoder frames since the search was reset, or NULL */
    const float *logprobs; /* [n] natural log, each token at its own most probable frame */
    int n;
    double score;   /* natural log, with bonuses: what the list is sorted by */
    double context; /* the part of score that hotwords gave */
    /* Filled in at the end of an utterance: */
    const float *confidences; /* [n] of tokens, in [0, 1] */
    double logprob;           /* mean of the tokens */
    double confidence;        /* of the whole */
};

/* Hypotheses with confidences.  A zeroed struct is empty. */
struct hypotheses {
    struct hypothesis *at; /* [room] */
    float *confidences;    /* [room_confidences] of all tokens, one hypothesis after the other */
    int room, room_confidences;
};

/* Copies a search's hypotheses [n] to *out with the confidences of their log probabilities; they live until the next
 * call.  Returns n. */
LINNET_MUST_CHECK int hypotheses_take(struct hypotheses *s, const struct hypothesis *h, int n,
                                      const struct hypothesis **out, struct message *msg);
void hypotheses_free(struct hypotheses *s);

/* Growing arrays for a search's results.  A zeroed struct is empty. */
struct hypothesis_store {
    void *block;         /* of the arrays */
    int *tokens, *times; /* [size] */
    float *logprobs;     /* [size] */
    int size;
};

/* Room for n tokens in all; the first n_kept stay. */
LINNET_MUST_CHECK int hypothesis_store_reserve(struct hypothesis_store *s, int n_kept, int n);
void hypothesis_store_free(struct hypothesis_store *s);

#endif
