/* SPDX-License-Identifier: Apache-2.0
 * context.c - kernels, threads and scratch of a stream. */
#include "nn/context.h"

#include "base/mem.h"

int nn_context_open(struct nn_context *ctx, struct pool *pool, struct message *msg)
{
    ctx->kernels = kernels_pick();
    ctx->pool = pool;
    ctx->n_threads = pool_threads(pool);
    ctx->n_floats = 0;
    ctx->work = (struct nn_work){0};
    ctx->scratch = mem_array((size_t)ctx->n_threads, sizeof *ctx->scratch);
    return ctx->scratch != NULL ? LINNET_OK : fail_memory(msg);
}

int nn_context_reserve(struct nn_context *ctx, size_t n_floats, struct message *msg)
{
    if (n_floats <= ctx->n_floats)
        return LINNET_OK;
    for (int i = 0; i < ctx->n_threads; i++) {
        float *block = mem_array(n_floats, sizeof *block);
        if (block == NULL)
            return fail_memory(msg);
        mem_free(ctx->scratch[i]);
        ctx->scratch[i] = block;
    }
    ctx->n_floats = n_floats;
    return LINNET_OK;
}

void nn_context_close(struct nn_context *ctx)
{
    for (int i = 0; ctx->scratch != NULL && i < ctx->n_threads; i++)
        mem_free(ctx->scratch[i]);
    mem_free(ctx->scratch);
    ctx->scratch = NULL;
    ctx->n_floats = 0;
}
