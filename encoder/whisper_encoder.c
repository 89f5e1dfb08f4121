/* SPDX-License-Identifier: Apache-2.0
 * whisper_encoder.c - Whisper's audio encoder.
 *
 *     mel [2T, n_mels] -> conv 3/1, GELU [2T, D] -> conv 3/2, GELU [T, D] -> + positions
 *     layers: x += out(attention(norm(x)));  x += ffn2(GELU(ffn1(norm(x))))     -> norm
 *
 * Convolutions are linear layers over frames that lie side by side (linear.h); the buffers keep a row of zeros at both
 * ends as their padding.  Attention goes through one cache that is refilled for each layer. */
#include "encoder/whisper_encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int layer_load(struct whisper_encoder_layer *l, const struct whisper_config *c, const struct layer_source *from,
                      int index)
{
    static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"};
    char p[120], name[160];
    int d = c->d_model, rc;
    snprintf(p, sizeof p, "model.encoder.layers.%d.", index);
#define AT(suffix) (snprintf(name, sizeof name, "%s%s", p, suffix), name)
    if ((rc = layer_norm_load(&l->attention_norm, from, AT("self_attn_layer_norm"), d)) < 0 ||
        (rc = linear_load_joined(&l->qkv, from, AT("self_attn."), qkv, 3, d, d, LAYER_BIAS_OPTIONAL)) < 0 ||
        (rc = linear_load(&l->out, from, AT("self_attn.out_proj"), d, d, LAYER_BIAS)) < 0 ||
        (rc = layer_norm_load(&l->ffn_norm, from, AT("final_layer_norm"), d)) < 0 ||
        (rc = linear_load(&l->ffn1, from, AT("fc1"), d, c->encoder_ffn, LAYER_BIAS)) < 0 ||
        (rc = linear_load(&l->ffn2, from, AT("fc2"), c->encoder_ffn, d, LAYER_BIAS)) < 0)
        return rc;
#undef AT
    return LINNET_OK;
}

int whisper_encoder_open(struct whisper_encoder *e, const struct whisper_config *config,
                         const struct layer_source *from)
{
    memset(e, 0, sizeof *e);
    e->config = *config;
    int d = config->d_model, rc;
    const int64_t positions[] = {config->n_audio_ctx, d};
    if ((rc = linear_load_convolution(&e->conv1, from, "model.encoder.conv1", config->n_mels, d, 3)) < 0 ||
        (rc = linear_load_convolution(&e->conv2, from, "model.encoder.conv2", d, d, 3)) < 0 ||
        (rc = floats_load(&e->positions, from, "model.encoder.embed_positions.weight", 2, positions)) < 0 ||
        (rc = layer_norm_load(&e->norm, from, "model.encoder.layer_norm", d)) < 0)
        goto fail;
    for (int i = 0; i < config->encoder_layers; i++)
        if ((rc = layer_load(&e->layers[i], config, from, i)) < 0)
            goto fail;
    return LINNET_OK;
fail:
    whisper_encoder_close(e);
    return rc;
}

void whisper_encoder_close(struct whisper_encoder *e)
{
    linear_close(&e->conv1);
    linear_close(&e->conv2);
    mem_free(e->positions);
    layer_norm_close(&e->norm);
    for (int i = 0; i < e->config.encoder_layers; i++) {
        struct whisper_encoder_layer *l = &e->layers[i];
        layer_norm_close(&l->attention_norm);
        layer_norm_close(&l->ffn_norm);
        linear_close(&l->qkv);
        linear_close(&l->out);
        linear_close(&l->ffn1);
        linear_close(&l->ffn2);
    }
    memset(e, 0, sizeof *e);
}

size_t whisper_encoder_bytes(const struct whisper_encoder *e)
{
    size_t n = linear_bytes(&e->conv1) + linear_bytes(&e->conv2) +
               (size_t)e->config.n_audio_ctx * (size_t)e->config.d_model * sizeof(float);
    for (int i = 0; i < e->config.encoder_layers; i++) {
        const struct whisper_encoder_layer *l = &e->layers[i];
        n += linear_bytes(&l->qkv) + linear_bytes(&l->out) + linear_bytes(&l->ffn1) + linear_bytes(&l->ffn2);
    }
    return n;
}

