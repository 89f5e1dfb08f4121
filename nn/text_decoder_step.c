/* SPDX-License-Identifier: Apache-2.0
 * text_decoder_step.c - running a Transformer's decoder.
 *
 *     x = scale * embedding + position
 *     blocks: x += out(self-attention(norm x));  x += out(cross-attention(norm x));  x += back(act(hidden(norm x)))
 *     logits = output(norm x)
 *
 * With post_norm each line is x = norm(x + ...(x)), and there is no norm at the end.
 *
 * All rows go through a block together, those of all parts: what a step costs is reading the weights.  Attention is
 * each part's own.  Self-attention reads keys and values row by row from slots, which lie head by head: histories are
 * short.  Cross-attention goes through packed caches (attention.h). */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/text_decoder.h"

int text_work_reserve(struct text_work *w, const struct text_decoder *d, int n_rows)
{
    size_t rows = (size_t)n_rows, dims = (size_t)d->config.n_dims, hidden = (size_t)d->config.n_hidden;
    if (n_rows <= w->n_rows)
        return LINNET_OK;
    struct text_work more = {.n_rows = n_rows};
    more.block =
        MEM_PARTS(MEM_PART(more.x, rows * dims), MEM_PART(more.norm, rows * dims), MEM_PART(more.attended, rows * dims),
                  MEM_PART(more.wide, rows * (3 * dims > hidden ? 3 * dims : hidden)));
    if (more.block == NULL)
        return LINNET_E_MEMORY;
    text_work_close(w);
    *w = more;
    return LINNET_OK;
}

void text_work_close(struct text_work *w)
{
    mem_free(w->block);
    *w = (struct text_work){0};
}

/* A step under way. */
struct step {
    const struct text_decoder *d;
    struct nn_context *ctx;
    struct text_work *w;
    const struct text_part *parts;
    int n_parts, n_rows; /* of all parts */
    int block;
};

/* ---- self-attention ---- */

/* Keys of the block in the slots of a state, [H][n_slots][d]; the values lie behind them. */
static float *slot_keys(const struct step *s, const struct text_decoder_state *state, ptrdiff_t *plane)
{
    *plane = (ptrdiff_t)state->n_slots * s->d->config.n_dims;
    return state->slots + 2 * s->block * *plane;
}

/* Puts the key and value of a part's row, those of each head, into its slot; wide: queries, keys, values of it. */
static void keep_row(const struct step *s, const struct text_part *part, int row, const float *wide)
{
    const struct text_decoder_config *c = &s->d->config;
    int d = c->n_dims / c->n_heads, slot = part->rows[row].slots[part->rows[row].position];
    const float *key = wide + c->n_dims, *value = key + c->n_dims;
    ptrdiff_t plane;
    float *keys = slot_keys(s, part->state, &plane), *values = keys + plane;
    for (int h = 0; h < c->n_heads; h++) {
        ptrdiff_t to = ((ptrdiff_t)h * part->state->n_slots + slot) * d;
        memcpy(keys + to, key + (ptrdiff_t)h * d, (size_t)d * sizeof *key);
        memcpy(values + to, value + (ptrdiff_t)h * d, (size_t)d * sizeof *value);
    }
}

/* Task i: head i / n_rows, row i % n_rows: rows of a part share most of their keys. */
static void attend_row(void *arg, int i, int i_thread)
{
    const struct step *s = arg;
    const struct nn_kernels *kernels = s->ctx->kernels;
    const struct text_decoder_config *c = &s->d->config;
    int head = i / s->n_rows, row = i % s->n_rows, row_in_part = row, d = c->n_dims / c->n_heads;
    const struct text_part *part = s->parts;
    for (; row_in_part >= part->n; part++)
        row_in_part -= part->n;
    int n = part->rows[row_in_part].position + 1;
    const int *slots = part->rows[row_in_part].slots;
    ptrdiff_t plane, at = (ptrdiff_t)head * d, first = at * part->state->n_slots;
    const float *keys = slot_keys(s, part->state, &plane), *values = keys + plane;
    float *scores = s->ctx->scratch[i_thread];
    kernels->gather_dots(s->w->wide + (ptrdiff_t)row * 3 * c->n_dims + at, d, keys + first, slots, d, n,
                         1.0f / sqrtf((float)d), scores);
    kernels->softmax(scores, n);
    kernels->gather_sum(scores, values + first, slots, d, n, d, s->w->attended + (ptrdiff_t)row * c->n_dims + at);
}

static void self_attend(struct step *s)
{
    const struct text_decoder_config *c = &s->d->config;
    const float *wide = s->w->wide;
    int64_t work = 0;
    for (const struct text_part *p = s->parts; p < s->parts + s->n_parts; p++)
        for (int i = 0; i < p->n; i++, wide += 3 * (ptrdiff_t)c->n_dims) {
            keep_row(s, p, i, wide);
            work += (int64_t)p->rows[i].position * c->n_dims;
        }
    pool_run(work > 1 << 13 ? s->ctx->pool : NULL, attend_row, s, s->n_rows * c->n_heads);
}

/* ---- cross-attention ---- */

