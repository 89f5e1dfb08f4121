/* SPDX-License-Identifier: Apache-2.0
 * attention_state.c - running the attention decoder on a tree of token sequences.
 *
 * All new nodes go through a block together: products with the weights are large, only self-attention looks at each
 * node alone, at the keys and values of its ancestors.  A node's result does not depend on what is computed with it, so
 * that a beam step by step and a whole n-best list in one call agree bit for bit. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/attention_decoder.h"
#include "nn/attention.h"
#include "nn/sinusoid.h"

#define ROWS_OF_A_TASK 4
#define FIRST_FRAMES 256

struct attention_state {
    const struct attention_decoder *decoder;
    struct label_tree tree;
    struct attention_cache *memory; /* [n_blocks] the encoder's output */
    float **cache;                  /* [n_blocks][n_slots, 2 D] keys and values of node i in row i */
    int n_slots;
    float *positions; /* [n_positions, D] */
    int n_positions;
    float *frames_kv; /* [n_frames_kv, 2 D] while a memory is made */
    int n_frames_kv;
    int first_depth; /* of the nodes that begin sequences: 0, or 1 in streams */
    /* of one compute, for up to n_rows nodes: */
    float *x, *y, *heads; /* [n_rows, D] */
    float *qkv;           /* [n_rows, 3 D] */
    float *hidden;        /* [n_rows, n_hidden] */
    int n_rows;
    int *path, *path_ends; /* nodes from the root to each row's node, one row after the other; [n_rows] their ends */
    int n_path;
    const int *begin, *end; /* [n] frames that each row sees, or NULL: all */
};

int attention_state_open(struct attention_state **out, const struct attention_decoder *d, struct message *msg)
{
    struct attention_state *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->decoder = d;
    s->memory = mem_array((size_t)d->config.n_blocks, sizeof *s->memory);
    s->cache = mem_array((size_t)d->config.n_blocks, sizeof *s->cache);
    int rc = s->memory != NULL && s->cache != NULL && label_tree_open(&s->tree) == 0 ? LINNET_OK : fail_memory(msg);
    for (int i = 0; rc == 0 && i < d->config.n_blocks; i++)
        rc = attention_cache_open(&s->memory[i], d->config.n_heads, d->config.n_dims / d->config.n_heads, FIRST_FRAMES,
                                  0, msg);
    if (rc < 0) {
        attention_state_close(s);
        return rc;
    }
    *out = s;
    return LINNET_OK;
}

void attention_state_close(struct attention_state *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < s->decoder->config.n_blocks; i++) {
        if (s->memory != NULL)
            attention_cache_close(&s->memory[i]);
        if (s->cache != NULL)
            mem_free(s->cache[i]);
    }
    mem_free(s->memory);
    mem_free(s->cache);
    mem_free(s->positions);
    mem_free(s->frames_kv);
    mem_free(s->x);
    mem_free(s->y);
    mem_free(s->heads);
    mem_free(s->qkv);
    mem_free(s->hidden);
    mem_free(s->path);
    mem_free(s->path_ends);
    label_tree_close(&s->tree);
    mem_free(s);
}

struct label_tree *attention_state_tree(struct attention_state *s)
{
    return &s->tree;
}