int whisper_encoder_state_open(struct whisper_encoder_state *s, const struct whisper_encoder *e, int keeps,
                               struct nn_context *ctx, struct message *msg)
{
    const struct whisper_config *c = &e->config;
    size_t d = (size_t)c->d_model, t = (size_t)c->n_audio_ctx;
    size_t wide = 3 * d > (size_t)c->encoder_ffn ? 3 * d : (size_t)c->encoder_ffn;
    memset(s, 0, sizeof *s);
    s->mel = mem_array((2 * t + 2) * (size_t)c->n_mels, sizeof *s->mel);
    s->conv = mem_array((2 * t + 2) * d, sizeof *s->conv);
    s->norm = mem_array(t * d, sizeof *s->norm);
    s->wide = mem_array(t * wide, sizeof *s->wide);
    s->n_caches = keeps ? c->encoder_layers : 1;
    s->caches = mem_array((size_t)s->n_caches, sizeof *s->caches);
    int rc = fail_memory(msg);
    if (s->mel == NULL || s->conv == NULL || s->norm == NULL || s->wide == NULL || s->caches == NULL)
        goto fail;
    int head = c->d_model / c->encoder_heads;
    for (int i = 0; i < s->n_caches; i++)
        if ((rc = attention_cache_open(&s->caches[i], c->encoder_heads, head, c->n_audio_ctx, 0, msg)) < 0)
            goto fail;
    if ((rc = nn_context_reserve(ctx, attention_scratch(c->n_audio_ctx, head), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&e->conv1), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&e->conv2), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&e->layers[0].ffn2), msg)) < 0)
        goto fail;
    return LINNET_OK;
fail:
    whisper_encoder_state_close(s);
    return rc;
}

void whisper_encoder_state_close(struct whisper_encoder_state *s)
{
    mem_free(s->mel);
    mem_free(s->conv);
    mem_free(s->norm);
    mem_free(s->wide);
    for (int i = 0; s->caches != NULL && i < s->n_caches; i++)
        attention_cache_close(&s->caches[i]);
    mem_free(s->caches);
    memset(s, 0, sizeof *s);
}

/* mel [n_frames, n_mels] to x [n_frames / 2, D], rows from `from` on. */
static void convolve(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                     const float *mel, int n_frames, int from, float *x)
{
    static const struct linear_how gelu = {.act = NN_GELU};
    ptrdiff_t m = e->config.n_mels, d = e->config.d_model, n = n_frames / 2 - from;
    int first = from > 0 ? 2 * from - 1 : 0; /* frame of mel that the first row sees */
    memcpy(s->mel + m, mel, (size_t)(n_frames * m) * sizeof *mel);
    memset(s->mel + (n_frames + 1) * m, 0, (size_t)m * sizeof *mel);
    linear_forward(ctx, &e->conv1, s->mel + first * m, m, n_frames - first, s->conv + (first + 1) * d, d, &gelu);
    memset(s->conv + (n_frames + 1) * d, 0, (size_t)d * sizeof *s->conv);
    linear_forward(ctx, &e->conv2, s->conv + 2 * from * d, 2 * d, (int)n, x + from * d, d, &gelu);
    ctx->kernels->add(x + from * d, e->positions + from * d, (int)(n * d), 1.0f);
}

/* The cache holds the layer's keys and values of the frames before these t. */
static void layer_forward(struct nn_context *ctx, const struct whisper_encoder_layer *l, struct whisper_encoder_state *s,
                          struct attention_cache *cache, int t, float *x)
{
    static const struct linear_how gelu = {.act = NN_GELU}, add = {.add = 1, .scale = 1.0f};
    ptrdiff_t d = (ptrdiff_t)cache->n_heads * cache->head_dims, ffn = l->ffn1.n_out;
    layer_norm_rows(ctx, &l->attention_norm, x, s->norm, t);
    linear_forward(ctx, &l->qkv, s->norm, d, t, s->wide, 3 * d, NULL);
    attention_cache_append(ctx, cache, s->wide + d, 3 * d, s->wide + 2 * d, 3 * d, NULL, t);
    struct attention a = {.q = s->wide, .ldq = 3 * d, .n_rows = t, .out = s->norm, .ldout = d};
    a.scale = 1.0f / sqrtf((float)cache->head_dims);
    attention_forward(ctx, cache, &a);
    linear_forward(ctx, &l->out, s->norm, d, t, x, d, &add);
    layer_norm_rows(ctx, &l->ffn_norm, x, s->norm, t);
    linear_forward(ctx, &l->ffn1, s->norm, d, t, s->wide, ffn, &gelu);
    linear_forward(ctx, &l->ffn2, s->wide, ffn, t, x, d, &add);
}

void whisper_encoder_forward(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                             const float *mel, int n_frames, int from, float *out)
{
    int t = n_frames / 2 - from;
    float *x = out + (ptrdiff_t)from * e->config.d_model;
    convolve(ctx, e, s, mel, n_frames, from, out);
    for (int i = 0; i < e->config.encoder_layers; i++) {
        struct attention_cache *cache = &s->caches[i % s->n_caches];
        attention_cache_cut(cache, from);
        layer_forward(ctx, &e->layers[i], s, cache, t, x);
    }
    layer_norm_rows(ctx, &e->norm, x, x, t);
}