/* Of a part, whose rows are those from `row` on. */
static void cross_attend(const struct step *s, struct nn_context *ctx, const struct text_part *part, int row)
{
    const struct text_decoder_config *c = &s->d->config;
    const struct attention_cache cache = attention_cache_heads(&part->state->cross, s->block * c->n_heads, c->n_heads);
    const struct text_cross *cross = part->cross;
    ptrdiff_t at = (ptrdiff_t)row * c->n_dims;
    struct attention a = {.q = s->w->wide + at, .ldq = c->n_dims, .n_rows = part->n, .ldout = c->n_dims};
    a.out = s->w->attended + at;
    a.scale = 1.0f / sqrtf((float)cache.head_dims);
    if (cross != NULL) {
        a.begin = cross->begin;
        a.end = cross->end;
        a.weights = cross->weights;
        a.weights_index = cross->taps != NULL ? cross->taps + s->block * c->n_heads : NULL;
    }
    attention_forward(ctx, &cache, &a);
}

/* Task i: all heads of part i, by this thread alone; its work is not counted. */
static void cross_attend_part(void *arg, int i, int i_thread)
{
    const struct step *s = arg;
    struct nn_context mine = {.kernels = s->ctx->kernels,
                              .n_threads = 1,
                              .n_floats = s->ctx->n_floats,
                              .scratch = &s->ctx->scratch[i_thread]};
    int row = 0;
    for (int k = 0; k < i; k++)
        row += s->parts[k].n;
    cross_attend(s, &mine, &s->parts[i], row);
}

/* Where there are enough parts for all threads a part is a task, else a head is. */
static void cross_attend_all(struct step *s)
{
    int row = 0;
    if (s->n_parts >= 2 * s->ctx->n_threads) {
        pool_run(s->ctx->pool, cross_attend_part, s, s->n_parts);
        return;
    }
    for (int i = 0; i < s->n_parts; row += s->parts[i++].n)
        cross_attend(s, s->ctx, &s->parts[i], row);
}

/* ---- layers ---- */

static void normalize(const struct step *s, const struct layer_norm *norm, float *y)
{
    for (ptrdiff_t i = 0; i < s->n_rows; i++)
        s->ctx->kernels->layer_norm(s->w->x + i * norm->n, y + i * norm->n, norm->n, norm->gamma, norm->beta,
                                    s->d->config.norm_eps);
}

/* wide [n_rows, l->n_out] = the layer of the rows: of themselves with post_norm, else of their norm. */
static void widen(struct step *s, const struct layer_norm *norm, const struct linear *l, const struct linear_how *how)
{
    if (!s->d->config.post_norm)
        normalize(s, norm, s->w->norm);
    const float *x = s->d->config.post_norm ? s->w->x : s->w->norm;
    linear_forward(s->ctx, l, &(struct linear_rows){x, l->n_in, s->n_rows, s->w->wide, l->n_out}, how);
}

/* x += the layer of y [n_rows, l->n_in]. */
static void add(struct step *s, const struct linear *l, const float *y, const struct layer_norm *norm)
{
    static const struct linear_how sum = {.add = 1, .scale = 1.0f};
    linear_forward(s->ctx, l, &(struct linear_rows){y, l->n_in, s->n_rows, s->w->x, l->n_out}, &sum);
    if (s->d->config.post_norm)
        normalize(s, norm, s->w->x);
}

static void run_block(struct step *s)
{
    const struct text_decoder_block *b = &s->d->blocks[s->block];
    const struct linear_how activate = {.act = s->d->config.activation};
    widen(s, &b->norm[0], &b->qkv, NULL);
    self_attend(s);
    add(s, &b->out, s->w->attended, &b->norm[0]);
    widen(s, &b->norm[1], &b->cross_q, NULL);
    cross_attend_all(s);
    add(s, &b->cross_out, s->w->attended, &b->norm[1]);
    widen(s, &b->norm[2], &b->hidden, &activate);
    add(s, &b->back, s->w->wide, &b->norm[2]);
}

static void embed(const struct step *s, const struct text_decoder_state *state, const struct text_row *row, float *x)
{
    const struct text_decoder *d = s->d;
    const float *positions = d->positions != NULL ? d->positions : state->positions;
    ptrdiff_t n_dims = d->config.n_dims;
    if (d->stored != NULL)
        tensor_to_f32(d->stored, (size_t)row->token * (size_t)n_dims, (size_t)n_dims, x);
    else if (d->embedding != NULL)
        memcpy(x, d->embedding + row->token * n_dims, (size_t)n_dims * sizeof *x);
    else
        linear_row(&d->output, row->token, x);
    for (ptrdiff_t i = 0; i < n_dims; i++)
        x[i] *= d->config.embedding_scale;
    s->ctx->kernels->add(x, positions + row->position * n_dims, (int)n_dims, 1.0f);
}

void text_decoder_step(const struct text_decoder *d, struct nn_context *ctx, struct text_work *w,
                       const struct text_part *parts, int n_parts)
{
    struct step s = {.d = d, .ctx = ctx, .w = w, .parts = parts, .n_parts = n_parts};
    for (const struct text_part *p = parts; p < parts + n_parts; p++)
        for (int i = 0; i < p->n; i++)
            embed(&s, p->state, &p->rows[i], w->x + (ptrdiff_t)s.n_rows++ * d->config.n_dims);
    for (; s.block < d->config.n_blocks; s.block++)
        run_block(&s);
    if (!d->config.post_norm)
        normalize(&s, &d->norm, w->x);
}

void text_decoder_state_step(struct text_decoder_state *s, struct nn_context *ctx, const struct text_row *rows, int n,
                             const struct text_cross *cross)
{
    text_decoder_step(s->decoder, ctx, &s->work, &(struct text_part){s, rows, n, cross}, 1);
}
