/* SPDX-License-Identifier: Apache-2.0
 * rescoring.h - the second pass of WeNet's U2 and U2++ models: the attention decoder judges the first pass's n-best
 * list.
 *
 * score = (1 - reverse_weight) * left + reverse_weight * right + ctc_weight * first pass, where left and right are the
 * log probabilities of tokens and eos read forwards and backwards.  Nothing is divided by the length. */
#ifndef LINNET_DECODERS_ATTENTION_RESCORING_H
#define LINNET_DECODERS_ATTENTION_RESCORING_H

#include "base/settings.h"
#include "decoders/attention_decoder.h"
#include "decoders/common/hypothesis.h"

struct rescoring_options {
    double ctc_weight;
    double reverse_weight; /* 0 to 1; counts as 0 without a right decoder.  As a setting also -1: the model's */
};
extern const struct settings_table rescoring_settings;

struct rescored {
    int i_hypothesis; /* in the list that was given */
    double score;
    double confidence;              /* exp(attention score / (tokens + 1)) */
    const float *token_confidences; /* [n tokens] mean probability of the two decoders */
};

struct rescoring;

/* right: NULL for a decoder that reads forwards only. */
LINNET_MUST_CHECK int rescoring_open(struct rescoring **out, const struct attention_decoder *left,
                                     const struct attention_decoder *right, struct message *msg);
void rescoring_close(struct rescoring *r);

/* hypotheses [n], n > 0, of an utterance with encoder_out [n_frames, D].  *results [n], best first (of equal ones the
 * better of the first pass), valid until the next call. */
LINNET_MUST_CHECK int rescoring_run(struct rescoring *r, struct nn_context *ctx, const float *encoder_out, int n_frames,
                                    const struct hypothesis *hypotheses, int n, const struct rescoring_options *options,
                                    const struct rescored **results, struct message *msg);

#endif
