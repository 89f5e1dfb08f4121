/* SPDX-License-Identifier: Apache-2.0
 * search.h - beam search on the attention decoder alone, for whole utterances. */
#ifndef LINNET_DECODERS_ATTENTION_SEARCH_H
#define LINNET_DECODERS_ATTENTION_SEARCH_H

#include "decoders/attention_decoder.h"
#include "decoders/common/hotwords.h"
#include "decoders/common/hypothesis.h"

struct attention_search_options {
    int n_beam;
    int max_tokens;                  /* 0: as many as the encoder has frames */
    double length_penalty;           /* scores are divided by length ^ length_penalty at the end */
    const struct hotwords *hotwords; /* or NULL */
};

struct attention_search;

LINNET_MUST_CHECK int attention_search_open(struct attention_search **out, const struct attention_decoder *decoder,
                                            const struct attention_search_options *options, struct message *msg);
void attention_search_close(struct attention_search *a);

/* The n-best list of an utterance, best first; returns how many.  There are no times: times is NULL.  Scores are log
 * probabilities with eos; cancelled, unless NULL, is asked before each step and stops the search with
 * LINNET_E_CANCELLED. */
LINNET_MUST_CHECK int attention_search_run(struct attention_search *a, struct nn_context *ctx, const float *encoder_out,
                                           int n_frames, int (*cancelled)(void *arg), void *arg,
                                           const struct hypothesis **hypotheses, struct message *msg);

#endif
