/* SPDX-License-Identifier: Apache-2.0
 * attention.h - multi-head attention of queries to a cache of keys and values.
 *
 * Keys and values are packed like weights (kernels.h) when they are appended, so that queries, one or a thousand, meet
 * them at the speed of a matrix product.  The same cache serves an encoder's self-attention (filled and used at once),
 * cross-attention (filled once for a recording), and a stream whose keys grow at one end and are dropped at the other.
 * What a row of queries gets has the same bits whatever rows are computed with it, on any number of threads. */
#ifndef LINNET_NN_ATTENTION_H
#define LINNET_NN_ATTENTION_H

#include "nn/context.h"

/* A zeroed struct is empty and may be closed. */
struct attention_cache {
    int n_heads, head_dims;
    int capacity;    /* keys, a multiple of 32 */
    int first, last; /* the keys in use are first .. last - 1 */
    float *keys;     /* [H][capacity / 32][d][32] */
    float *values;   /* [H][ceil(d / 32)][capacity][32] */
    float *key_bias; /* [H][capacity] added to the scores of a key, or NULL */
};

/* Room for at least capacity keys.  with_bias: each key has a number for each head that is added to its scores. */
LINNET_MUST_CHECK int attention_cache_open(struct attention_cache *c, int n_heads, int head_dims, int capacity,
                                           int with_bias, struct message *msg);
void attention_cache_close(struct attention_cache *c);

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

/* The context must have attention_scratch floats reserved for caches of up to n_keys. */
void attention_forward(struct nn_context *ctx, const struct attention_cache *c, const struct attention *a);
size_t attention_scratch(int n_keys, int head_dims);

#endif
