/* SPDX-License-Identifier: Apache-2.0
 * attention.c - multi-head attention to packed keys and values.
 *
 * A task is a head and a tile of queries: scores = q K^T from the panels of keys, softmax, out = softmax V from the
 * panels of values.  Scores live in the thread's scratch, so memory does not grow with the square of the length. */
#include "nn/attention.h"

#include <string.h>

#include "base/mem.h"
#include "nn/matmul.h"

static int n_panels(int n) { return (n + NN_PANEL - 1) / NN_PANEL; }

static size_t key_floats(const struct attention_cache *c) /* of a head */
{
    return (size_t)c->capacity * (size_t)c->head_dims;
}

static size_t value_floats(const struct attention_cache *c)
{
    return (size_t)n_panels(c->head_dims) * (size_t)c->capacity * NN_PANEL;
}

int attention_cache_open(struct attention_cache *c, int n_heads, int head_dims, int capacity, int with_bias,
                         struct message *msg)
{
    *c =
        (struct attention_cache){.n_heads = n_heads, .head_dims = head_dims, .capacity = n_panels(capacity) * NN_PANEL};
    size_t heads = (size_t)n_heads;
    c->keys = mem_array(heads * key_floats(c), sizeof *c->keys);
    c->values = mem_array(heads * value_floats(c), sizeof *c->values);
    c->key_bias = with_bias ? mem_array(heads * (size_t)c->capacity, sizeof *c->key_bias) : NULL;
    if (c->keys == NULL || c->values == NULL || (with_bias && c->key_bias == NULL)) {
        attention_cache_close(c);
        return fail_memory(msg);
    }
    return LINNET_OK;
}

void attention_cache_close(struct attention_cache *c)
{
    mem_free(c->keys);
    mem_free(c->values);
    mem_free(c->key_bias);
    *c = (struct attention_cache){0};
}

/* Copies the panels from the one with the first key on to the front of `to`, which has the same or more room. */
static void move_to_front(const struct attention_cache *from, struct attention_cache *to)
{
    int skip = from->first / NN_PANEL * NN_PANEL, n = n_panels(from->last) * NN_PANEL - skip, d = from->head_dims;
    for (int h = 0; h < from->n_heads; h++) {
        memmove(to->keys + key_floats(to) * (size_t)h, from->keys + key_floats(from) * (size_t)h + (ptrdiff_t)skip * d,
                (size_t)n * (size_t)d * sizeof *to->keys);
        for (int p = 0; p < n_panels(d); p++)
            memmove(to->values + value_floats(to) * (size_t)h + (size_t)p * (size_t)to->capacity * NN_PANEL,
                    from->values + value_floats(from) * (size_t)h +
                        ((size_t)p * (size_t)from->capacity + (size_t)skip) * NN_PANEL,
                    (size_t)n * NN_PANEL * sizeof *to->values);
        if (from->key_bias != NULL)
            memmove(to->key_bias + (ptrdiff_t)to->capacity * h, from->key_bias + (ptrdiff_t)from->capacity * h + skip,
                    (size_t)n * sizeof *to->key_bias);
    }
    int first = from->first - skip, last = from->last - skip;
    to->first = first;
    to->last = last;
}

int attention_cache_reserve(struct attention_cache *c, int n, struct message *msg)
{
    if (c->last + n <= c->capacity)
        return LINNET_OK;
    int length = attention_cache_length(c);
    if (length + NN_PANEL + n <= c->capacity) {
        move_to_front(c, c);
        return LINNET_OK;
    }
    struct attention_cache bigger;
    int rc =
        attention_cache_open(&bigger, c->n_heads, c->head_dims, 2 * (length + NN_PANEL + n), c->key_bias != NULL, msg);
    if (rc < 0)
        return rc;
    move_to_front(c, &bigger);
    attention_cache_close(c);
    *c = bigger;
    return LINNET_OK;
}

/* ---- appending ---- */

