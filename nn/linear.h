/* SPDX-License-Identifier: Apache-2.0
 * linear.h - linear layers: y = x W^T + b with W packed once (see kernels.h), in the precision of the checkpoint.
 *
 * Weights are immutable after open and may be used by any number of threads.  A 1-d convolution is the same product:
 * with x time-major, the n_taps * n_in inputs of an output frame lie side by side, so ldx = stride * n_in does the
 * rest. */
#ifndef LINNET_NN_LINEAR_H
#define LINNET_NN_LINEAR_H

#include "nn/context.h"
#include "nn/precision.h"
#include "nn/tensor.h"

struct linear {
    int n_in, n_out;
    enum dtype dtype;   /* of the panels: F32, F16, BF16, I8 or I16 */
    enum dtype inputs;  /* what meets them: F32, U8, I16 or BF16 */
    const void *panels; /* [ceil(n_out / 32)][n_in][32], of whole numbers and bf16 as kernels.h says */
    void *packed;       /* the same where they are the layer's own, else NULL */
    float *bias;        /* [ceil(n_out / 32) * 32], or NULL */
    float *scales;      /* [ceil(n_out / 32) * 32] of an output's whole numbers, */
    int32_t *sums;      /* and their sums, which only inputs with zero points need; NULL: no whole numbers */
};

/* What to do with the product; NULL stands for {NN_NONE, 0, 0}. */
struct linear_how {
    enum nn_activation act;
    int add; /* y += scale * act(x W^T + b) instead of y = act(x W^T + b) */
    float scale;
};

/* Joins n_parts layers of the same input (q, k, v) into one.  weights[i] is [n_out_i, n_in] or, for a convolution over
 * time, [n_out_i, n_channels, n_taps], whose input is then [n_taps * n_channels] with n_channels innermost.  biases may
 * be NULL, and so may any biases[i].  The tensors are not needed afterwards. */
LINNET_MUST_CHECK int linear_open(struct linear *l, const struct tensor *const *weights,
                                  const struct tensor *const *biases, int n_parts, enum precision precision,
                                  struct pool *pool, struct message *msg);
void linear_close(struct linear *l);

/* Bytes of the weights if they are the layer's own, a multiple of 64, else 0. */
size_t linear_own_bytes(const struct linear *l);
/* Moves weights of the layer's own to memory that outlives it. */
void linear_move(struct linear *l, void *to);

/* The rows that go through a layer: y [n, n_out] (row stride ldy) from x [n, n_in] (row stride ldx), which must not
 * overlap. */
struct linear_rows {
    const float *x;
    ptrdiff_t ldx;
    int n;
    float *y;
    ptrdiff_t ldy;
};

/* The context must have linear_scratch(l) floats reserved. */
void linear_forward(struct nn_context *ctx, const struct linear *l, const struct linear_rows *rows,
                    const struct linear_how *how);
size_t linear_scratch(const struct linear *l);

/* The weights of output i of a layer of floats, [n_in]: embeddings that are tied to an output layer. */
void linear_row(const struct linear *l, int i, float *out);

static inline int linear_panels(const struct linear *l) { return (l->n_out + NN_PANEL - 1) / NN_PANEL; }

/* What its products are computed in. */
static inline enum precision linear_precision(const struct linear *l)
{
    if (l->inputs == DTYPE_BF16)
        return PRECISION_BF16;
    return l->inputs == DTYPE_F32 ? PRECISION_FP32 : PRECISION_INT8;
}

size_t linear_bytes(const struct linear *l);

#endif
