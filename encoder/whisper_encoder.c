/* SPDX-License-Identifier: Apache-2.0
 * whisper_encoder.c - Whisper's audio encoder.
 *
 *     mel [2T, n_mels] -> conv 3/1, GELU [2T, D] -> conv 3/2, GELU [T, D] -> + positions
 *     layers: x += out(attention(norm(x)));  x += ffn2(GELU(ffn1(norm(x))))     -> norm
 *
 * Convolutions are linear layers over frames that lie side by side (linear.h); the buffers keep a row of zeros at both
 * ends as their padding. */
#include "encoder/whisper_encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "encoder/whisper_silence.h"

static int layer_load(struct whisper_encoder_layer *l, const struct whisper_encoder *e, const struct layer_source *from,
                      int index)
{
    static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"};
    char p[120], name[160];
    int d = e->base.n_dims, rc;
    snprintf(p, sizeof p, "model.encoder.layers.%d.", index);
#define AT(suffix) (snprintf(name, sizeof name, "%s%s", p, suffix), name)
    if ((rc = layer_norm_load(&l->attention_norm, from, AT("self_attn_layer_norm"), d)) < 0 ||
        (rc = linear_load_joined(&l->qkv, from, &(struct layer_names){AT("self_attn."), qkv, 3}, d, d,
                                 LAYER_BIAS_OPTIONAL)) < 0 ||
        (rc = linear_load(&l->out, from, AT("self_attn.out_proj"), d, d, LAYER_BIAS)) < 0 ||
        (rc = layer_norm_load(&l->ffn_norm, from, AT("final_layer_norm"), d)) < 0 ||
        (rc = linear_load(&l->ffn1, from, AT("fc1"), d, e->n_hidden, LAYER_BIAS)) < 0 ||
        (rc = linear_load(&l->ffn2, from, AT("fc2"), e->n_hidden, d, LAYER_BIAS)) < 0)
        return rc;
#undef AT
    return LINNET_OK;
}

static int read_config(struct whisper_encoder *e, const struct config *config)
{
    struct config c = *config;
    e->base = (struct encoder){.kind = &whisper_encoder_kind, .rate = 2, .context = 1};
    e->base.n_features = config_int(&c, "num_mel_bins", 1, 1024);
    e->base.n_dims = config_int(&c, "d_model", 1, 16384);
    e->n_layers = config_int(&c, "encoder_layers", 1, 1000);
    e->n_heads = config_int(&c, "encoder_attention_heads", 1, 256);
    e->n_hidden = config_int(&c, "encoder_ffn_dim", 1, 65536);
    e->n_states = config_int(&c, "max_source_positions", 1, 16384);
    e->base.window = 2 * e->n_states;
    if (c.rc >= 0 && e->base.n_dims % e->n_heads != 0)
        return fail(c.msg, LINNET_E_MODEL, "%s: d_model %d is not a multiple of encoder_attention_heads %d", c.path,
                    e->base.n_dims, e->n_heads);
    return c.rc;
}

static int weights_load(struct whisper_encoder *e, const struct layer_source *source)
{
    int d = e->base.n_dims, rc;
    struct layer_source fine = *source; /* in 8 bits words are lost: doc/decisions.md */
    fine.precision = precision_finer(source->precision);
    const struct layer_source *from = &fine;
    e->layers = mem_array((size_t)e->n_layers, sizeof *e->layers);
    if (e->layers == NULL)
        return fail_memory(from->msg);
    if ((rc = linear_load_convolution(&e->conv1, from, "model.encoder.conv1", e->base.n_features, d, 3, LAYER_BIAS)) <
            0 ||
        (rc = linear_load_convolution(&e->conv2, from, "model.encoder.conv2", d, d, 3, LAYER_BIAS)) < 0 ||
        (rc = floats_load(&e->positions, from, "model.encoder.embed_positions.weight", 2,
                          (const int64_t[]){e->n_states, d})) < 0 ||
        (rc = layer_norm_load(&e->norm, from, "model.encoder.layer_norm", d)) < 0)
        return rc;
    for (int i = 0; i < e->n_layers; i++)
        if ((rc = layer_load(&e->layers[i], e, from, i)) < 0)
            return rc;
    return LINNET_OK;
}

