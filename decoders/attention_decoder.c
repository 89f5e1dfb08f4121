/* SPDX-License-Identifier: Apache-2.0
 * attention_decoder.c - the weights of WeNet's attention decoder. */
#include "decoders/attention_decoder.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"

#define MAX_NAME 160

/* Reads block "prefix.decoders.i." */
static int read_block(const struct layer_source *from, const char *prefix, const struct attention_decoder_config *c,
                      struct attention_block *b)
{
    static const char *const qkv[] = {"self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v"};
    static const char *const out[] = {"self_attn.linear_out"}, *const cross_out[] = {"src_attn.linear_out"};
    static const char *const q[] = {"src_attn.linear_q"}, *const kv[] = {"src_attn.linear_k", "src_attn.linear_v"};
    static const char *const hidden[] = {"feed_forward.w_1"}, *const back[] = {"feed_forward.w_2"};
    const struct {
        struct linear *layer;
        const char *const *names;
        int n_names, n_in, n_out;
        enum layer_bias bias;
    } layers[] = {
        {&b->qkv, qkv, 3, c->n_dims, c->n_dims, c->attention_bias},
        {&b->out, out, 1, c->n_dims, c->n_dims, c->attention_bias},
        {&b->cross_q, q, 1, c->n_dims, c->n_dims, c->attention_bias},
        {&b->cross_kv, kv, 2, c->n_dims, c->n_dims, c->attention_bias},
        {&b->cross_out, cross_out, 1, c->n_dims, c->n_dims, c->attention_bias},
        {&b->hidden, hidden, 1, c->n_dims, c->n_hidden, c->hidden_bias},
        {&b->back, back, 1, c->n_hidden, c->n_dims, c->hidden_bias},
    };
    int rc = 0;
    for (int k = 0; rc == 0 && k < 3; k++) {
        char name[MAX_NAME + 16];
        snprintf(name, sizeof name, "%snorm%d", prefix, k + 1);
        rc = layer_norm_load(&b->norm[k], from, name, c->n_dims);
    }
    for (size_t i = 0; rc == 0 && i < sizeof layers / sizeof layers[0]; i++)
        rc = linear_load_joined(layers[i].layer, from, prefix, layers[i].names, layers[i].n_names, layers[i].n_in,
                                layers[i].n_out, layers[i].bias);
    return rc;
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

static int read_all(const struct layer_source *from, const char *prefix, struct attention_decoder *d)
{
    const struct attention_decoder_config *c = &d->config;
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%s.embed.0.weight", prefix);
    int rc = floats_load(&d->embedding, from, name, 2, (const int64_t[]){c->n_vocabulary, c->n_dims});
    if (rc < 0)
        return rc;
    float scale = (float)sqrt((double)c->n_dims);
    for (size_t i = 0; i < (size_t)c->n_vocabulary * (size_t)c->n_dims; i++)
        d->embedding[i] *= scale;
    for (int i = 0; rc == 0 && i < c->n_blocks; i++) {
        snprintf(name, sizeof name, "%s.decoders.%d.", prefix, i);
        rc = read_block(from, name, c, &d->blocks[i]);
    }
    if (rc == 0 && !c->post_norm) {
        snprintf(name, sizeof name, "%s.after_norm", prefix);
        rc = layer_norm_load(&d->norm, from, name, c->n_dims);
    }
    snprintf(name, sizeof name, "%s.output_layer", prefix);
    return rc < 0 ? rc : linear_load(&d->output, from, name, c->n_dims, c->n_vocabulary, LAYER_BIAS);
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
    const struct layer_source from = {weights, pool, msg};
    rc = d->blocks != NULL ? read_all(&from, prefix, d) : fail_memory(msg);
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
    for (int k = 0; k < 3; k++)
        layer_norm_close(&b->norm[k]);
}

void attention_decoder_close(struct attention_decoder *d)
{
    if (d == NULL)
        return;
    for (int i = 0; d->blocks != NULL && i < d->config.n_blocks; i++)
        close_block(&d->blocks[i]);
    mem_free(d->blocks);
    mem_free(d->embedding);
    layer_norm_close(&d->norm);
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
