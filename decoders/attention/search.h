/* SPDX-License-Identifier: Apache-2.0
 * search.h - beam search on the attention decoder alone, for whole utterances. */
#ifndef LINNET_DECODERS_ATTENTION_SEARCH_H
#define LINNET_DECODERS_ATTENTION_SEARCH_H

#include "decoders/common/hotwords.h"
#include "decoders/common/hypothesis.h"
#include "nn/text_decoder.h"

struct attention_search_options {
    int n_beam;
    int max_tokens;                  /* 0: as many as the encoder has frames */
    double length_penalty;           /* scores are divided by length ^ length_penalty at the end */
    const struct hotwords *hotwords; /* or NULL */
};

struct attention_search_input {
    const float *encoder_out; /* [n_frames, D] */
    int n_frames;
    int (*cancelled)(void *arg); /* asked before each step, and stops the search with LINNET_E_CANCELLED; or NULL */
    void *arg;
};

struct attention_search;

LINNET_MUST_CHECK int attention_search_open(struct attention_search **out, const struct text_decoder *decoder,
                                            const struct attention_search_options *options, struct message *msg);
void attention_search_close(struct attention_search *a);

/* The n-best list of an utterance, best first; returns how many.  There are no times: times is NULL.  Scores are log
 * probabilities with eos. */
LINNET_MUST_CHECK int attention_search_run(struct attention_search *a, struct nn_context *ctx,
                                           const struct attention_search_input *input,
                                           const struct hypothesis **hypotheses, struct message *msg);

#endif
