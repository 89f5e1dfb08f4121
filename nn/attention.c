/* SPDX-License-Identifier: Apache-2.0
 * attention.c - multi-head attention to packed keys and values.
 *
 * A task is a head and a block of queries: scores = q K^T from the panels of keys, softmax, out = softmax V from the
 * panels of values.  Scores live in the thread's scratch, so memory does not grow with the square of the length.
 *
 * With 16-bit keys and values, queries and the weights of the softmax become 16-bit numbers too, bf16 or whole ones; of
 * these a weight is times the scale of its value, so that the sum over keys is one of whole numbers. */
#include "nn/attention.h"

#include <string.h>

#include "nn/matmul.h"

#define BLOCK_TILES 4 /* the most of a block, */
#define BLOCK_ROWS 64 /* which has no more rows */

static int n_panels(int n) { return (n + NN_PANEL - 1) / NN_PANEL; }

struct attending {
    struct nn_context *ctx;
    const struct attention_cache *c;
    const struct attention *a;
    struct nn_product product;
    int block_tiles;
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

/* Rows of one panel product. */
struct tile {
    int row, n_rows, head;
    int from, to, ld; /* keys that it sees, from a panel's first on; row stride of the scores */
    float *scores;
    void *query, *packed;      /* in the form that panels take */
    float scales[NN_MAX_ROWS]; /* of rows of whole numbers */
};

static void see_keys(const struct attending *w, struct tile *t)
{
    const struct attention_cache *c = w->c;
    t->from = c->last;
    t->to = c->first;
    for (int r = 0; r < t->n_rows; r++) {
        int first, last;
        visible(c, w->a, t->row + r, &first, &last);
        t->from = first < t->from ? first : t->from;
        t->to = last > t->to ? last : t->to;
    }
    if (t->to <= t->from) /* nothing to see */
        t->from = t->to = 0;
    t->from = t->from / NN_PANEL * NN_PANEL;
    t->ld = n_panels(t->to - t->from) * NN_PANEL;
}

/* Rows of n 16-bit numbers, which are made behind the half of `to` that they are packed into. */
struct made {
    char *at;
    ptrdiff_t stride; /* bytes */
    int bytes;
};

static struct made make_behind(const struct attending *w, const struct tile *t, int n, void *to)
{
    int bytes = 2 * nn_i16_inputs(n), width = w->product.width, stride = (bytes + width - 1) / width * width;
    return (struct made){(char *)to + (ptrdiff_t)t->n_rows * stride, stride, bytes};
}

static void pack_query(const struct attending *w, struct tile *t)
{
    const struct nn_kernels *kernels = w->ctx->kernels;
    const struct nn_i16_limits limits = attention_key_limits(w->c);
    int d = w->c->head_dims;
    const float *q = w->a->q + t->row * w->a->ldq + (ptrdiff_t)t->head * d;
    if (w->c->precision == PRECISION_FP32) {
        float *floats = t->query;
        nn_pack_rows(t->n_rows, d, q, w->a->ldq, floats);
        for (int k = 0; k < t->n_rows * d; k++)
            floats[k] *= w->a->scale;
        return;
    }
    const struct made made = make_behind(w, t, d, t->query);
    for (int r = 0; r < t->n_rows; r++, q += w->a->ldq) {
        void *one = made.at + r * made.stride;
        if (w->c->precision == PRECISION_BF16)
            kernels->to_bf16(q, w->a->scale, d, one);
        else {
            kernels->quantize16(q, NULL, d, &limits, one, &t->scales[r]);
            t->scales[r] *= w->a->scale;
        }
    }
    nn_pack_tile(t->n_rows, made.bytes, w->product.width, made.at, made.stride, t->query);
}

/* Softmax of the scores, in the form that panels of values take. */
static void pack_weights(const struct attending *w, struct tile *t)
{
    const struct nn_kernels *kernels = w->ctx->kernels;
    const struct attention_cache *c = w->c;
    const struct nn_i16_limits limits = attention_weight_limits();
    int n = t->to - t->from;
    for (int r = 0; r < t->n_rows; r++)
        softmax_row(w, t->scores + (ptrdiff_t)r * t->ld, t->row + r, t->head, t->from, t->to);
    if (c->precision == PRECISION_FP32) {
        nn_pack_rows(t->n_rows, n, t->scores, t->ld, t->packed);
        return;
    }
    const struct made made = make_behind(w, t, n, t->packed);
    for (int r = 0; r < t->n_rows; r++) {
        const float *x = t->scores + (ptrdiff_t)r * t->ld;
        void *one = made.at + r * made.stride;
        if (c->precision == PRECISION_BF16)
            kernels->to_bf16(x, 1.0f, n, one);
        else
            kernels->quantize16(x, &c->value_scales[(ptrdiff_t)t->head * c->capacity + t->from], n, &limits, one,
                                &t->scales[r]);
    }
    nn_pack_tile(t->n_rows, made.bytes, w->product.width, made.at, made.stride, t->packed);
}

/* The tile against the 32 keys from key `at` on. */
static void score(const struct attending *w, const struct tile *t, int at)
{
    const struct attention_cache *c = w->c;
    ptrdiff_t key = (ptrdiff_t)t->head * c->capacity + at;
    struct nn_epilogue end = {.bias = c->key_bias != NULL ? c->key_bias + key : NULL,
                              .row_scales = t->scales,
                              .scales = c->key_scales != NULL ? c->key_scales + key : NULL};
    size_t panel = attention_cache_keys(c) * (size_t)t->head + (size_t)at * (size_t)attention_cache_depth(c);
    w->product.panel(t->n_rows, c->head_dims, t->query, (char *)c->keys + panel * attention_cache_item(c),
                     t->scores + at - t->from, t->ld, NN_PANEL, &end);
}

/* Columns k .. k + 31 of the tile's output. */
static void mix(const struct attending *w, const struct tile *t, int k)
{
    const struct attention_cache *c = w->c;
    int d = c->head_dims, n_cols = d - k < NN_PANEL ? d - k : NN_PANEL;
    float *out = w->a->out + t->row * w->a->ldout + (ptrdiff_t)t->head * d + k;
    size_t panel = attention_cache_values(c) * (size_t)t->head +
                   ((size_t)(k / NN_PANEL) * (size_t)c->capacity + (size_t)t->from) * NN_PANEL;
    const struct nn_epilogue end = {.row_scales = t->scales};
    w->product.panel(t->n_rows, t->to - t->from, t->packed, (char *)c->values + panel * attention_cache_item(c), out,
                     w->a->ldout, n_cols, &end);
}

/* Scratch: query [n_rows, d], scores [n_rows, ld], packed [n_rows, ld] of each tile, d and ld multiples of 32, so that
 * 16-bit numbers take half of their place.  Returns what follows. */
static float *tile_open(const struct attending *w, struct tile *t, int row, int head, float *scratch)
{
    int tile = w->product.tile_rows, left = w->a->n_rows - row;
    *t = (struct tile){.row = row, .n_rows = left < tile ? left : tile, .head = head, .query = scratch};
    see_keys(w, t);
    t->scores = scratch + (ptrdiff_t)t->n_rows * n_panels(w->c->head_dims) * NN_PANEL;
    float *packed = t->scores + (ptrdiff_t)t->n_rows * t->ld;
    t->packed = packed;
    pack_query(w, t);
    return packed + (ptrdiff_t)t->n_rows * t->ld;
}

/* Task i: head i % H, block of tiles i / H.  A panel of keys or values meets all tiles of the block while it is in the
 * cache. */
static void attend(void *arg, int i, int i_thread)
{
    const struct attending *w = arg;
    const struct attention_cache *c = w->c;
    struct tile tiles[BLOCK_TILES];
    int step = w->product.tile_rows, first = c->last, last = 0, n = 0;
    float *scratch = w->ctx->scratch[i_thread];
    for (int row = i / c->n_heads * step * w->block_tiles; n < w->block_tiles && row < w->a->n_rows; row += step, n++) {
        scratch = tile_open(w, &tiles[n], row, i % c->n_heads, scratch);
        first = tiles[n].from < first ? tiles[n].from : first;
        last = tiles[n].to > last ? tiles[n].to : last;
    }
    if (w->product.begin != NULL)
        w->product.begin();
    for (int at = first; at < last; at += NN_PANEL)
        for (int j = 0; j < n; j++)
            if (at >= tiles[j].from && at < tiles[j].to)
                score(w, &tiles[j], at);
    for (int j = 0; j < n; j++)
        pack_weights(w, &tiles[j]);
    for (int k = 0; k < c->head_dims; k += NN_PANEL)
        for (int j = 0; j < n; j++)
            mix(w, &tiles[j], k);
    if (w->product.end != NULL)
        w->product.end();
}

static void count_work(struct nn_work *work, const struct attention_cache *c, const struct attention *a,
                       enum dtype type)
{
    double n_dots = 0;
    for (int row = 0; row < a->n_rows; row++) {
        int first, last;
        visible(c, a, row, &first, &last);
        n_dots += last > first ? last - first : 0;
    }
    work->products[type][type] += 2 * n_dots * c->n_heads * c->head_dims;
    work->read_bytes += (double)attention_cache_bytes(c);
}

void attention_forward(struct nn_context *ctx, const struct attention_cache *c, const struct attention *a)
{
    enum dtype type = c->precision == PRECISION_BF16   ? DTYPE_BF16
                      : c->precision == PRECISION_FP32 ? DTYPE_F32
                                                       : DTYPE_I16;
    struct attending w = {ctx, c, a, matmul_for(ctx->kernels, type, type), BLOCK_TILES};
    count_work(&ctx->work, c, a, type);
    if (w.block_tiles * w.product.tile_rows > BLOCK_ROWS)
        w.block_tiles = BLOCK_ROWS / w.product.tile_rows;
    int block = w.block_tiles * w.product.tile_rows;
    int n_tasks = (a->n_rows + block - 1) / block * c->n_heads;
    int small = (int64_t)a->n_rows * attention_cache_length(c) * c->head_dims * c->n_heads < 1 << 16;
    pool_run(small ? NULL : ctx->pool, attend, &w, n_tasks);
}

size_t attention_scratch(int n_keys, int head_dims)
{
    size_t ld = (size_t)(n_keys + 2 * NN_PANEL), d = (size_t)n_panels(head_dims) * NN_PANEL;
    return BLOCK_ROWS * (2 * ld + d) + NN_SLACK / sizeof(float);
}
