/* SPDX-License-Identifier: Apache-2.0
 * conformer_blocks.c - frames through the blocks of WeNet's encoders.
 *
 *     pre-norm: x += s * f(norm(x)), post-norm: x = norm(x + s * f(x)), for f = macaron feed-forward, attention,
 *     convolution, feed-forward; s = 1/2 for a pair of feed-forward layers, else 1; then the block's last norm.
 *
 * WeNet's relative attention takes the encoding P of the key's absolute position: with W the position layer, its score
 * is ((q + u) k + (q + v) W P) / sqrt(d) = (q (k + W P) + u k + v W P) / sqrt(d): ordinary attention to the key k + W P
 * and a number for each key and head, both made once, when the key comes.
 *
 * What a stream keeps of the convolution is its gated input, behind the first layer: WeNet keeps what goes into that
 * and computes it again for each chunk.  Results for a row do not depend on the rows beside it, so that chunks give the
 * same bits as masks. */
#include "encoder/conformer_blocks.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/sinusoid.h"

#define ROWS 224 /* of wide layers at a time: four blocks of linear.c */

static int inner_dims(const struct conformer_config *c) { return c->n_dims * c->inner_factor / 2; }

/* ---- memory ---- */

static size_t context_floats(const struct conformer_config *c) /* of a block */
{
    return c->convolution ? (size_t)(c->kernel - 1) * (size_t)inner_dims(c) : 0;
}

static int buffers_open(struct conformer_blocks *w, struct message *msg)
{
    const struct conformer_config *c = &w->model->config;
    size_t n = (size_t)w->max_frames, d = (size_t)c->n_dims, e = (size_t)inner_dims(c), rows = n < ROWS ? n : ROWS;
    size_t wide = 3 * d > (size_t)c->n_hidden ? 3 * d : (size_t)c->n_hidden;
    wide = wide > 2 * e ? wide : 2 * e;
    w->block = MEM_PARTS(MEM_PART(w->x, n * d), MEM_PART(w->positions, n * d), MEM_PART(w->q, n * d),
                         MEM_PART(w->attended, n * d), MEM_PART(w->gated, context_floats(c) + n * e),
                         MEM_PART(w->norm, rows * d), MEM_PART(w->position, rows * d),
                         MEM_PART(w->bias, rows * (size_t)c->n_heads), MEM_PART(w->wide, rows * wide));
    return w->block != NULL ? LINNET_OK : fail_memory(msg);
}

static int scratch_reserve(struct conformer_blocks *w, int keys, struct message *msg)
{
    const struct conformer_block *b = &w->model->blocks[0];
    const struct linear *layers[] = {&b->feed_forward.hidden, &b->feed_forward.back, &b->attention.qkv,
                                     &b->convolution.in, &b->convolution.out};
    size_t n = attention_scratch(keys, w->model->config.n_dims / w->model->config.n_heads);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        n = linear_scratch(layers[i]) > n ? linear_scratch(layers[i]) : n;
    return nn_context_reserve(w->ctx, n, msg);
}

int conformer_blocks_open(struct conformer_blocks *w, const struct conformer *m, struct nn_context *ctx, int max_frames,
                          int keys, int is_stream, struct message *msg)
{
    const struct conformer_config *c = &m->config;
    *w = (struct conformer_blocks){.model = m, .ctx = ctx, .max_frames = max_frames};
    int n_caches = is_stream ? c->n_blocks : 1, rc;
    w->caches = mem_array((size_t)n_caches, sizeof *w->caches);
    w->contexts = is_stream ? mem_array((size_t)c->n_blocks * context_floats(c), sizeof *w->contexts) : NULL;
    if (w->caches == NULL || (is_stream && w->contexts == NULL)) {
        rc = fail_memory(msg);
        goto fail;
    }
    if ((rc = subsampling_state_open(&w->input, &m->subsampling, ctx, msg)) < 0 || (rc = buffers_open(w, msg)) < 0 ||
        (rc = scratch_reserve(w, keys, msg)) < 0)
        goto fail;
    for (; w->n_caches < n_caches; w->n_caches++)
        if ((rc = attention_cache_open(&w->caches[w->n_caches], c->n_heads, c->n_dims / c->n_heads, keys,
                                       c->relative_attention, linear_precision(&m->blocks[0].attention.qkv), msg)) < 0)
            goto fail;
    conformer_blocks_reset(w);
    return LINNET_OK;
fail:
    conformer_blocks_close(w);
    return rc;
}

void conformer_blocks_close(struct conformer_blocks *w)
{
    mem_free(w->block);
    mem_free(w->contexts);
    for (int i = 0; i < w->n_caches; i++)
        attention_cache_close(&w->caches[i]);
    mem_free(w->caches);
    subsampling_state_close(&w->input);
    *w = (struct conformer_blocks){0};
}

