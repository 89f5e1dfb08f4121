/* SPDX-License-Identifier: Apache-2.0
 * text_decoder_logits.c - what follows the rows of a step.
 *
 * A logit from 8-bit products errs by some tenths, which matters only where tokens compete: those within MARGIN of the
 * largest are computed once more from the embedding as it is stored. */
#include <math.h>
#include <string.h>

#include "nn/text_decoder.h"

#define MARGIN 4.0f /* natural logarithm: e^-4 of the likeliest token's probability, ten times what a logit errs by */

/* row [D] is scratch. */
static void recompute(const struct text_decoder *d, const struct nn_kernels *kernels, const float *x, float *row,
                      float *logits)
{
    enum { BLOCK = 256 };
    int n = d->config.n_vocabulary, n_dims = d->config.n_dims;
    float least = kernels->largest(logits, n) - MARGIN;
    for (int at = 0; at < n; at += BLOCK) {
        int size = n - at < BLOCK ? n - at : BLOCK;
        if (kernels->largest(logits + at, size) < least)
            continue;
        for (int i = at; i < at + size; i++)
            if (logits[i] >= least) {
                tensor_to_f32(d->stored, (size_t)i * (size_t)n_dims, (size_t)n_dims, row);
                logits[i] = kernels->dot(x, row, n_dims);
            }
    }
}

struct recomputing {
    const struct text_decoder *d;
    struct nn_context *ctx;
    const float *x;
    float *logits;
};

static void recompute_row(void *arg, int i, int i_thread)
{
    const struct recomputing *r = arg;
    const struct text_decoder_config *c = &r->d->config;
    recompute(r->d, r->ctx->kernels, r->x + (ptrdiff_t)i * c->n_dims, r->ctx->scratch[i_thread],
              r->logits + (ptrdiff_t)i * c->n_vocabulary);
}

/* Of x [n, D]. */
static void make_logits(const struct text_decoder *d, struct nn_context *ctx, const float *x, int n, float *logits)
{
    linear_forward(ctx, &d->output, &(struct linear_rows){x, d->config.n_dims, n, logits, d->config.n_vocabulary},
                   NULL);
    if (d->stored != NULL)
        pool_run(ctx->pool, recompute_row, &(struct recomputing){d, ctx, x, logits}, n);
}

void text_decoder_logits(const struct text_decoder *d, struct nn_context *ctx, struct text_work *w, const int *wanted,
                         int n, float *logits)
{
    ptrdiff_t n_dims = d->config.n_dims;
    for (ptrdiff_t i = 0; i < n; i++) /* norm is free after a step */
        memcpy(w->norm + i * n_dims, w->x + wanted[i] * n_dims, (size_t)n_dims * sizeof *w->x);
    make_logits(d, ctx, w->norm, n, logits);
}

void text_decoder_state_logits(const struct text_decoder_state *s, struct nn_context *ctx, int first, int n,
                               float *logits)
{
    make_logits(s->decoder, ctx, s->work.x + (ptrdiff_t)first * s->decoder->config.n_dims, n, logits);
}

void text_decoder_state_logprobs(const struct text_decoder_state *s, struct nn_context *ctx, int first, int n,
                                 float *logprobs)
{
    ptrdiff_t n_vocabulary = s->decoder->config.n_vocabulary;
    text_decoder_state_logits(s, ctx, first, n, logprobs);
    for (ptrdiff_t i = 0; i < n; i++)
        ctx->kernels->log_softmax(logprobs + i * n_vocabulary, logprobs + i * n_vocabulary, (int)n_vocabulary);
}