/* An array of n items whose old contents are not needed. */
static int replace(float **array, size_t n_rows, size_t n_columns)
{
    mem_free(*array);
    *array = n_columns > SIZE_MAX / sizeof(float) / (n_rows + 1) ? NULL : mem_array(n_rows * n_columns, sizeof **array);
    return *array != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

static int reserve_context(const struct attention_state *s, struct nn_context *ctx, int n_frames, struct message *msg)
{
    const struct attention_decoder *d = s->decoder;
    size_t n = linear_scratch(&d->output),
           attention = attention_scratch(n_frames, d->config.n_dims / d->config.n_heads);
    for (int i = 0; i < d->config.n_blocks; i++) {
        const struct attention_block *b = &d->blocks[i];
        const size_t needs[] = {linear_scratch(&b->qkv), linear_scratch(&b->back), linear_scratch(&b->cross_kv),
                                attention};
        for (size_t k = 0; k < sizeof needs / sizeof needs[0]; k++)
            n = needs[k] > n ? needs[k] : n;
    }
    return nn_context_reserve(ctx, n, msg);
}

static void begin(struct attention_state *s, int first_depth)
{
    label_tree_reset(&s->tree);
    s->first_depth = first_depth;
    for (int i = 0; i < s->decoder->config.n_blocks; i++)
        attention_cache_clear(&s->memory[i]);
}

int attention_state_begin(struct attention_state *s, struct nn_context *ctx, const float *encoder_out, int n_frames,
                          struct message *msg)
{
    begin(s, 0);
    return attention_state_append(s, ctx, encoder_out, n_frames, msg);
}

void attention_state_begin_stream(struct attention_state *s)
{
    begin(s, 1);
}

void attention_state_keep(struct attention_state *s, int n_frames)
{
    for (int i = 0; i < s->decoder->config.n_blocks; i++)
        attention_cache_keep(&s->memory[i], n_frames);
}

int attention_state_append(struct attention_state *s, struct nn_context *ctx, const float *encoder_out, int n_frames,
                           struct message *msg)
{
    const struct attention_decoder_config *c = &s->decoder->config;
    ptrdiff_t n_dims = c->n_dims;
    if (n_frames > s->n_frames_kv) {
        s->n_frames_kv = 0;
        if (replace(&s->frames_kv, (size_t)n_frames, 2 * (size_t)n_dims) < 0)
            return fail_memory(msg);
        s->n_frames_kv = n_frames;
    }
    int rc = reserve_context(s, ctx, attention_cache_length(&s->memory[0]) + n_frames, msg);
    for (int i = 0; rc == 0 && i < c->n_blocks; i++) {
        struct attention_cache *memory = &s->memory[i];
        linear_forward(ctx, &s->decoder->blocks[i].cross_kv, encoder_out, n_dims, n_frames, s->frames_kv, 2 * n_dims,
                       NULL);
        rc = attention_cache_reserve(memory, n_frames, msg);
        if (rc == 0)
            attention_cache_append(ctx, memory, s->frames_kv, 2 * n_dims, s->frames_kv + n_dims, 2 * n_dims, NULL,
                                   n_frames);
    }
    return rc;
}

static int reserve_rows(struct attention_state *s, int n)
{
    if (n <= s->n_rows)
        return LINNET_OK;
    if (n > INT_MAX / 2)
        return LINNET_E_MEMORY;
    size_t rows = (size_t)n + (size_t)n / 2, n_dims = (size_t)s->decoder->config.n_dims;
    s->n_rows = 0;
    mem_free(s->path_ends);
    s->path_ends = mem_array(rows, sizeof *s->path_ends);
    if (s->path_ends == NULL || replace(&s->x, rows, n_dims) < 0 || replace(&s->y, rows, n_dims) < 0 ||
        replace(&s->heads, rows, n_dims) < 0 || replace(&s->qkv, rows, 3 * n_dims) < 0 ||
        replace(&s->hidden, rows, (size_t)s->decoder->config.n_hidden) < 0)
        return LINNET_E_MEMORY;
    s->n_rows = (int)rows;
    return LINNET_OK;
}

static int reserve_cache(struct attention_state *s)
{
    size_t n_columns = 2 * (size_t)s->decoder->config.n_dims;
    if (s->tree.n_nodes <= s->n_slots)
        return LINNET_OK;
    for (int i = 0; i < s->decoder->config.n_blocks; i++) {
        float *fresh =
            mem_resize(s->cache[i], (size_t)s->n_slots * n_columns, (size_t)s->tree.n_nodes * n_columns, sizeof *fresh);
        if (fresh == NULL)
            return LINNET_E_MEMORY; /* n_slots is still true of every block */
        s->cache[i] = fresh;
    }
    s->n_slots = s->tree.n_nodes;
    return LINNET_OK;
}

static int reserve_positions(struct attention_state *s, int n)
{
    if (n <= s->n_positions)
        return LINNET_OK;
    n += n / 2 + 32;
    s->n_positions = 0;
    if (replace(&s->positions, (size_t)n, (size_t)s->decoder->config.n_dims) < 0)
        return LINNET_E_MEMORY;
    s->n_positions = n;
    nn_sinusoid(0, n, s->decoder->config.n_dims, s->positions);
    return LINNET_OK;
}

/* Writes down the path of each node. */
static int find_paths(struct attention_state *s, const int *nodes, int n)
{
    long long n_path = 0;
    int longest = 0;
    for (int i = 0; i < n; i++) {
        int length = s->tree.nodes[nodes[i]].depth + 1 - s->first_depth;
        n_path += length;
        longest = length > longest ? length : longest;
    }
    if (n_path > INT_MAX / 2 || reserve_positions(s, longest) < 0)
        return LINNET_E_MEMORY;
    if (n_path > s->n_path) {
        mem_free(s->path);
        s->n_path = 0;
        s->path = mem_array((size_t)n_path * 2, sizeof *s->path);
        if (s->path == NULL)
            return LINNET_E_MEMORY;
        s->n_path = (int)n_path * 2;
    }
    int end = 0;
    for (int i = 0; i < n; i++) {
        int first = end, node = nodes[i];
        end += s->tree.nodes[node].depth + 1 - s->first_depth;
        s->path_ends[i] = end;
        for (int at = end - 1; at >= first; node = s->tree.nodes[node].parent)
            s->path[at--] = node;
    }
    return LINNET_OK;
}

static void embed(struct attention_state *s, const int *nodes, int n)
{
    const struct attention_decoder *d = s->decoder;
    size_t n_dims = (size_t)d->config.n_dims;
    for (int i = 0; i < n; i++) {
        const struct label_node *node = &s->tree.nodes[nodes[i]];
        int token = nodes[i] == LABEL_TREE_ROOT ? d->config.sos : node->label;
        const float *row = d->embedding + (size_t)token * n_dims;
        const float *position = s->positions + (size_t)(node->depth - s->first_depth) * n_dims;
        float *x = s->x + (size_t)i * n_dims;
        for (size_t k = 0; k < n_dims; k++)
            x[k] = row[k] + position[k];
    }
}

static void normalize(const struct attention_state *s, const struct nn_context *ctx, const float *x, float *y, int n,
                      const struct layer_norm *norm)
{
    int n_dims = s->decoder->config.n_dims;
    for (int i = 0; i < n; i++)
        ctx->kernels->layer_norm(x + (ptrdiff_t)i * n_dims, y + (ptrdiff_t)i * n_dims, n_dims, norm->gamma, norm->beta,
                                 s->decoder->config.norm_eps);
}

struct self_attention {
    struct attention_state *s;
    const struct nn_context *ctx;
    const float *cache; /* of this block */
    int n;
};

/* One head of one row: its query against the keys on its path.  scores has room for the path. */
static void attend_head(const struct self_attention *a, int row, int head, float *scores)
{
    const struct attention_state *s = a->s;
    ptrdiff_t n_dims = s->decoder->config.n_dims;
    int d = s->decoder->config.n_dims / s->decoder->config.n_heads;
    int first = row > 0 ? s->path_ends[row - 1] : 0, n = s->path_ends[row] - first;
    const float *q = s->qkv + row * 3 * n_dims + (ptrdiff_t)head * d;
    const int *path = s->path + first;
    const float *keys = a->cache + (ptrdiff_t)head * d, *values = keys + n_dims;
    a->ctx->kernels->gather_dots(q, d, keys, path, 2 * n_dims, n, 1.0f / sqrtf((float)d), scores);
    a->ctx->kernels->softmax(scores, n);
    a->ctx->kernels->gather_sum(scores, values, path, 2 * n_dims, n, d, s->heads + row * n_dims + (ptrdiff_t)head * d);
}

static void attend_rows(void *arg, int i_task, int i_thread)
{
    const struct self_attention *a = arg;
    float *scores = a->ctx->scratch[i_thread];
    for (int row = i_task * ROWS_OF_A_TASK; row < (i_task + 1) * ROWS_OF_A_TASK && row < a->n; row++)
        for (int head = 0; head < a->s->decoder->config.n_heads; head++)
            attend_head(a, row, head, scores);
}

/* heads = self-attention of y; keys and values go to the nodes' places in the cache. */
static void self_attention(struct attention_state *s, struct nn_context *ctx, int i_block, const int *nodes, int n,
                           const float *y)
{
    ptrdiff_t n_dims = s->decoder->config.n_dims;
    linear_forward(ctx, &s->decoder->blocks[i_block].qkv, y, n_dims, n, s->qkv, 3 * n_dims, NULL);
    for (int i = 0; i < n; i++)
        memcpy(s->cache[i_block] + nodes[i] * 2 * n_dims, s->qkv + (i * 3 + 1) * n_dims,
               2 * (size_t)n_dims * sizeof *s->qkv);
    struct self_attention a = {s, ctx, s->cache[i_block], n};
    pool_run(ctx->pool, attend_rows, &a, (n + ROWS_OF_A_TASK - 1) / ROWS_OF_A_TASK);
}

static void compute_block(struct attention_state *s, struct nn_context *ctx, int i_block, const int *nodes, int n)
{
    const struct attention_decoder_config *c = &s->decoder->config;
    const struct attention_block *b = &s->decoder->blocks[i_block];
    const struct linear_how add = {NN_NONE, 1, 1.0f}, activate = {c->activation, 0, 0.0f};
    ptrdiff_t n_dims = c->n_dims;
    const float *input = c->post_norm ? s->x : s->y;

    if (!c->post_norm)
        normalize(s, ctx, s->x, s->y, n, &b->norm[0]);
    self_attention(s, ctx, i_block, nodes, n, input);
    linear_forward(ctx, &b->out, s->heads, n_dims, n, s->x, n_dims, &add);
    normalize(s, ctx, s->x, c->post_norm ? s->x : s->y, n, &b->norm[c->post_norm ? 0 : 1]);

    linear_forward(ctx, &b->cross_q, input, n_dims, n, s->qkv, n_dims, NULL);
    attention_forward(ctx, &s->memory[i_block],
                      &(struct attention){.q = s->qkv,
                                          .ldq = n_dims,
                                          .n_rows = n,
                                          .scale = 1.0f / sqrtf((float)(c->n_dims / c->n_heads)),
                                          .begin = s->begin,
                                          .end = s->end,
                                          .out = s->heads,
                                          .ldout = n_dims});
    linear_forward(ctx, &b->cross_out, s->heads, n_dims, n, s->x, n_dims, &add);
    normalize(s, ctx, s->x, c->post_norm ? s->x : s->y, n, &b->norm[c->post_norm ? 1 : 2]);

    linear_forward(ctx, &b->hidden, input, n_dims, n, s->hidden, c->n_hidden, &activate);
    linear_forward(ctx, &b->back, s->hidden, c->n_hidden, n, s->x, n_dims, &add);
    if (c->post_norm)
        normalize(s, ctx, s->x, s->x, n, &b->norm[2]);
}

int attention_state_compute(struct attention_state *s, struct nn_context *ctx, const int *nodes, int n,
                            struct message *msg)
{
    return attention_state_compute_within(s, ctx, nodes, NULL, NULL, n, msg);
}

int attention_state_compute_within(struct attention_state *s, struct nn_context *ctx, const int *nodes,
                                   const int *begin_frames, const int *end_frames, int n, struct message *msg)
{
    if (reserve_rows(s, n) < 0 || reserve_cache(s) < 0 || find_paths(s, nodes, n) < 0)
        return fail_memory(msg);
    int rc = nn_context_reserve(ctx, (size_t)s->n_positions, msg); /* scores of a path */
    if (rc < 0)
        return rc;
    s->begin = begin_frames;
    s->end = end_frames;
    embed(s, nodes, n);
    for (int i = 0; i < s->decoder->config.n_blocks; i++)
        compute_block(s, ctx, i, nodes, n);
    if (!s->decoder->config.post_norm)
        normalize(s, ctx, s->x, s->x, n, &s->decoder->norm);
    return LINNET_OK;
}

void attention_state_logprobs(struct attention_state *s, struct nn_context *ctx, int first, int n, float *logprobs)
{
    const struct attention_decoder_config *c = &s->decoder->config;
    ptrdiff_t n_dims = c->n_dims, n_vocabulary = c->n_vocabulary;
    linear_forward(ctx, &s->decoder->output, s->x + first * n_dims, n_dims, n, logprobs, n_vocabulary, NULL);
    for (int i = 0; i < n; i++)
        ctx->kernels->log_softmax(logprobs + i * n_vocabulary, logprobs + i * n_vocabulary, c->n_vocabulary);
}
