/* SPDX-License-Identifier: Apache-2.0
 * layer.h - the CTC output layer: encoder states to log probabilities of tokens and blank. */
#ifndef LINNET_DECODERS_CTC_LAYER_H
#define LINNET_DECODERS_CTC_LAYER_H

#include "nn/layers.h"

/* Immutable after opening; shared by streams. */
struct ctc_layer {
    struct linear linear; /* [V, D] */
    int n_vocabulary, blank;
};

/* PREFIX.weight [n_vocabulary, n_dims] and PREFIX.bias. */
LINNET_MUST_CHECK int ctc_layer_open(struct ctc_layer **out, const struct layer_source *from, const char *prefix,
                                     int n_dims, int n_vocabulary, int blank);
void ctc_layer_close(struct ctc_layer *c); /* NULL is fine */

/* logprobs [n, V], natural log, of states [n, D].  The context must have ctc_layer_scratch floats. */
void ctc_layer_forward(const struct ctc_layer *c, struct nn_context *ctx, const float *states, int n, float *logprobs);
size_t ctc_layer_scratch(const struct ctc_layer *c);

#endif
