/* SPDX-License-Identifier: Apache-2.0
 * whisper_network.c - Whisper's text decoder.
 *
 *     x = embedding + position
 *     layers: x += out(self-attention(norm x));  x += out(cross-attention(norm x));  x += ffn2(GELU(ffn1(norm x)))
 *     logits = norm(x) embedding^T
 *
 * Self-attention reads keys and values row by row from slots: histories are short, and what a step costs is reading the
 * weights.  Cross-attention goes through packed caches (attention.h). */
#include "decoders/whisper_network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int layer_load(struct whisper_decoder_layer *l, const struct whisper_config *c, const struct layer_source *from,
                      int index)
{
    static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"}, *const kv[] = {"k_proj", "v_proj"};
    char p[120], name[160];
    int d = c->d_model, ffn = c->decoder_ffn, rc;
    snprintf(p, sizeof p, "model.decoder.layers.%d.", index);
#define AT(suffix) (snprintf(name, sizeof name, "%s%s", p, suffix), name)
    if ((rc = layer_norm_load(&l->self_norm, from, AT("self_attn_layer_norm"), d)) < 0 ||
        (rc = linear_load_joined(&l->qkv, from, AT("self_attn."), qkv, 3, d, d, LAYER_BIAS_OPTIONAL)) < 0 ||
        (rc = linear_load(&l->out, from, AT("self_attn.out_proj"), d, d, LAYER_BIAS)) < 0 ||
        (rc = layer_norm_load(&l->cross_norm, from, AT("encoder_attn_layer_norm"), d)) < 0 ||
        (rc = linear_load(&l->cross_q, from, AT("encoder_attn.q_proj"), d, d, LAYER_BIAS)) < 0 ||
        (rc = linear_load_joined(&l->cross_kv, from, AT("encoder_attn."), kv, 2, d, d, LAYER_BIAS_OPTIONAL)) < 0 ||
        (rc = linear_load(&l->cross_out, from, AT("encoder_attn.out_proj"), d, d, LAYER_BIAS)) < 0 ||
        (rc = layer_norm_load(&l->ffn_norm, from, AT("final_layer_norm"), d)) < 0 ||
        (rc = linear_load(&l->ffn1, from, AT("fc1"), d, ffn, LAYER_BIAS)) < 0 ||
        (rc = linear_load(&l->ffn2, from, AT("fc2"), ffn, d, LAYER_BIAS)) < 0)
        return rc;
#undef AT
    return LINNET_OK;
}

int whisper_network_open(struct whisper_network *n, const struct whisper_config *config,
                         const struct layer_source *from)
{
    memset(n, 0, sizeof *n);
    n->config = *config;
    int d = config->d_model, rc;
    const int64_t positions[] = {config->n_text_ctx, d};
    /* The embedding's tensor is called X.weight, as a linear layer's is. */
    if ((rc = linear_load(&n->embedding, from, "model.decoder.embed_tokens", d, config->n_vocab, LAYER_NO_BIAS)) < 0 ||
        (rc = floats_load(&n->positions, from, "model.decoder.embed_positions.weight", 2, positions)) < 0 ||
        (rc = layer_norm_load(&n->norm, from, "model.decoder.layer_norm", d)) < 0)
        goto fail;
    for (int i = 0; i < config->decoder_layers; i++)
        if ((rc = layer_load(&n->layers[i], config, from, i)) < 0)
            goto fail;
    return LINNET_OK;
fail:
    whisper_network_close(n);
    return rc;
}

void whisper_network_close(struct whisper_network *n)
{
    linear_close(&n->embedding);
    mem_free(n->positions);
    layer_norm_close(&n->norm);
    for (int i = 0; i < n->config.decoder_layers; i++) {
        struct whisper_decoder_layer *l = &n->layers[i];
        struct linear *linears[] = {&l->qkv, &l->out, &l->cross_q, &l->cross_kv, &l->cross_out, &l->ffn1, &l->ffn2};
        for (size_t j = 0; j < sizeof linears / sizeof linears[0]; j++)
            linear_close(linears[j]);
        layer_norm_close(&l->self_norm);
        layer_norm_close(&l->cross_norm);
        layer_norm_close(&l->ffn_norm);
    }
    memset(n, 0, sizeof *n);
}

size_t whisper_network_bytes(const struct whisper_network *n)
{
    size_t bytes = linear_bytes(&n->embedding);
    for (int i = 0; i < n->config.decoder_layers; i++) {
        const struct whisper_decoder_layer *l = &n->layers[i];
        bytes += linear_bytes(&l->qkv) + linear_bytes(&l->out) + linear_bytes(&l->cross_q) +
                 linear_bytes(&l->cross_kv) + linear_bytes(&l->cross_out) + linear_bytes(&l->ffn1) +
                 linear_bytes(&l->ffn2);
    }
    return bytes;
}

