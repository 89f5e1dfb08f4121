/* SPDX-License-Identifier: Apache-2.0
 * text_decoder_state.c - running a Transformer's decoder.
 *
 *     x = scale * embedding + position
 *     blocks: x += out(self-attention(norm x));  x += out(cross-attention(norm x));  x += back(act(hidden(norm x)))
 *     logits = output(norm x)
 *
 * With post_norm each line is x = norm(x + ...(x)), and there is no norm at the end.
 *
 * All rows go through a block together.  Self-attention reads keys and values row by row from slots, which lie head by
 * head: histories are short, and what a step costs is reading the weights.  Cross-attention goes through packed caches
 * (attention.h). */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/sinusoid.h"
#include "nn/text_decoder.h"

enum { FRAMES_BLOCK = 256 }; /* whose keys and values are under way at once */

/* ---- memory ---- */

int text_decoder_state_open(struct text_decoder_state *s, const struct text_decoder *d, int n_frames,
                            struct message *msg)
{
    const struct text_decoder_config *c = &d->config;
    *s = (struct text_decoder_state){.decoder = d};
    s->cross = mem_array((size_t)c->n_blocks, sizeof *s->cross);
    int rc = s->cross != NULL ? LINNET_OK : fail_memory(msg);
    for (int i = 0; rc >= 0 && i < c->n_blocks; i++)
        rc = attention_cache_open(&s->cross[i], c->n_heads, c->n_dims / c->n_heads, n_frames, 0,
                                  linear_precision(&d->blocks[i].cross_kv), msg);
    if (rc < 0)
        text_decoder_state_close(s);
    return rc;
}

void text_decoder_state_close(struct text_decoder_state *s)
{
    void *arrays[] = {s->frames, s->slots, s->positions, s->row_block};
    for (int i = 0; s->cross != NULL && i < s->decoder->config.n_blocks; i++)
        attention_cache_close(&s->cross[i]);
    mem_free(s->cross);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
    *s = (struct text_decoder_state){0};
}

