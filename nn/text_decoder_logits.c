/* SPDX-License-Identifier: Apache-2.0
 * text_decoder_logits.c - what follows the rows of a step.
 *
 * A logit from 8-bit products errs by some tenths, which matters only where tokens compete: those within MARGIN of the
 * largest are computed once more from the embedding as it is stored. */
#include <math.h>

#include "nn/text_decoder.h"

#define MARGIN 4.0f /* natural logarithm: e^-4 of the likeliest token's probability, ten times what a logit errs by */

static void recompute(const struct text_decoder *d, struct nn_context *ctx, const float *x, float *logits)
{
    enum { BLOCK = 256 };
    int n = d->config.n_vocabulary, n_dims = d->config.n_dims;
    float least = ctx->kernels->largest(logits, n) - MARGIN, *row = ctx->scratch[0];
    for (int at = 0; at < n; at += BLOCK) {
        int size = n - at < BLOCK ? n - at : BLOCK;
        if (ctx->kernels->largest(logits + at, size) < least)
            continue;
        for (int i = at; i < at + size; i++)
            if (logits[i] >= least) {
                tensor_to_f32(d->stored, (size_t)i * (size_t)n_dims, (size_t)n_dims, row);
                logits[i] = ctx->kernels->dot(x, row, n_dims);
            }
    }
}

void text_decoder_state_logits(const struct text_decoder_state *s, struct nn_context *ctx, int first, int n,
                               float *logits)
{
    const struct text_decoder *d = s->decoder;
    ptrdiff_t n_dims = d->config.n_dims, n_vocabulary = d->config.n_vocabulary;
    const float *x = s->x + first * n_dims;
    linear_forward(ctx, &d->output, &(struct linear_rows){x, n_dims, n, logits, n_vocabulary}, NULL);
    for (ptrdiff_t i = 0; i < n && d->stored != NULL; i++)
        recompute(d, ctx, x + i * n_dims, logits + i * n_vocabulary);
}

void text_decoder_state_logprobs(const struct text_decoder_state *s, struct nn_context *ctx, int first, int n,
                                 float *logprobs)
{
    ptrdiff_t n_vocabulary = s->decoder->config.n_vocabulary;
    text_decoder_state_logits(s, ctx, first, n, logprobs);
    for (ptrdiff_t i = 0; i < n; i++)
        ctx->kernels->log_softmax(logprobs + i * n_vocabulary, logprobs + i * n_vocabulary, (int)n_vocabulary);
}