struct appending {
    struct attention_cache *c;
    const struct attention_keys *k;
};

/* Keys t .. t + n - 1, all of one panel: column by column, so that each of the panel's lines is written once. */
static void append_keys(float *panel, int t, const float *keys, ptrdiff_t ldk, int n, int d)
{
    for (int k = 0; k < d; k++, panel += NN_PANEL)
        for (int i = 0; i < n; i++)
            panel[t % NN_PANEL + i] = keys[i * ldk + k];
}

static void append_head(void *arg, int h, int i_thread)
{
    const struct attention_keys *a = ((const struct appending *)arg)->k;
    struct attention_cache *c = ((const struct appending *)arg)->c;
    (void)i_thread;
    int d = c->head_dims;
    const float *keys = a->keys + (ptrdiff_t)h * d, *values = a->values + (ptrdiff_t)h * d;
    for (int i = 0, n; i < a->n; i += n) {
        int t = c->last + i, room = NN_PANEL - t % NN_PANEL;
        n = a->n - i < room ? a->n - i : room;
        append_keys(c->keys + key_floats(c) * (size_t)h + (size_t)(t / NN_PANEL) * (size_t)d * NN_PANEL, t,
                    keys + i * a->ldk, a->ldk, n, d);
    }
    for (int i = 0; i < a->n; i++) {
        int t = c->last + i;
        for (int k = 0; k < d; k += NN_PANEL) {
            float *row = c->values + value_floats(c) * (size_t)h +
                         ((size_t)(k / NN_PANEL) * (size_t)c->capacity + (size_t)t) * NN_PANEL;
            int n = d - k < NN_PANEL ? d - k : NN_PANEL;
            memcpy(row, values + i * a->ldv + k, (size_t)n * sizeof *row);
        }
        if (c->key_bias != NULL)
            c->key_bias[(ptrdiff_t)c->capacity * h + t] = a->bias[(ptrdiff_t)i * c->n_heads + h];
    }
}

void attention_cache_append(struct nn_context *ctx, struct attention_cache *c, const struct attention_keys *k)
{
    struct appending a = {c, k};
    pool_run(k->n >= NN_PANEL ? ctx->pool : NULL, append_head, &a, c->n_heads);
    c->last += k->n;
}

void attention_cache_row(const struct attention_cache *c, int j, float *key, float *value)
{
    int t = c->first + j, d = c->head_dims;
    for (int h = 0; h < c->n_heads; h++)
        for (int k = 0; k < d; k++) {
            key[h * d + k] = c->keys[key_floats(c) * (size_t)h + (size_t)(t / NN_PANEL) * (size_t)d * NN_PANEL +
                                     (size_t)k * NN_PANEL + (size_t)(t % NN_PANEL)];
            value[h * d + k] = c->values[value_floats(c) * (size_t)h +
                                         ((size_t)(k / NN_PANEL) * (size_t)c->capacity + (size_t)t) * NN_PANEL +
                                         (size_t)(k % NN_PANEL)];
        }
}

/* ---- attending ---- */

struct attending {
    struct nn_context *ctx;
    const struct attention_cache *c;
    const struct attention *a;
    nn_panel_product *product;
};

/* The keys that rows row .. row + n - 1 see, in the cache's own numbering. */
static void visible(const struct attention_cache *c, const struct attention *a, int row, int *first, int *last)
{
    *first = a->begin != NULL ? c->first + a->begin[row] : c->first;
    *last = a->end != NULL ? c->first + a->end[row] : c->last;
}