static void context_clear(const struct conformer *m, int i_block, float *context)
{
    int e = inner_dims(&m->config);
    for (int k = 0; k < m->config.kernel - 1; k++)
        memcpy(context + (ptrdiff_t)k * e, m->blocks[i_block].convolution.before, (size_t)e * sizeof *context);
}

void conformer_blocks_reset(struct conformer_blocks *w)
{
    for (int i = 0; i < w->n_caches; i++)
        attention_cache_clear(&w->caches[i]);
    for (int i = 0; w->contexts != NULL && w->model->config.convolution && i < w->model->config.n_blocks; i++)
        context_clear(w->model, i, w->contexts + (size_t)i * context_floats(&w->model->config));
}

/* ---- layers ---- */

static void normalize(const struct conformer_blocks *w, const struct layer_norm *l, const float *x, float *y, int n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        w->ctx->kernels->layer_norm(x + i * l->n, y + i * l->n, l->n, l->gamma, l->beta, w->model->config.norm_eps);
}

/* The input of a layer: the frames themselves, or in pre-norm models their norm. */
static const float *layer_input(const struct conformer_blocks *w, const struct layer_norm *l, const float *x, int n)
{
    if (!w->model->config.pre_norm)
        return x;
    normalize(w, l, x, w->norm, n);
    return w->norm;
}

/* Adds a layer's last product to the frames, and in post-norm models normalises them. */
static void layer_output(const struct conformer_blocks *w, const struct linear *out, const float *from,
                         const struct layer_norm *l, float scale, float *x, int n)
{
    struct linear_how add = {.add = 1, .scale = scale};
    linear_forward(w->ctx, out, &(struct linear_rows){from, out->n_in, n, x, out->n_out}, &add);
    if (!w->model->config.pre_norm)
        normalize(w, l, x, x, n);
}

static int rows_from(int row, int n) { return n - row < ROWS ? n - row : ROWS; }

static void feed_forward(const struct conformer_blocks *w, const struct conformer_feed_forward *f, float scale, int n)
{
    const struct conformer_config *c = &w->model->config;
    struct linear_how act = {.act = c->activation};
    for (int row = 0; row < n; row += ROWS) {
        int rows = rows_from(row, n);
        float *x = w->x + (ptrdiff_t)row * c->n_dims;
        linear_forward(w->ctx, &f->hidden,
                       &(struct linear_rows){layer_input(w, &f->norm, x, rows), c->n_dims, rows, w->wide, c->n_hidden},
                       &act);
        layer_output(w, &f->back, w->wide, &f->norm, scale, x, rows);
    }
}

/* Makes keys k [n, ldk] into k + W P, and their biases, from positions [n, D]. */
static void place_keys(const struct conformer_blocks *w, const struct conformer_attention *a, const float *positions,
                       float *k, ptrdiff_t ldk, int n)
{
    const struct conformer_config *c = &w->model->config;
    int d = c->n_dims, dims = d / c->n_heads;
    float scale = 1.0f / sqrtf((float)dims);
    linear_forward(w->ctx, &a->position, &(struct linear_rows){positions, d, n, w->position, d}, NULL);
    for (int i = 0; i < n; i++, k += ldk) {
        const float *p = w->position + (ptrdiff_t)i * d;
        for (int h = 0; h < c->n_heads; h++) {
            float uk = w->ctx->kernels->dot(a->bias_u + h * dims, k + h * dims, dims);
            float vp = w->ctx->kernels->dot(a->bias_v + h * dims, p + h * dims, dims);
            w->bias[i * c->n_heads + h] = scale * (uk + vp);
        }
        w->ctx->kernels->add(k, p, d, 1.0f);
    }
}

static void attention(const struct conformer_blocks *w, const struct conformer_attention *a,
                      struct attention_cache *cache, int n, const int *begin, const int *end)
{
    const struct conformer_config *c = &w->model->config;
    ptrdiff_t d = c->n_dims;
    for (int row = 0; row < n; row += ROWS) {
        int rows = rows_from(row, n);
        linear_forward(w->ctx, &a->qkv,
                       &(struct linear_rows){layer_input(w, &a->norm, w->x + row * d, rows), d, rows, w->wide, 3 * d},
                       NULL);
        for (int i = 0; i < rows; i++)
            memcpy(w->q + (row + i) * d, w->wide + i * 3 * d, (size_t)d * sizeof *w->q);
        if (c->relative_attention)
            place_keys(w, a, w->positions + row * d, w->wide + d, 3 * d, rows);
        attention_cache_append(w->ctx, cache,
                               &(struct attention_keys){w->wide + d, 3 * d, w->wide + 2 * d, 3 * d,
                                                        c->relative_attention ? w->bias : NULL, rows});
    }
    struct attention how = {
        .q = w->q, .ldq = d, .n_rows = n, .begin = begin, .end = end, .out = w->attended, .ldout = d};
    how.scale = 1.0f / sqrtf((float)cache->head_dims);
    attention_forward(w->ctx, cache, &how);
    for (int row = 0; row < n; row += ROWS)
        layer_output(w, &a->out, w->attended + row * d, &a->norm, 1.0f, w->x + row * d, rows_from(row, n));
}

