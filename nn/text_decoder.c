/* SPDX-License-Identifier: Apache-2.0
 * text_decoder.c - the weights of a Transformer's decoder. */
#include "nn/text_decoder.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MAX_NAME 160

static int check_config(const struct text_decoder_config *c, struct message *msg)
{
    if (c->n_vocabulary < 1 || c->n_dims < 1 || c->n_heads < 1 || c->n_hidden < 1 || c->n_blocks < 1 ||
        c->n_positions < 0 || c->n_dims > 1 << 16 || c->n_hidden > 1 << 20 || c->n_blocks > 1000 ||
        c->n_vocabulary > 1 << 24)
        return fail(msg, LINNET_E_MODEL, "a text decoder of %d tokens, %d x %d wide, %d hidden, %d heads",
                    c->n_vocabulary, c->n_blocks, c->n_dims, c->n_hidden, c->n_heads);
    if (c->n_dims % c->n_heads != 0)
        return fail(msg, LINNET_E_MODEL, "a text decoder %d wide does not divide into %d heads", c->n_dims, c->n_heads);
    if (c->sos < 0 || c->sos >= c->n_vocabulary || c->eos < 0 || c->eos >= c->n_vocabulary)
        return fail(msg, LINNET_E_MODEL, "sos %d or eos %d is not one of %d tokens", c->sos, c->eos, c->n_vocabulary);
    return LINNET_OK;
}

static int block_open(struct text_decoder_block *b, const struct text_decoder_config *c,
                      const struct text_decoder_names *names, const char *prefix, const struct layer_source *from)
{
    struct layer_source tokens = *from, frames = *from; /* a few rows of the one meet a layer, many of the other */
    tokens.precision = precision_of_few_rows(from->precision);
    frames.precision = precision_finer(from->precision);
    const struct {
        struct linear *layer;
        const struct layer_source *from;
        const char *const *names;
        int n_names, n_in, n_out;
        enum layer_bias bias;
    } layers[] = {
        {&b->qkv, &tokens, names->self, 3, c->n_dims, c->n_dims, c->key_bias},
        {&b->out, &tokens, names->self + 3, 1, c->n_dims, c->n_dims, c->attention_bias},
        {&b->cross_q, &tokens, names->cross, 1, c->n_dims, c->n_dims, c->attention_bias},
        {&b->cross_kv, &frames, names->cross + 1, 2, c->n_dims, c->n_dims, c->key_bias},
        {&b->cross_out, &tokens, names->cross + 3, 1, c->n_dims, c->n_dims, c->attention_bias},
        {&b->hidden, &tokens, &names->hidden, 1, c->n_dims, c->n_hidden, c->hidden_bias},
        {&b->back, &tokens, &names->back, 1, c->n_hidden, c->n_dims, c->hidden_bias},
    };
    int rc = LINNET_OK;
    for (int i = 0; rc >= 0 && i < 3; i++) {
        char name[MAX_NAME];
        snprintf(name, sizeof name, "%s%s", prefix, names->norms[i]);
        rc = layer_norm_load(&b->norm[i], from, name, c->n_dims);
    }
    for (size_t i = 0; rc >= 0 && i < sizeof layers / sizeof layers[0]; i++)
        rc = linear_load_joined(layers[i].layer, layers[i].from,
                                &(struct layer_names){prefix, layers[i].names, layers[i].n_names}, layers[i].n_in,
                                layers[i].n_out, layers[i].bias);
    return rc;
}

static int weights_open(struct text_decoder *d, const struct text_decoder_names *names, const char *prefix,
                        const struct layer_source *from)
{
    const struct text_decoder_config *c = &d->config;
    const char *output = c->tied ? names->embedding : names->output;
    struct layer_source tokens = *from;
    char name[MAX_NAME];
    tokens.precision = precision_of_few_rows(from->precision);
#define NAME(...) (snprintf(name, sizeof name, __VA_ARGS__), name)
    /* First, while there is little else: its weights as they are stored, in memory with it, are the largest. */
    int rc = linear_load(&d->output, &tokens, NAME("%s%s", prefix, output), c->n_dims, c->n_vocabulary,
                         c->tied ? LAYER_NO_BIAS : LAYER_BIAS);
    if (rc >= 0 && !c->tied)
        rc = floats_load(&d->embedding, from, NAME("%s%s.weight", prefix, names->embedding), 2,
                         (const int64_t[]){c->n_vocabulary, c->n_dims});
    if (rc >= 0 && c->n_positions > 0)
        rc = floats_load(&d->positions, from, NAME("%s%s.weight", prefix, names->positions), 2,
                         (const int64_t[]){c->n_positions, c->n_dims});
    for (int i = 0; rc >= 0 && i < c->n_blocks; i++)
        rc = block_open(&d->blocks[i], c, names, NAME("%s%s.%d.", prefix, names->blocks, i), from);
    if (rc >= 0 && !c->post_norm)
        rc = layer_norm_load(&d->norm, from, NAME("%s%s", prefix, names->norm), c->n_dims);
    if (rc >= 0 && c->tied && from->precision != PRECISION_FP32)
        rc = safetensors_get(from->file, NAME("%s%s.weight", prefix, output), 2,
                             (const int64_t[]){c->n_vocabulary, c->n_dims}, &d->stored, from->msg);
    return rc;
#undef NAME
}

