/* SPDX-License-Identifier: Apache-2.0
 * rescoring.h - the second pass of WeNet's U2 and U2++ models: the first pass's n-best list rescored with the attention
 * decoder.
 *
 * score = (1 - reverse_weight) * left + reverse_weight * right + ctc_weight * first pass, where left and right are the
 * log probabilities of tokens and eos, left to right and right to left.  Nothing is divided by the length. */
#ifndef LINNET_DECODERS_ATTENTION_RESCORING_H
#define LINNET_DECODERS_ATTENTION_RESCORING_H

#include "base/settings.h"
#include "decoders/common/hypothesis.h"
#include "nn/text_decoder.h"

struct rescoring_options {
    const struct text_decoder *left, *right; /* right: NULL for a model without one */
    double ctc_weight;
    double reverse_weight; /* 0 to 1; counts as 0 without a right decoder.  As a setting also -1: the model's */
};
extern const struct settings_table rescoring_settings;

struct rescoring_input {
    const float *encoder_out; /* [n_frames, D] */
    int n_frames;
    const struct hypothesis *hypotheses; /* [n], n > 0 */
    int n;
};

struct rescoring;

LINNET_MUST_CHECK int rescoring_open(struct rescoring **out, const struct rescoring_options *options,
                                     struct message *msg);
void rescoring_close(struct rescoring *r);

/* *results [n] of the same hypotheses, best first (of equal ones the better of the first pass), valid until the next
 * call: their scores are the weighted ones, a token's confidence the mean probability of the two decoders, the whole's
 * exp(attention score / (tokens + 1)).  Returns n. */
LINNET_MUST_CHECK int rescoring_run(struct rescoring *r, struct nn_context *ctx, const struct rescoring_input *input,
                                    const struct hypothesis **results, struct message *msg);

#endif