/* An array whose old contents are not needed. */
static int replace(float **array, size_t n_rows, size_t n_columns)
{
    mem_free(*array);
    *array = mem_array(n_rows, n_columns * sizeof **array);
    return *array != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

static int reserve_rows(struct text_decoder_state *s, int n)
{
    size_t rows = (size_t)n, d = (size_t)s->decoder->config.n_dims, hidden = (size_t)s->decoder->config.n_hidden;
    if (n <= s->n_rows)
        return LINNET_OK;
    mem_free(s->row_block);
    s->row_block = MEM_PARTS(MEM_PART(s->x, rows * d), MEM_PART(s->norm, rows * d), MEM_PART(s->attended, rows * d),
                             MEM_PART(s->wide, rows * (3 * d > hidden ? 3 * d : hidden)));
    s->n_rows = s->row_block != NULL ? n : 0;
    return s->row_block != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

static int reserve_slots(struct text_decoder_state *s, int n)
{
    const struct text_decoder_config *c = &s->decoder->config;
    size_t head = (size_t)(c->n_dims / c->n_heads), n_heads = 2 * (size_t)c->n_blocks * (size_t)c->n_heads;
    size_t n_old = (size_t)s->n_slots * head, n_new = (size_t)n * head;
    if (n <= s->n_slots)
        return LINNET_OK;
    float *fresh = mem_sparse(n_heads, n_new * sizeof *fresh); /* each head's are far apart, and few are used */
    if (fresh == NULL)
        return LINNET_E_MEMORY;
    for (size_t i = 0; i < n_heads && n_old > 0; i++)
        memcpy(fresh + i * n_new, s->slots + i * n_old, n_old * sizeof *fresh);
    mem_free(s->slots);
    s->slots = fresh;
    s->n_slots = n;
    return LINNET_OK;
}

static int reserve_positions(struct text_decoder_state *s, int n)
{
    const struct text_decoder_config *c = &s->decoder->config;
    if (c->n_positions > 0 || n <= s->n_positions)
        return LINNET_OK;
    n += n / 2 + 32;
    s->n_positions = 0;
    if (replace(&s->positions, (size_t)n, (size_t)c->n_dims) < 0)
        return LINNET_E_MEMORY;
    s->n_positions = n;
    nn_sinusoid(0, n, c->n_dims, s->positions);
    return LINNET_OK;
}

/* Scratch for products, and n floats for scores. */
static int reserve_scratch(const struct text_decoder *d, struct nn_context *ctx, size_t n, struct message *msg)
{
    const size_t needs[] = {n, linear_scratch(&d->output), linear_scratch(&d->blocks[0].back)};
    int rc = LINNET_OK;
    for (int i = 0; rc >= 0 && i < 3; i++)
        rc = nn_context_reserve(ctx, needs[i], msg);
    return rc;
}

int text_decoder_state_reserve(struct text_decoder_state *s, struct nn_context *ctx, int n_rows, int n_slots,
                               int n_positions, struct message *msg)
{
    int most = s->decoder->config.n_positions;
    if (most > 0 && n_positions > most)
        return fail(msg, LINNET_E_ARGUMENT, "a text of %d tokens: the model has positions for %d", n_positions, most);
    if (n_positions > INT_MAX / 2 || reserve_rows(s, n_rows) < 0 || reserve_slots(s, n_slots) < 0 ||
        reserve_positions(s, n_positions) < 0)
        return fail_memory(msg);
    return reserve_scratch(s->decoder, ctx, (size_t)(most > 0 ? most : s->n_positions), msg);
}

/* ---- the encoder's states ---- */

int text_decoder_state_reserve_frames(struct text_decoder_state *s, struct nn_context *ctx, int n, struct message *msg)
{
    const struct text_decoder_config *c = &s->decoder->config;
    int n_all = text_decoder_state_frames(s) + n;
    int rc = reserve_scratch(s->decoder, ctx, attention_scratch(n_all, c->n_dims / c->n_heads), msg);
    int n_block = n < FRAMES_BLOCK ? n : FRAMES_BLOCK;
    if (rc >= 0 && n_block > s->n_frames) {
        s->n_frames = 0;
        if (replace(&s->frames, (size_t)n_block, 2 * (size_t)c->n_dims) < 0)
            return fail_memory(msg);
        s->n_frames = n_block;
    }
    for (int i = 0; rc >= 0 && i < c->n_blocks; i++)
        rc = attention_cache_reserve(&s->cross[i], n, msg);
    return rc;
}

void text_decoder_state_append(struct text_decoder_state *s, struct nn_context *ctx, const float *states, int n)
{
    const struct text_decoder *d = s->decoder;
    ptrdiff_t n_dims = d->config.n_dims;
    for (int i = 0; i < d->config.n_blocks; i++)
        for (int at = 0; at < n; at += FRAMES_BLOCK) {
            int size = n - at < FRAMES_BLOCK ? n - at : FRAMES_BLOCK;
            const struct linear_rows rows = {states + at * n_dims, n_dims, size, s->frames, 2 * n_dims};
            linear_forward(ctx, &d->blocks[i].cross_kv, &rows, NULL);
            attention_cache_append(
                ctx, &s->cross[i],
                &(struct attention_keys){s->frames, 2 * n_dims, s->frames + n_dims, 2 * n_dims, NULL, size});
        }
}

void text_decoder_state_keep(struct text_decoder_state *s, int n)
{
    for (int i = 0; i < s->decoder->config.n_blocks; i++)
        attention_cache_keep(&s->cross[i], n);
}

void text_decoder_state_cut(struct text_decoder_state *s, int n)
{
    for (int i = 0; i < s->decoder->config.n_blocks; i++)
        attention_cache_cut(&s->cross[i], n);
}

void text_decoder_state_clear(struct text_decoder_state *s)
{
    for (int i = 0; i < s->decoder->config.n_blocks; i++)
        attention_cache_clear(&s->cross[i]);
}

/* ---- a step ---- */

struct self_attention {
    struct text_decoder_state *s;
    const struct nn_context *ctx;
    const struct text_row *rows;
    int n_rows;
    float *keys, *values; /* [H][n_slots][d] of the block */
};

/* Puts the row's key and value, those of each head, into its slot. */
static void keep_row(const struct self_attention *a, int row)
{
    const struct text_decoder_config *c = &a->s->decoder->config;
    int d = c->n_dims / c->n_heads, slot = a->rows[row].slots[a->rows[row].position];
    const float *key = a->s->wide + ((ptrdiff_t)row * 3 + 1) * c->n_dims, *value = key + c->n_dims;
    for (int h = 0; h < c->n_heads; h++) {
        ptrdiff_t to = ((ptrdiff_t)h * a->s->n_slots + slot) * d;
        memcpy(a->keys + to, key + (ptrdiff_t)h * d, (size_t)d * sizeof *key);
        memcpy(a->values + to, value + (ptrdiff_t)h * d, (size_t)d * sizeof *value);
    }
}

/* Task i: head i / n_rows, row i % n_rows: rows share most of their keys. */
static void attend(void *arg, int i, int i_thread)
{
    const struct self_attention *a = arg;
    const struct nn_kernels *kernels = a->ctx->kernels;
    const struct text_decoder_config *c = &a->s->decoder->config;
    int head = i / a->n_rows, row = i % a->n_rows, d = c->n_dims / c->n_heads, n = a->rows[row].position + 1;
    const int *slots = a->rows[row].slots;
    ptrdiff_t at = (ptrdiff_t)head * d, first = at * a->s->n_slots;
    float *scores = a->ctx->scratch[i_thread];
    kernels->gather_dots(a->s->wide + (ptrdiff_t)row * 3 * c->n_dims + at, d, a->keys + first, slots, d, n,
                         1.0f / sqrtf((float)d), scores);
    kernels->softmax(scores, n);
    kernels->gather_sum(scores, a->values + first, slots, d, n, d, a->s->attended + (ptrdiff_t)row * c->n_dims + at);
}

static void self_attend(struct text_decoder_state *s, struct nn_context *ctx, int block, const struct text_row *rows,
                        int n_rows)
{
    const struct text_decoder_config *c = &s->decoder->config;
    ptrdiff_t plane = (ptrdiff_t)s->n_slots * c->n_dims;
    float *keys = s->slots + 2 * block * plane;
    struct self_attention a = {s, ctx, rows, n_rows, keys, keys + plane};
    int64_t work = 0;
    for (int i = 0; i < n_rows; i++) {
        keep_row(&a, i);
        work += (int64_t)rows[i].position * c->n_dims;
    }
    pool_run(work > 1 << 15 ? ctx->pool : NULL, attend, &a, n_rows * c->n_heads);
}

static void normalize(const struct text_decoder_state *s, const struct nn_context *ctx, const struct layer_norm *norm,
                      float *y, int n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        ctx->kernels->layer_norm(s->x + i * norm->n, y + i * norm->n, norm->n, norm->gamma, norm->beta,
                                 s->decoder->config.norm_eps);
}

/* The input of a layer: the rows themselves with post_norm, else their norm. */
static const float *before(struct text_decoder_state *s, const struct nn_context *ctx, const struct layer_norm *norm,
                           int n)
{
    if (s->decoder->config.post_norm)
        return s->x;
    normalize(s, ctx, norm, s->norm, n);
    return s->norm;
}

/* x += the layer of y [n, l->n_in]. */
static void add(struct text_decoder_state *s, struct nn_context *ctx, const struct linear *l, const float *y, int n,
                const struct layer_norm *norm)
{
    static const struct linear_how sum = {.add = 1, .scale = 1.0f};
    linear_forward(ctx, l, &(struct linear_rows){y, l->n_in, n, s->x, l->n_out}, &sum);
    if (s->decoder->config.post_norm)
        normalize(s, ctx, norm, s->x, n);
}

static void cross_attend(struct text_decoder_state *s, struct nn_context *ctx, int block, int n,
                         const struct text_cross *cross)
{
    const struct text_decoder_config *c = &s->decoder->config;
    struct attention a = {.q = s->wide, .ldq = c->n_dims, .n_rows = n, .out = s->attended, .ldout = c->n_dims};
    a.scale = 1.0f / sqrtf((float)s->cross[block].head_dims);
    if (cross != NULL) {
        a.begin = cross->begin;
        a.end = cross->end;
        a.weights = cross->weights;
        a.weights_index = cross->taps != NULL ? cross->taps + block * c->n_heads : NULL;
    }
    attention_forward(ctx, &s->cross[block], &a);
}

static void run_block(struct text_decoder_state *s, struct nn_context *ctx, int block, const struct text_row *rows,
                      int n, const struct text_cross *cross)
{
    const struct text_decoder_block *b = &s->decoder->blocks[block];
    const struct linear_how activate = {.act = s->decoder->config.activation};
    ptrdiff_t d = s->decoder->config.n_dims, hidden = s->decoder->config.n_hidden;
    linear_forward(ctx, &b->qkv, &(struct linear_rows){before(s, ctx, &b->norm[0], n), d, n, s->wide, 3 * d}, NULL);
    self_attend(s, ctx, block, rows, n);
    add(s, ctx, &b->out, s->attended, n, &b->norm[0]);
    linear_forward(ctx, &b->cross_q, &(struct linear_rows){before(s, ctx, &b->norm[1], n), d, n, s->wide, d}, NULL);
    cross_attend(s, ctx, block, n, cross);
    add(s, ctx, &b->cross_out, s->attended, n, &b->norm[1]);
    linear_forward(ctx, &b->hidden, &(struct linear_rows){before(s, ctx, &b->norm[2], n), d, n, s->wide, hidden},
                   &activate);
    add(s, ctx, &b->back, s->wide, n, &b->norm[2]);
}

static void embed(struct text_decoder_state *s, const struct nn_context *ctx, const struct text_row *row, float *x)
{
    const struct text_decoder *d = s->decoder;
    const float *positions = d->positions != NULL ? d->positions : s->positions;
    ptrdiff_t n_dims = d->config.n_dims;
    if (d->stored != NULL)
        tensor_to_f32(d->stored, (size_t)row->token * (size_t)n_dims, (size_t)n_dims, x);
    else if (d->embedding != NULL)
        memcpy(x, d->embedding + row->token * n_dims, (size_t)n_dims * sizeof *x);
    else
        linear_row(&d->output, row->token, x);
    for (ptrdiff_t i = 0; i < n_dims; i++)
        x[i] *= d->config.embedding_scale;
    ctx->kernels->add(x, positions + row->position * n_dims, (int)n_dims, 1.0f);
}

void text_decoder_state_step(struct text_decoder_state *s, struct nn_context *ctx, const struct text_row *rows, int n,
                             const struct text_cross *cross)
{
    const struct text_decoder *d = s->decoder;
    for (int i = 0; i < n; i++)
        embed(s, ctx, &rows[i], s->x + (ptrdiff_t)i * d->config.n_dims);
    for (int i = 0; i < d->config.n_blocks; i++)
        run_block(s, ctx, i, rows, n, cross);
    if (!d->config.post_norm)
        normalize(s, ctx, &d->norm, s->x, n);
}