int whisper_network_state_open(struct whisper_network_state *s, const struct whisper_network *n, int n_slots,
                               int max_rows, struct nn_context *ctx, struct message *msg)
{
    const struct whisper_config *c = &n->config;
    size_t d = (size_t)c->d_model, rows = (size_t)max_rows, slots = (size_t)c->decoder_layers * (size_t)n_slots;
    size_t wide = 3 * d > (size_t)c->decoder_ffn ? 3 * d : (size_t)c->decoder_ffn;
    int head = c->d_model / c->decoder_heads, rc;
    memset(s, 0, sizeof *s);
    s->n_slots = n_slots;
    s->max_rows = max_rows;
    s->keys = mem_array(slots * d, sizeof *s->keys);
    s->values = mem_array(slots * d, sizeof *s->values);
    s->audio = mem_array((size_t)c->n_audio_ctx * 2 * d, sizeof *s->audio);
    s->x = mem_array(rows * d, sizeof *s->x);
    s->norm = mem_array(rows * d, sizeof *s->norm);
    s->attended = mem_array(rows * d, sizeof *s->attended);
    s->wide = mem_array(rows * wide, sizeof *s->wide);
    s->scores = mem_array((size_t)ctx->n_threads * (size_t)c->n_text_ctx, sizeof *s->scores);
    rc = fail_memory(msg);
    if (s->keys == NULL || s->values == NULL || s->audio == NULL || s->x == NULL || s->norm == NULL ||
        s->attended == NULL || s->wide == NULL || s->scores == NULL)
        goto fail;
    for (int i = 0; i < c->decoder_layers; i++)
        if ((rc = attention_cache_open(&s->cross[i], c->decoder_heads, head, c->n_audio_ctx, 0, msg)) < 0)
            goto fail;
    if ((rc = nn_context_reserve(ctx, attention_scratch(c->n_audio_ctx, head), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&n->layers[0].ffn2), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&n->embedding), msg)) < 0)
        goto fail;
    return LINNET_OK;
fail:
    whisper_network_state_close(s);
    return rc;
}

void whisper_network_state_close(struct whisper_network_state *s)
{
    float *arrays[] = {s->keys, s->values, s->audio, s->x, s->norm, s->attended, s->wide, s->scores};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
    for (int i = 0; i < WHISPER_MAX_LAYERS; i++)
        attention_cache_close(&s->cross[i]);
    memset(s, 0, sizeof *s);
}

void whisper_network_listen(struct nn_context *ctx, const struct whisper_network *n, struct whisper_network_state *s,
                            const float *states, int n_frames, int from)
{
    ptrdiff_t d = n->config.d_model;
    int t = n_frames - from;
    states += from * d;
    for (int i = 0; i < n->config.decoder_layers; i++) {
        linear_forward(ctx, &n->layers[i].cross_kv, states, d, t, s->audio, 2 * d, NULL);
        attention_cache_cut(&s->cross[i], from);
        attention_cache_append(ctx, &s->cross[i], s->audio, 2 * d, s->audio + d, 2 * d, NULL, t);
    }
}

/* ---- self-attention ---- */

struct self_attention {
    struct nn_context *ctx;
    const struct whisper_row *rows;
    const float *qkv;     /* [n_rows, 3 D] */
    float *keys, *values; /* [H][n_slots][d] of the layer */
    float *out, *scores;
    int n_rows, n_slots, d_model, n_heads, max_length;
};

/* Task i: head i / n_rows, row i % n_rows: rows share most of their keys. */
static void attend(void *arg, int i, int i_thread)
{
    const struct self_attention *a = arg;
    int head = i / a->n_rows, row = i % a->n_rows, d = a->d_model / a->n_heads, n = a->rows[row].position + 1;
    const int *slots = a->rows[row].slots;
    ptrdiff_t at = (ptrdiff_t)head * d, cache = at * a->n_slots;
    float *scores = a->scores + (ptrdiff_t)i_thread * a->max_length;
    a->ctx->kernels->gather_dots(a->qkv + (ptrdiff_t)row * 3 * a->d_model + at, d, a->keys + cache, slots, d, n,
                                 1.0f / sqrtf((float)d), scores);
    a->ctx->kernels->softmax(scores, n);
    a->ctx->kernels->gather_sum(scores, a->values + cache, slots, d, n, d, a->out + (ptrdiff_t)row * a->d_model + at);
}

