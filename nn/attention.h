/* SPDX-License-Identifier: Apache-2.0
 * attention.h - multi-head attention of queries to a cache of keys and values.
 *
 * Keys and values are packed like weights (kernels.h) when they are appended, so that queries, one or a thousand, meet
 * them at the speed of a matrix product.  The same cache serves an encoder's self-attention (filled and used at once),
 * cross-attention (filled once for a recording), and a stream whose keys grow at one end and are dropped at the other.
 * What a row of queries gets has the same bits whatever rows are computed with it, on any number of threads. */
#ifndef LINNET_NN_ATTENTION_H
#define LINNET_NN_ATTENTION_H

#include <math.h>

#include "nn/context.h"
#include "nn/precision.h"

/* A zeroed struct is empty and may be closed. */
struct attention_cache {
    int n_heads, head_dims;
    int capacity;    /* keys, a multiple of 32 */
    int first, last; /* the keys in use are first .. last - 1 */
    enum precision
        precision;   /* FP32; INT16 and BF16: keys and values are 16-bit numbers in pairs (attention_cache.c) */
    void *keys;      /* [H][capacity / 32][d][32] */
    void *values;    /* [H][ceil(d / 32)][capacity][32] */
    float *key_bias; /* [H][capacity] added to the scores of a key, or NULL */
    float *key_scales, *value_scales; /* [H][capacity] of whole numbers, or NULL */
};

/* Room for at least capacity keys.  with_bias: each key has a number for each head that is added to its scores.
 * precision: of the layers around it; in 8 bits attention is finer (precision_finer). */
LINNET_MUST_CHECK int attention_cache_open(struct attention_cache *c, int n_heads, int head_dims, int capacity,
                                           int with_bias, enum precision precision, struct message *msg);
void attention_cache_close(struct attention_cache *c);

/* Heads first .. first + n - 1 of a cache as one of their own in the same memory, not to be closed or reserved. */
struct attention_cache attention_cache_heads(const struct attention_cache *c, int first, int n);

/* Makes room for n more keys: moves what is in use to the front, allocates only if that is not enough. */
LINNET_MUST_CHECK int attention_cache_reserve(struct attention_cache *c, int n, struct message *msg);

static inline int attention_cache_length(const struct attention_cache *c) { return c->last - c->first; }
static inline void attention_cache_clear(struct attention_cache *c) { c->first = c->last = 0; }
/* Drops the oldest keys so that at most n are left. */
static inline void attention_cache_keep(struct attention_cache *c, int n)
{
    if (c->last - c->first > n)
        c->first = c->last - n;
}

/* Drops the newest keys so that n are left, which must be no more than there are. */
static inline void attention_cache_cut(struct attention_cache *c, int n) { c->last = c->first + n; }

struct attention_keys {
    const float *keys; /* [n, H * d], row stride ldk */
    ptrdiff_t ldk;
    const float *values; /* [n, H * d], row stride ldv */
    ptrdiff_t ldv;
    const float *bias; /* [n, H], or NULL */
    int n;
};

/* Appends keys and their values, for which there must be room. */
void attention_cache_append(struct nn_context *ctx, struct attention_cache *c, const struct attention_keys *k);

/* Appends copies of n keys of a cache of the same kind and their values, of its key j (0 = oldest) and what follows it,
 * for which there must be room. */
void attention_cache_copy(struct attention_cache *to, const struct attention_cache *from, int j, int n);

/* Key j (0 = oldest) and its value as [H * d] rows, for tests and exports. */
void attention_cache_row(const struct attention_cache *c, int j, float *key, float *value);

struct attention {
    const float *q; /* [n_rows, H * d], row stride ldq */
    ptrdiff_t ldq;
    int n_rows;
    float scale;            /* of the scores; the key bias is added after it */
    const int *begin, *end; /* [n_rows] row i sees keys begin[i] .. end[i] - 1 (0 = oldest); NULL: all */
    float *out;             /* [n_rows, H * d], row stride ldout */
    ptrdiff_t ldout;
    float *weights;           /* [n, n_rows, T] the softmax of some heads, or NULL */
    const int *weights_index; /* [H] which of the n a head is, < 0 for none; NULL: all heads in order */
};

/* How the arrays of a cache lie: bytes of a number; numbers of a key; those of a head; where dimension k of value t
 * is. */
static inline size_t attention_cache_item(const struct attention_cache *c)
{
    return c->precision == PRECISION_FP32 ? sizeof(float) : sizeof(int16_t);
}
static inline int attention_cache_depth(const struct attention_cache *c)
{
    return c->precision == PRECISION_FP32 ? c->head_dims : nn_i16_inputs(c->head_dims);
}
static inline size_t attention_cache_keys(const struct attention_cache *c)
{
    return (size_t)c->capacity * (size_t)attention_cache_depth(c);
}
static inline size_t attention_cache_values(const struct attention_cache *c)
{
    return (size_t)((c->head_dims + NN_PANEL - 1) / NN_PANEL) * (size_t)c->capacity * NN_PANEL;
}
/* Of the keys and values in use. */
static inline size_t attention_cache_bytes(const struct attention_cache *c)
{
    size_t depth = (size_t)(attention_cache_depth(c) + c->head_dims), beside = c->key_scales != NULL ? 2 : 0;
    size_t key = depth * attention_cache_item(c) + (beside + (c->key_bias != NULL)) * sizeof(float);
    return (size_t)attention_cache_length(c) * (size_t)c->n_heads * key;
}
static inline ptrdiff_t attention_value_at(const struct attention_cache *c, int t, int k)
{
    ptrdiff_t panel = (ptrdiff_t)(k / NN_PANEL) * c->capacity * NN_PANEL, column = k % NN_PANEL;
    return c->precision == PRECISION_FP32 ? panel + (ptrdiff_t)t * NN_PANEL + column
                                          : panel + ((ptrdiff_t)t / 2 * NN_PANEL + column) * 2 + t % 2;
}

/* Whole numbers whose sums of products stay below 2^31: d products of a query's and a key's numbers; and those of
 * values with weights, whose sum is bounded: rounding adds half to each at most, so up to 130000 keys. */
#define ATTENTION_MOST_VALUE 2047
static inline struct nn_i16_limits attention_key_limits(const struct attention_cache *c)
{
    float most = floorf(sqrtf(2147483000.0f / (float)c->head_dims));
    return (struct nn_i16_limits){most < 32767 ? most : 32767, INFINITY};
}
static inline struct nn_i16_limits attention_weight_limits(void) { return (struct nn_i16_limits){32767, 983040.0f}; }

/* The context must have attention_scratch floats reserved for caches of up to n_keys. */
void attention_forward(struct nn_context *ctx, const struct attention_cache *c, const struct attention *a);
size_t attention_scratch(int n_keys, int head_dims);

#endif