/* The gated inputs of n frames. */
static void gate(const struct conformer_blocks *w, const struct conformer_convolution *v, float *gated, int n)
{
    ptrdiff_t d = w->model->config.n_dims, e = inner_dims(&w->model->config);
    for (int row = 0; row < n; row += ROWS) {
        int rows = rows_from(row, n);
        linear_forward(w->ctx, &v->in,
                       &(struct linear_rows){layer_input(w, &v->norm, w->x + row * d, rows), d, rows, w->wide, 2 * e},
                       NULL);
        for (int i = 0; i < rows; i++)
            w->ctx->kernels->glu(w->wide + i * 2 * e, w->wide + i * 2 * e + e, gated + (row + i) * e, (int)e);
    }
}

static void convolution(const struct conformer_blocks *w, int i_block, int n)
{
    const struct conformer_config *c = &w->model->config;
    const struct conformer_convolution *v = &w->model->blocks[i_block].convolution;
    const struct nn_kernels *kernels = w->ctx->kernels;
    ptrdiff_t d = c->n_dims, e = inner_dims(c);
    int before = c->causal ? c->kernel - 1 : (c->kernel - 1) / 2;
    size_t context = context_floats(c);
    if (w->contexts != NULL)
        memcpy(w->gated, w->contexts + (size_t)i_block * context, context * sizeof *w->gated);
    else
        context_clear(w->model, i_block, w->gated);
    gate(w, v, w->gated + before * e, n);
    if (!c->causal)
        memset(w->gated + (before + n) * e, 0, (size_t)(before * e) * sizeof *w->gated);
    if (w->contexts != NULL)
        memcpy(w->contexts + (size_t)i_block * context, w->gated + n * e, context * sizeof *w->gated);
    w->ctx->work.products[DTYPE_F32][DTYPE_F32] += (double)(n * e) * c->kernel;
    for (int row = 0; row < n; row += ROWS) {
        int rows = rows_from(row, n);
        kernels->depthwise(w->gated + row * e, v->weights, v->bias, w->wide, rows, (int)e, c->kernel);
        for (int i = 0; i < rows && !c->batch_norm; i++)
            kernels->layer_norm(w->wide + i * e, w->wide + i * e, (int)e, v->inner.gamma, v->inner.beta,
                                c->convolution_eps);
        kernels->activate(w->wide, (int)(rows * e), c->activation);
        layer_output(w, &v->out, w->wide, &v->norm, 1.0f, w->x + row * d, rows);
    }
}

void conformer_blocks_forward(struct conformer_blocks *w, int n, int first, const int *begin, const int *end,
                              float *out)
{
    const struct conformer *m = w->model;
    const struct conformer_config *c = &m->config;
    if (c->relative_attention && c->position != CONFORMER_POSITION_NONE)
        nn_sinusoid(first, n, c->n_dims, w->positions);
    for (int i = 0; i < c->n_blocks; i++) {
        const struct conformer_block *b = &m->blocks[i];
        struct attention_cache *cache = &w->caches[i % w->n_caches];
        if (w->contexts == NULL)
            attention_cache_clear(cache);
        if (c->macaron)
            feed_forward(w, &b->macaron, 0.5f, n);
        attention(w, &b->attention, cache, n, begin, end);
        if (c->convolution)
            convolution(w, i, n);
        feed_forward(w, &b->feed_forward, c->macaron ? 0.5f : 1.0f, n);
        if (c->convolution)
            normalize(w, &b->final, w->x, w->x, n);
    }
    if (c->pre_norm && c->final_norm)
        normalize(w, &m->norm, w->x, out, n);
    else
        memcpy(out, w->x, (size_t)n * (size_t)c->n_dims * sizeof *out);
}

int conformer_blocks_embed(struct conformer_blocks *w, const float *features, int n_features, int first)
{
    const struct conformer *m = w->model;
    int n = subsampling_forward(w->ctx, &m->subsampling, &w->input, features, n_features, w->x), d = m->config.n_dims;
    if (m->config.position == CONFORMER_POSITION_NONE)
        return n;
    float scale = sqrtf((float)d);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n * d; i++)
        w->x[i] *= scale;
    if (m->config.position == CONFORMER_POSITION_ADDED) {
        nn_sinusoid(first, n, d, w->positions);
        for (ptrdiff_t i = 0; i < n; i++)
            w->ctx->kernels->add(w->x + i * d, w->positions + i * d, d, 1.0f);
    }
    return n;
}