static void whisper_encoder_close(struct encoder *encoder)
{
    struct whisper_encoder *e = (struct whisper_encoder *)encoder;
    linear_close(&e->conv1);
    linear_close(&e->conv2);
    mem_free(e->positions);
    layer_norm_close(&e->norm);
    for (int i = 0; e->layers != NULL && i < e->n_layers; i++) {
        struct whisper_encoder_layer *l = &e->layers[i];
        layer_norm_close(&l->attention_norm);
        layer_norm_close(&l->ffn_norm);
        linear_close(&l->qkv);
        linear_close(&l->out);
        linear_close(&l->ffn1);
        linear_close(&l->ffn2);
    }
    mem_free(e->layers);
    whisper_silence_close(e->silence);
    mem_free(e);
}

static int whisper_encoder_open(struct encoder **out, const struct encoder_source *from)
{
    struct whisper_encoder *e = mem_array(1, sizeof *e);
    if (e == NULL)
        return fail_memory(from->layers->msg);
    int rc = read_config(e, from->config);
    if (rc < 0 || (rc = weights_load(e, from->layers)) < 0 ||
        (rc = whisper_silence_open(&e->silence, from->layers->msg)) < 0) {
        whisper_encoder_close(&e->base);
        return rc;
    }
    *out = &e->base;
    return LINNET_OK;
}

static size_t whisper_encoder_bytes(const struct encoder *encoder)
{
    const struct whisper_encoder *e = whisper_encoder_of(encoder);
    size_t n = linear_bytes(&e->conv1) + linear_bytes(&e->conv2) +
               (size_t)e->n_states * (size_t)e->base.n_dims * sizeof(float);
    for (int i = 0; i < e->n_layers; i++) {
        const struct whisper_encoder_layer *l = &e->layers[i];
        n += linear_bytes(&l->qkv) + linear_bytes(&l->out) + linear_bytes(&l->ffn1) + linear_bytes(&l->ffn2);
    }
    return n;
}

int whisper_encoder_state_open(struct whisper_encoder_state *s, const struct whisper_encoder *e, int keeps,
                               struct nn_context *ctx, struct message *msg)
{
    size_t d = (size_t)e->base.n_dims, t = (size_t)e->n_states, mels = (size_t)e->base.n_features;
    size_t wide = 3 * d > (size_t)e->n_hidden ? 3 * d : (size_t)e->n_hidden;
    int head = e->base.n_dims / e->n_heads, rc;
    *s = (struct whisper_encoder_state){.n_caches = keeps ? e->n_layers : 1};
    s->block = MEM_PARTS(MEM_PART(s->mel, (2 * t + 2) * mels), MEM_PART(s->norm, t * d),
                         MEM_PART(s->wide, t * wide + 2 * d), MEM_PART(s->caches, (size_t)s->n_caches));
    rc = s->block == NULL ? fail_memory(msg) : LINNET_OK;
    for (int i = 0; i < s->n_caches && rc >= 0; i++)
        rc = attention_cache_open(&s->caches[i], e->n_heads, head, e->n_states, 0, linear_precision(&e->layers[0].qkv),
                                  msg);
    if (rc < 0 || (rc = nn_context_reserve(ctx, attention_scratch(e->n_states, head), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&e->conv1), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&e->conv2), msg)) < 0 ||
        (rc = nn_context_reserve(ctx, linear_scratch(&e->layers[0].ffn2), msg)) < 0)
        whisper_encoder_state_close(s);
    return rc;
}

void whisper_encoder_state_close(struct whisper_encoder_state *s)
{
    for (int i = 0; s->block != NULL && i < s->n_caches; i++)
        attention_cache_close(&s->caches[i]);
    mem_free(s->block);
    *s = (struct whisper_encoder_state){0};
}

/* mel [n_frames, n_mels] to x [n_frames / 2, D], rows from `from` on. */
static void convolve(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                     const float *mel, int n_frames, int from, float *x)
{
    static const struct linear_how gelu = {.act = NN_GELU};
    ptrdiff_t m = e->base.n_features, d = e->base.n_dims, n = n_frames / 2 - from;
    int first = from > 0 ? 2 * from - 1 : 0; /* frame of mel that the first row sees */
    float *conv = s->wide;
    memcpy(s->mel + m, mel, (size_t)(n_frames * m) * sizeof *s->mel);
    memset(s->mel + (n_frames + 1) * m, 0, (size_t)m * sizeof *s->mel);
    linear_forward(ctx, &e->conv1,
                   &(struct linear_rows){s->mel + first * m, m, n_frames - first, conv + (first + 1) * d, d}, &gelu);
    memset(conv, 0, (size_t)d * sizeof *conv);
    memset(conv + (n_frames + 1) * d, 0, (size_t)d * sizeof *conv);
    linear_forward(ctx, &e->conv2, &(struct linear_rows){conv + 2 * from * d, 2 * d, (int)n, x + from * d, d}, &gelu);
    ctx->kernels->add(x + from * d, e->positions + from * d, (int)(n * d), 1.0f);
}