enum { N_LAYERS = 7 };

static void layers_of(struct text_decoder_block *b, struct linear *layers[N_LAYERS])
{
    struct linear *const all[N_LAYERS] = {&b->qkv,       &b->out,    &b->cross_q, &b->cross_kv,
                                          &b->cross_out, &b->hidden, &b->back};
    memcpy(layers, all, sizeof all);
}

/* Puts the weights of all blocks side by side: each layer's are too few for pages of 2 MB. */
static int gather_weights(struct text_decoder *d, struct message *msg)
{
    struct linear *layers[N_LAYERS];
    size_t n = 0;
    for (int i = 0; i < d->config.n_blocks; i++) {
        layers_of(&d->blocks[i], layers);
        for (int j = 0; j < N_LAYERS; j++)
            n += linear_own_bytes(layers[j]);
    }
    if (n == 0)
        return LINNET_OK;
    char *to = d->weights = mem_array(n, 1);
    if (to == NULL)
        return fail_memory(msg);
    for (int i = 0; i < d->config.n_blocks; i++) {
        layers_of(&d->blocks[i], layers);
        for (int j = 0; j < N_LAYERS; j++) {
            size_t bytes = linear_own_bytes(layers[j]);
            if (bytes > 0)
                linear_move(layers[j], to);
            to += bytes;
        }
    }
    return LINNET_OK;
}

int text_decoder_open(struct text_decoder **out, const struct text_decoder_config *config,
                      const struct text_decoder_names *names, const char *prefix, const struct layer_source *from)
{
    int rc = check_config(config, from->msg);
    if (rc < 0)
        return rc;
    struct text_decoder *d = mem_array(1, sizeof *d);
    if (d == NULL)
        return fail_memory(from->msg);
    d->config = *config;
    d->blocks = mem_array((size_t)config->n_blocks, sizeof *d->blocks);
    rc = d->blocks != NULL ? weights_open(d, names, prefix, from) : fail_memory(from->msg);
    if (rc < 0 || (rc = gather_weights(d, from->msg)) < 0) {
        text_decoder_close(d);
        return rc;
    }
    *out = d;
    return LINNET_OK;
}

static void block_close(struct text_decoder_block *b)
{
    struct linear *layers[N_LAYERS];
    layers_of(b, layers);
    for (int i = 0; i < N_LAYERS; i++)
        linear_close(layers[i]);
    for (int i = 0; i < 3; i++)
        layer_norm_close(&b->norm[i]);
}

void text_decoder_close(struct text_decoder *d)
{
    if (d == NULL)
        return;
    for (int i = 0; d->blocks != NULL && i < d->config.n_blocks; i++)
        block_close(&d->blocks[i]);
    mem_free(d->blocks);
    mem_free(d->weights);
    mem_free(d->embedding);
    mem_free(d->positions);
    layer_norm_close(&d->norm);
    linear_close(&d->output);
    mem_free(d);
}

size_t text_decoder_bytes(const struct text_decoder *d)
{
    const struct text_decoder_config *c = &d->config;
    int n_norms = 2 * (3 * c->n_blocks + !c->post_norm), n_rows = n_norms + c->n_positions;
    if (!c->tied)
        n_rows += c->n_vocabulary;
    size_t bytes = (size_t)n_rows * (size_t)c->n_dims * sizeof(float) + linear_bytes(&d->output);
    for (int i = 0; i < c->n_blocks; i++) {
        struct linear *layers[N_LAYERS];
        layers_of(&d->blocks[i], layers);
        for (int j = 0; j < N_LAYERS; j++)
            bytes += linear_bytes(layers[j]);
    }
    return bytes;
}

size_t text_decoder_frame_bytes(const struct text_decoder *d)
{
    size_t item = linear_precision(&d->blocks[0].cross_kv) == PRECISION_FP32 ? sizeof(float) : sizeof(int16_t);
    return 2 * (size_t)d->config.n_blocks * (size_t)d->config.n_dims * item;
}
