/* SPDX-License-Identifier: Apache-2.0
 * attention_decoder.c - the weights of WeNet's attention decoder. */
#include "decoders/attention_decoder.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"

/* Where tensors come from while a decoder is opened. */
struct loader {
    const struct safetensors *weights;
    const char *prefix;
    struct pool *pool;
    struct message *msg;
};

static int find(const struct loader *l, const char *name, int n_dims, const int64_t *shape, const struct tensor **out)
{
    char full[256];
    snprintf(full, sizeof full, "%s.%s", l->prefix, name);
    return safetensors_get(l->weights, full, n_dims, shape, out, l->msg);
}

static int read_floats(const struct loader *l, const char *name, int n_dims, const int64_t *shape, float **out)
{
    const struct tensor *t;
    int rc = find(l, name, n_dims, shape, &t);
    if (rc < 0)
        return rc;
    size_t n = tensor_elements(t);
    *out = mem_array(n, sizeof **out);
    if (*out == NULL)
        return fail_memory(l->msg);
    tensor_to_f32(t, 0, n, *out);
    return LINNET_OK;
}

static int read_norm(const struct loader *l, const char *name, int n, float *norm[2])
{
    char full[160];
    const int64_t shape[1] = {n};
    snprintf(full, sizeof full, "%s.weight", name);
    int rc = read_floats(l, full, 1, shape, &norm[0]);
    snprintf(full, sizeof full, "%s.bias", name);
    return rc < 0 ? rc : read_floats(l, full, 1, shape, &norm[1]);
}

/* A layer that is in the checkpoint as one or more parts, each n_in -> n_out. */
struct part {
    const char *name;
    int no_bias;
};

static int read_linear(const struct loader *l, const char *block, const struct part *parts, int n_parts, int n_in,
                       int n_out, struct linear *linear)
{
    const struct tensor *weights[3], *biases[3];
    const int64_t weight_shape[2] = {n_out, n_in}, bias_shape[1] = {n_out};
    for (int i = 0; i < n_parts; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s.weight", block, parts[i].name);
        int rc = find(l, name, 2, weight_shape, &weights[i]);
        if (rc < 0)
            return rc;
        biases[i] = NULL;
        snprintf(name, sizeof name, "%s%s.bias", block, parts[i].name);
        if (!parts[i].no_bias && (rc = find(l, name, 1, bias_shape, &biases[i])) < 0)
            return rc;
    }
    return linear_open(linear, weights, biases, n_parts, l->pool, l->msg);
}

static int read_self_attention(const struct loader *l, const char *block, const struct attention_decoder_config *c,
                               struct attention_block *b)
{
    const struct part qkv[3] = {{"self_attn.linear_q", c->no_query_bias},
                                {"self_attn.linear_k", c->no_key_bias},
                                {"self_attn.linear_v", c->no_value_bias}};
    const struct part out = {"self_attn.linear_out", c->no_query_bias};
    int rc = read_linear(l, block, qkv, 3, c->n_dims, c->n_dims, &b->qkv);
    return rc < 0 ? rc : read_linear(l, block, &out, 1, c->n_dims, c->n_dims, &b->out);
}

static int read_cross_attention(const struct loader *l, const char *block, const struct attention_decoder_config *c,
                                struct attention_block *b)
{
    const struct part q = {"src_attn.linear_q", c->no_cross_query_bias};
    const struct part kv[2] = {{"src_attn.linear_k", c->no_cross_key_bias},
                               {"src_attn.linear_v", c->no_cross_value_bias}};
    const struct part out = {"src_attn.linear_out", c->no_cross_query_bias};
    int rc = read_linear(l, block, &q, 1, c->n_dims, c->n_dims, &b->cross_q);
    if (rc == 0)
        rc = read_linear(l, block, kv, 2, c->n_dims, c->n_dims, &b->cross_kv);
    return rc < 0 ? rc : read_linear(l, block, &out, 1, c->n_dims, c->n_dims, &b->cross_out);
}

static int read_feed_forward(const struct loader *l, const char *block, const struct attention_decoder_config *c,
                             struct attention_block *b)
{
    const struct part hidden = {"feed_forward.w_1", c->no_hidden_bias}, back = {"feed_forward.w_2", c->no_hidden_bias};
    int rc = read_linear(l, block, &hidden, 1, c->n_dims, c->n_hidden, &b->hidden);
    return rc < 0 ? rc : read_linear(l, block, &back, 1, c->n_hidden, c->n_dims, &b->back);
}

static int read_block(const struct loader *l, int i, const struct attention_decoder_config *c,
                      struct attention_block *b)
{
    char block[40], name[64];
    snprintf(block, sizeof block, "decoders.%d.", i);
    int rc = 0;
    for (int k = 0; rc == 0 && k < 3; k++) {
        snprintf(name, sizeof name, "%snorm%d", block, k + 1);
        rc = read_norm(l, name, c->n_dims, b->norm[k]);
    }
    if (rc == 0)
        rc = read_self_attention(l, block, c, b);
    if (rc == 0)
        rc = read_cross_attention(l, block, c, b);
    return rc < 0 ? rc : read_feed_forward(l, block, c, b);
}

