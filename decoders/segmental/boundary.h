/* SPDX-License-Identifier: Apache-2.0
 * boundary.h - the probability that a segment ends at a frame (a label is emitted), for the segmental search.
 *
 * From the CTC distribution, which every model with a CTC layer has, or from a network trained for it. */
#ifndef LINNET_DECODERS_SEGMENTAL_BOUNDARY_H
#define LINNET_DECODERS_SEGMENTAL_BOUNDARY_H

#include "nn/context.h"
#include "nn/safetensors.h"

/* Natural log; neither is below BOUNDARY_LEAST. */
struct boundary_score {
    double emit, stay;
};

#define BOUNDARY_LEAST (-69.0)

/* Of a frame with CTC log probabilities logprobs [V]; previous [V] is the frame before it, or NULL for the first. */
struct boundary_score boundary_from_ctc(const float *logprobs, const float *previous, int n_vocabulary, int blank);

/* The network: immutable after opening. */
struct boundary;

/* *out is NULL where the model has no tensor of that name. */
LINNET_MUST_CHECK int boundary_open(struct boundary **out, const struct safetensors *weights, int n_dims,
                                    struct pool *pool, struct message *msg);
void boundary_close(struct boundary *b);
int boundary_floats(const struct boundary *b);     /* of work space for each frame */
size_t boundary_scratch(const struct boundary *b); /* that the context must have reserved */

/* states [n, D]; work has n * boundary_floats. */
void boundary_forward(const struct boundary *b, struct nn_context *ctx, const float *states, int n, float *work,
                      struct boundary_score *scores);

#endif
