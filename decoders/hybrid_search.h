/* SPDX-License-Identifier: Apache-2.0
 * hybrid_search.h - the searches of WeNet models behind one face: a first pass that follows the frames as they come,
 * and what is made of it when an utterance ends. */
#ifndef LINNET_DECODERS_HYBRID_SEARCH_H
#define LINNET_DECODERS_HYBRID_SEARCH_H

#include <stdatomic.h>

#include "base/settings.h"
#include "decoders/common/hotwords.h"
#include "decoders/common/hypothesis.h"
#include "decoders/hybrid_encoder.h"

enum hybrid_method { HYBRID_GREEDY, HYBRID_PREFIX, HYBRID_ATTENTION, HYBRID_RESCORING, HYBRID_SEGMENTAL };

struct hybrid_result {
    const int *tokens, *times; /* [n]; times: encoder frames of the utterance, or NULL */
    const float *confidences;  /* [n] of tokens */
    int n;
    double score;      /* what the list is sorted by */
    double logprob;    /* mean of the tokens */
    double confidence; /* of the whole */
};

struct hybrid_search;

/* The context and hotwords (may be NULL) must live as long.  A greedy search cannot take back the beginning of a phrase
 * that does not go on: with hotwords it is a prefix beam search. */
LINNET_MUST_CHECK int hybrid_search_open(struct hybrid_search **out, const struct hybrid_model *m,
                                         struct nn_context *ctx, enum hybrid_method method,
                                         const struct settings *settings, const struct hotwords *hotwords,
                                         struct message *msg);
void hybrid_search_close(struct hybrid_search *s);
void hybrid_search_reset(struct hybrid_search *s); /* for the next utterance */

LINNET_MUST_CHECK int hybrid_search_step(struct hybrid_search *s, const struct hybrid_block *block,
                                         struct message *msg);

/* The best tokens [n] so far; *n_committed of them at the beginning will not change any more. */
LINNET_MUST_CHECK int hybrid_search_partial(struct hybrid_search *s, const int **tokens, int *n, int *n_committed,
                                            struct message *msg);

/* No more frames come: the results, best first, valid until the next call.  Returns how many: 0 for no frames at all.
 * *cancelled is looked at between steps. */
LINNET_MUST_CHECK int hybrid_search_finish(struct hybrid_search *s, const atomic_int *cancelled,
                                           const struct hybrid_result **results, struct message *msg);

#endif