static int check_config(const struct attention_decoder_config *c, struct message *msg)
{
    if (c->n_vocabulary < 1 || c->n_dims < 1 || c->n_heads < 1 || c->n_hidden < 1 || c->n_blocks < 1 ||
        c->n_dims > 1 << 16 || c->n_hidden > 1 << 20 || c->n_blocks > 1000 || c->n_vocabulary > 1 << 24)
        return fail(msg, LINNET_E_MODEL, "an attention decoder of %d units, %d x %d wide, %d hidden, %d heads",
                    c->n_vocabulary, c->n_blocks, c->n_dims, c->n_hidden, c->n_heads);
    if (c->n_dims % c->n_heads != 0)
        return fail(msg, LINNET_E_MODEL, "an attention decoder %d wide does not divide into %d heads", c->n_dims,
                    c->n_heads);
    if (c->sos < 0 || c->sos >= c->n_vocabulary || c->eos < 0 || c->eos >= c->n_vocabulary)
        return fail(msg, LINNET_E_MODEL, "sos %d or eos %d is not one of %d units", c->sos, c->eos, c->n_vocabulary);
    return LINNET_OK;
}

static int read_all(const struct loader *l, struct attention_decoder *d)
{
    const struct attention_decoder_config *c = &d->config;
    const int64_t shape[2] = {c->n_vocabulary, c->n_dims};
    const struct part output = {"output_layer", 0};
    int rc = read_floats(l, "embed.0.weight", 2, shape, &d->embedding);
    if (rc < 0)
        return rc;
    float scale = (float)sqrt((double)c->n_dims);
    for (size_t i = 0; i < (size_t)c->n_vocabulary * (size_t)c->n_dims; i++)
        d->embedding[i] *= scale;
    for (int i = 0; rc == 0 && i < c->n_blocks; i++)
        rc = read_block(l, i, c, &d->blocks[i]);
    if (rc == 0 && !c->post_norm)
        rc = read_norm(l, "after_norm", c->n_dims, d->norm);
    return rc < 0 ? rc : read_linear(l, "", &output, 1, c->n_dims, c->n_vocabulary, &d->output);
}

int attention_decoder_open(struct attention_decoder **out, const struct safetensors *weights, const char *prefix,
                           const struct attention_decoder_config *config, struct pool *pool, struct message *msg)
{
    int rc = check_config(config, msg);
    if (rc < 0)
        return rc;
    struct attention_decoder *d = mem_array(1, sizeof *d);
    if (d == NULL)
        return fail_memory(msg);
    d->config = *config;
    d->blocks = mem_array((size_t)config->n_blocks, sizeof *d->blocks);
    struct loader l = {weights, prefix, pool, msg};
    rc = d->blocks != NULL ? read_all(&l, d) : fail_memory(msg);
    if (rc < 0) {
        attention_decoder_close(d);
        return rc;
    }
    *out = d;
    return LINNET_OK;
}

static void close_block(struct attention_block *b)
{
    struct linear *const all[] = {&b->qkv, &b->out, &b->cross_q, &b->cross_kv, &b->cross_out, &b->hidden, &b->back};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        linear_close(all[i]);
    for (int k = 0; k < 3; k++) {
        mem_free(b->norm[k][0]);
        mem_free(b->norm[k][1]);
    }
}

void attention_decoder_close(struct attention_decoder *d)
{
    if (d == NULL)
        return;
    for (int i = 0; d->blocks != NULL && i < d->config.n_blocks; i++)
        close_block(&d->blocks[i]);
    mem_free(d->blocks);
    mem_free(d->embedding);
    mem_free(d->norm[0]);
    mem_free(d->norm[1]);
    linear_close(&d->output);
    mem_free(d);
}

size_t attention_decoder_bytes(const struct attention_decoder *d)
{
    const struct attention_decoder_config *c = &d->config;
    size_t n_floats = ((size_t)c->n_vocabulary + 2 + 6 * (size_t)c->n_blocks) * (size_t)c->n_dims;
    size_t bytes = n_floats * sizeof(float) + linear_bytes(&d->output);
    for (int i = 0; i < c->n_blocks; i++) {
        const struct attention_block *b = &d->blocks[i];
        bytes += linear_bytes(&b->qkv) + linear_bytes(&b->out) + linear_bytes(&b->cross_q) +
                 linear_bytes(&b->cross_kv) + linear_bytes(&b->cross_out) + linear_bytes(&b->hidden) +
                 linear_bytes(&b->back);
    }
    return bytes;
}
