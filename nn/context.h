/* SPDX-License-Identifier: Apache-2.0
 * context.h - what an operation needs beside its operands: kernels, threads, scratch.
 *
 * A stream has one context; it is not for two threads at once.  Each thread of the pool has its own scratch block of
 * the context; networks reserve at open what they need (nn_context_reserve), so that no step allocates.  It counts the
 * work that goes through it, for who compares its time with what the machine can do (peak.h). */
#ifndef LINNET_NN_CONTEXT_H
#define LINNET_NN_CONTEXT_H

#include <stddef.h>

#include "base/pool.h"
#include "base/status.h"
#include "nn/kernels.h"
#include "nn/tensor.h"

struct nn_work {
    double products[N_DTYPES][N_DTYPES]; /* multiplications of matrix products, by type of weights and of inputs */
    double read_bytes;                   /* of weights, keys and values, once for each product */
};

struct nn_context {
    const struct nn_kernels *kernels;
    struct pool *pool; /* shared, may be NULL: one thread */
    int n_threads;
    size_t n_floats; /* of each scratch block */
    float **scratch; /* [n_threads][n_floats] */
    struct nn_work work;
};

LINNET_MUST_CHECK int nn_context_open(struct nn_context *ctx, struct pool *pool, struct message *msg);
LINNET_MUST_CHECK int nn_context_reserve(struct nn_context *ctx, size_t n_floats, struct message *msg); /* only grows */
void nn_context_close(struct nn_context *ctx); /* zeroed contexts too */

#endif