/* Puts the row's key and value, those of each head, into its slot. */
static void keep_row(const struct self_attention *a, int row)
{
    int d = a->d_model / a->n_heads, slot = a->rows[row].slots[a->rows[row].position];
    const float *key = a->qkv + ((ptrdiff_t)row * 3 + 1) * a->d_model, *value = key + a->d_model;
    for (int h = 0; h < a->n_heads; h++) {
        ptrdiff_t to = ((ptrdiff_t)h * a->n_slots + slot) * d;
        memcpy(a->keys + to, key + (ptrdiff_t)h * d, (size_t)d * sizeof *key);
        memcpy(a->values + to, value + (ptrdiff_t)h * d, (size_t)d * sizeof *value);
    }
}

static void self_attend(struct nn_context *ctx, const struct whisper_network *n, struct whisper_network_state *s,
                        int layer, const struct whisper_row *rows, int n_rows)
{
    ptrdiff_t d = n->config.d_model, base = (ptrdiff_t)layer * s->n_slots * d;
    int64_t work = 0;
    struct self_attention a = {.ctx = ctx, .rows = rows, .qkv = s->wide, .keys = s->keys + base,
                               .values = s->values + base, .out = s->attended, .scores = s->scores, .n_rows = n_rows,
                               .n_slots = s->n_slots, .d_model = (int)d, .n_heads = n->config.decoder_heads,
                               .max_length = n->config.n_text_ctx};
    for (int i = 0; i < n_rows; i++) {
        keep_row(&a, i);
        work += (int64_t)rows[i].position * d;
    }
    pool_run(work > 1 << 15 ? ctx->pool : NULL, attend, &a, n_rows * a.n_heads);
}

static void layer_step(struct nn_context *ctx, const struct whisper_network *n, struct whisper_network_state *s,
                       int layer, const struct whisper_row *rows, int n_rows, const struct whisper_taps *taps)
{
    static const struct linear_how gelu = {.act = NN_GELU}, add = {.add = 1, .scale = 1.0f};
    const struct whisper_decoder_layer *l = &n->layers[layer];
    ptrdiff_t d = n->config.d_model, ffn = n->config.decoder_ffn;
    layer_norm_rows(ctx, &l->self_norm, s->x, s->norm, n_rows);
    linear_forward(ctx, &l->qkv, s->norm, d, n_rows, s->wide, 3 * d, NULL);
    self_attend(ctx, n, s, layer, rows, n_rows);
    linear_forward(ctx, &l->out, s->attended, d, n_rows, s->x, d, &add);
    layer_norm_rows(ctx, &l->cross_norm, s->x, s->norm, n_rows);
    linear_forward(ctx, &l->cross_q, s->norm, d, n_rows, s->wide, d, NULL);
    struct attention a = {.q = s->wide, .ldq = d, .n_rows = n_rows, .out = s->attended, .ldout = d};
    a.scale = 1.0f / sqrtf((float)s->cross[layer].head_dims);
    a.weights = taps != NULL ? taps->weights : NULL;
    a.weights_index = taps != NULL ? taps->index + layer * n->config.decoder_heads : NULL;
    attention_forward(ctx, &s->cross[layer], &a);
    linear_forward(ctx, &l->cross_out, s->attended, d, n_rows, s->x, d, &add);
    layer_norm_rows(ctx, &l->ffn_norm, s->x, s->norm, n_rows);
    linear_forward(ctx, &l->ffn1, s->norm, d, n_rows, s->wide, ffn, &gelu);
    linear_forward(ctx, &l->ffn2, s->wide, ffn, n_rows, s->x, d, &add);
}

void whisper_network_step(struct nn_context *ctx, const struct whisper_network *n, struct whisper_network_state *s,
                          const struct whisper_row *rows, int n_rows, float *hidden, const struct whisper_taps *taps)
{
    ptrdiff_t d = n->config.d_model;
    for (int i = 0; i < n_rows; i++) {
        linear_row(&n->embedding, rows[i].token, s->x + i * d);
        ctx->kernels->add(s->x + i * d, n->positions + rows[i].position * d, (int)d, 1.0f);
    }
    for (int i = 0; i < n->config.decoder_layers; i++)
        layer_step(ctx, n, s, i, rows, n_rows, taps);
    layer_norm_rows(ctx, &n->norm, s->x, hidden, n_rows);
}

void whisper_network_logits(struct nn_context *ctx, const struct whisper_network *n, const float *hidden, int n_rows,
                            float *logits)
{
    linear_forward(ctx, &n->embedding, hidden, n->config.d_model, n_rows, logits, n->config.n_vocab, NULL);
}