static void softmax_row(const struct attending *w, float *scores, int row, int head, int from, int to)
{
    const struct attention_cache *c = w->c;
    int first, last;
    visible(c, w->a, row, &first, &last);
    for (int t = from; t < first; t++)
        scores[t - from] = 0.0f;
    for (int t = last; t < to; t++)
        scores[t - from] = 0.0f;
    if (last > first)
        w->ctx->kernels->softmax(scores + first - from, last - first);
    int i_out = w->a->weights_index != NULL ? w->a->weights_index[head] : head;
    if (w->a->weights == NULL || i_out < 0)
        return;
    int n_keys = attention_cache_length(c);
    float *out = w->a->weights + ((ptrdiff_t)i_out * w->a->n_rows + row) * n_keys;
    memset(out, 0, (size_t)n_keys * sizeof *out);
    if (last > first)
        memcpy(out + (first - c->first), scores + first - from, (size_t)(last - first) * sizeof *out);
}

/* Task i: head i % H, tile i / H.  Panels are taken whole from the one with the tile's first visible key on. */
static void attend(void *arg, int i, int i_thread)
{
    const struct attending *w = arg;
    const struct attention_cache *c = w->c;
    const struct attention *a = w->a;
    int d = c->head_dims, head = i % c->n_heads, tile = w->ctx->kernels->tile_rows, row = i / c->n_heads * tile;
    int rows = a->n_rows - row < tile ? a->n_rows - row : tile, from = c->last, to = c->first;
    for (int r = 0; r < rows; r++) {
        int first, last;
        visible(c, a, row + r, &first, &last);
        from = first < from ? first : from;
        to = last > to ? last : to;
    }
    float *out = a->out + row * a->ldout + (ptrdiff_t)head * d;
    if (to <= from) { /* nothing to see: zeros */
        for (int r = 0; r < rows; r++)
            memset(out + r * a->ldout, 0, (size_t)d * sizeof *out);
        return;
    }
    from = from / NN_PANEL * NN_PANEL;
    int n = to - from, ld = n_panels(n) * NN_PANEL;
    float *query = w->ctx->scratch[i_thread], *scores = query + rows * d, *packed = scores + (ptrdiff_t)rows * ld;
    nn_pack_rows(rows, d, a->q + row * a->ldq + (ptrdiff_t)head * d, a->ldq, query);
    for (int k = 0; k < rows * d; k++)
        query[k] *= a->scale;
    const float *keys = c->keys + key_floats(c) * (size_t)head + (ptrdiff_t)from * d;
    for (int t = 0; t < n; t += NN_PANEL) {
        struct nn_epilogue end = {.bias = c->key_bias != NULL ? c->key_bias + (ptrdiff_t)c->capacity * head + from + t
                                                              : NULL};
        w->product(rows, d, query, keys + (ptrdiff_t)t * d, scores + t, ld, NN_PANEL, &end);
    }
    for (int r = 0; r < rows; r++)
        softmax_row(w, scores + (ptrdiff_t)r * ld, row + r, head, from, to);
    nn_pack_rows(rows, n, scores, ld, packed);
    for (int k = 0; k < d; k += NN_PANEL) {
        struct nn_epilogue end = {.act = NN_NONE};
        const float *values = c->values + value_floats(c) * (size_t)head +
                              ((size_t)(k / NN_PANEL) * (size_t)c->capacity + (size_t)from) * NN_PANEL;
        w->product(rows, n, packed, values, out + k, a->ldout, d - k < NN_PANEL ? d - k : NN_PANEL, &end);
    }
}

void attention_forward(struct nn_context *ctx, const struct attention_cache *c, const struct attention *a)
{
    struct attending w = {ctx, c, a, matmul_for(ctx->kernels, DTYPE_F32)};
    int tile = ctx->kernels->tile_rows;
    int n_tasks = (a->n_rows + tile - 1) / tile * c->n_heads;
    int small = (int64_t)a->n_rows * attention_cache_length(c) * c->head_dims * c->n_heads < 1 << 16;
    pool_run(small ? NULL : ctx->pool, attend, &w, n_tasks);
}

size_t attention_scratch(int n_keys, int head_dims)
{
    return (size_t)NN_MAX_ROWS * (2 * (size_t)(n_keys + 2 * NN_PANEL) + (size_t)head_dims);
}