/* Layer i.  The cache holds its keys and values of the frames before these t. */
static void layer_forward(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                          int i, int t, const struct whisper_encoder_tail *tail, float *x)
{
    const struct whisper_encoder_layer *l = &e->layers[i];
    struct attention_cache *cache = &s->caches[i % s->n_caches];
    static const struct linear_how gelu = {.act = NN_GELU}, add = {.add = 1, .scale = 1.0f};
    ptrdiff_t d = (ptrdiff_t)cache->n_heads * cache->head_dims, ffn = l->ffn1.n_out;
    layer_norm_rows(ctx, &l->attention_norm, x, s->norm, t);
    linear_forward(ctx, &l->qkv, &(struct linear_rows){s->norm, d, t, s->wide, 3 * d}, NULL);
    attention_cache_append(ctx, cache, &(struct attention_keys){s->wide + d, 3 * d, s->wide + 2 * d, 3 * d, NULL, t});
    if (tail->n > 0)
        attention_cache_copy(cache, &tail->caches[i], tail->from, tail->n);
    struct attention a = {.q = s->wide, .ldq = 3 * d, .n_rows = t, .out = s->norm, .ldout = d};
    a.scale = 1.0f / sqrtf((float)cache->head_dims);
    attention_forward(ctx, cache, &a);
    linear_forward(ctx, &l->out, &(struct linear_rows){s->norm, d, t, x, d}, &add);
    layer_norm_rows(ctx, &l->ffn_norm, x, s->norm, t);
    linear_forward(ctx, &l->ffn1, &(struct linear_rows){s->norm, d, t, s->wide, ffn}, &gelu);
    linear_forward(ctx, &l->ffn2, &(struct linear_rows){s->wide, ffn, t, x, d}, &add);
}

void whisper_encoder_forward(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                             const struct whisper_encoder_input *in, float *out)
{
    const struct whisper_encoder_tail *tail = &in->tail;
    int from = in->from, n = in->n_frames / 2 - tail->n, t = n - from;
    ptrdiff_t d = e->base.n_dims;
    float *x = out + from * d;
    convolve(ctx, e, s, in->mel, tail->n > 0 ? 2 * (n + 1) : in->n_frames, from, out); /* a row sees the next one's */
    for (int i = 0; i < e->n_layers; i++) {
        attention_cache_cut(&s->caches[i % s->n_caches], from);
        layer_forward(ctx, e, s, i, t, tail, x);
    }
    layer_norm_rows(ctx, &e->norm, x, x, t);
    if (tail->n > 0)
        memcpy(out + n * d, tail->states + tail->from * d, (size_t)(tail->n * d) * sizeof *out);
}

/* ---- the table's entry ---- */

static int forward(const struct encoder *encoder, struct nn_context *ctx, const struct encoder_input *in, float *out,
                   struct message *msg)
{
    const struct whisper_encoder *e = whisper_encoder_of(encoder);
    const struct whisper_encoder_input window = {.mel = in->features, .n_frames = in->n};
    struct whisper_encoder_state state;
    if (in->n > encoder->window || in->n % 2 != 0)
        return fail(msg, LINNET_E_ARGUMENT, "%d frames are no window of up to %d", in->n, encoder->window);
    int rc = whisper_encoder_state_open(&state, e, 0, ctx, msg);
    if (rc < 0)
        return rc;
    whisper_encoder_forward(ctx, e, &state, &window, out);
    whisper_encoder_state_close(&state);
    return in->n / 2;
}

const struct encoder_kind whisper_encoder_kind = {
    .name = "whisper",
    .open = whisper_encoder_open,
    .close = whisper_encoder_close,
    .bytes = whisper_encoder_bytes,
    .forward = forward,
};
