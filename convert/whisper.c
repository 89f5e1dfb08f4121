/* SPDX-License-Identifier: Apache-2.0
 * whisper.c - Whisper's tensors from the names of OpenAI (and ggml) or CTranslate2 to those of Hugging Face.
 *
 * One table has each tensor's shape and its name in the three programs.  CTranslate2 keeps q, k and v in one
 * matrix, and its keys have a bias (zeros: Whisper's have none).  A source without the encoder's positions gets them
 * computed: they are sinusoids (openai-whisper, model.py, sinusoids). */
#include "convert/whisper.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/plan.h"

#define MAX_LAYERS 256

struct row {
    const char *shape; /* a letter for each dimension, see size_of */
    const char *hf, *openai, *ct2;
    int i_part, n_parts; /* of the fused matrix of CTranslate2; n_parts 0: not fused */
};

static const struct row encoder_rows[] = {
    {"DM3", "conv1.weight", "conv1.weight", "conv1/weight", 0, 0},
    {"D", "conv1.bias", "conv1.bias", "conv1/bias", 0, 0},
    {"DD3", "conv2.weight", "conv2.weight", "conv2/weight", 0, 0},
    {"D", "conv2.bias", "conv2.bias", "conv2/bias", 0, 0},
    {"D", "layer_norm.weight", "ln_post.weight", "layer_norm/gamma", 0, 0},
    {"D", "layer_norm.bias", "ln_post.bias", "layer_norm/beta", 0, 0},
};

static const struct row decoder_rows[] = {
    {"VD", "embed_tokens.weight", "token_embedding.weight", "embeddings/weight", 0, 0},
    {"TD", "embed_positions.weight", "positional_embedding", "position_encodings/encodings", 0, 0},
    {"D", "layer_norm.weight", "ln.weight", "layer_norm/gamma", 0, 0},
    {"D", "layer_norm.bias", "ln.bias", "layer_norm/beta", 0, 0},
};

/* Of every layer; the names come after "layers.N.", "blocks.N." and "layer_N/". */
static const struct row layer_rows[] = {
    {"D", "self_attn_layer_norm.weight", "attn_ln.weight", "self_attention/layer_norm/gamma", 0, 0},
    {"D", "self_attn_layer_norm.bias", "attn_ln.bias", "self_attention/layer_norm/beta", 0, 0},
    {"DD", "self_attn.q_proj.weight", "attn.query.weight", "self_attention/linear_0/weight", 0, 3},
    {"D", "self_attn.q_proj.bias", "attn.query.bias", "self_attention/linear_0/bias", 0, 3},
    {"DD", "self_attn.k_proj.weight", "attn.key.weight", "self_attention/linear_0/weight", 1, 3},
    {"DD", "self_attn.v_proj.weight", "attn.value.weight", "self_attention/linear_0/weight", 2, 3},
    {"D", "self_attn.v_proj.bias", "attn.value.bias", "self_attention/linear_0/bias", 2, 3},
    {"DD", "self_attn.out_proj.weight", "attn.out.weight", "self_attention/linear_1/weight", 0, 0},
    {"D", "self_attn.out_proj.bias", "attn.out.bias", "self_attention/linear_1/bias", 0, 0},
    {"D", "final_layer_norm.weight", "mlp_ln.weight", "ffn/layer_norm/gamma", 0, 0},
    {"D", "final_layer_norm.bias", "mlp_ln.bias", "ffn/layer_norm/beta", 0, 0},
    {"FD", "fc1.weight", "mlp.0.weight", "ffn/linear_0/weight", 0, 0},
    {"F", "fc1.bias", "mlp.0.bias", "ffn/linear_0/bias", 0, 0},
    {"DF", "fc2.weight", "mlp.2.weight", "ffn/linear_1/weight", 0, 0},
    {"D", "fc2.bias", "mlp.2.bias", "ffn/linear_1/bias", 0, 0},
};

static const struct row cross_rows[] = {
    {"D", "encoder_attn_layer_norm.weight", "cross_attn_ln.weight", "attention/layer_norm/gamma", 0, 0},
    {"D", "encoder_attn_layer_norm.bias", "cross_attn_ln.bias", "attention/layer_norm/beta", 0, 0},
    {"DD", "encoder_attn.q_proj.weight", "cross_attn.query.weight", "attention/linear_0/weight", 0, 0},
    {"D", "encoder_attn.q_proj.bias", "cross_attn.query.bias", "attention/linear_0/bias", 0, 0},
    {"DD", "encoder_attn.k_proj.weight", "cross_attn.key.weight", "attention/linear_1/weight", 0, 2},
    {"DD", "encoder_attn.v_proj.weight", "cross_attn.value.weight", "attention/linear_1/weight", 1, 2},
    {"D", "encoder_attn.v_proj.bias", "cross_attn.value.bias", "attention/linear_1/bias", 1, 2},
    {"DD", "encoder_attn.out_proj.weight", "cross_attn.out.weight", "attention/linear_2/weight", 0, 0},
    {"D", "encoder_attn.out_proj.bias", "cross_attn.out.bias", "attention/linear_2/bias", 0, 0},
};
#define N(table) (sizeof(table) / sizeof((table)[0]))

struct mapping {
    struct plan plan;
    const struct checkpoint *checkpoint;
    enum whisper_naming naming;
    const char *prefix;
    struct whisper_sizes *sizes;
    struct message *msg;
};

static int64_t size_of(const struct whisper_sizes *s, char letter)
{
    switch (letter) {
    case 'D':
        return s->d_model;
    case 'F':
        return s->n_ffn;
    case 'M':
        return s->n_mels;
    case 'V':
        return s->n_vocab;
    case 'T':
        return s->n_text_ctx;
    default:
        return letter - '0';
    }
}

/* The source's name of a row: side is "encoder" or "decoder", layer -1 for what is in no layer. */
static const char *source_name(const struct mapping *m, const struct row *r, const char *side, int layer, char *text,
                               size_t size)
{
    int is_ct2 = m->naming == WHISPER_NAMES_CT2;
    const char *name = is_ct2 ? r->ct2 : r->openai;
    if (layer < 0)
        snprintf(text, size, is_ct2 ? "%s%s/%s" : "%s%s.%s", m->prefix, side, name);
    else
        snprintf(text, size, is_ct2 ? "%s%s/layer_%d/%s" : "%s%s.blocks.%d.%s", m->prefix, side, layer, name);
    return text;
}

static int map_rows(struct mapping *m, const struct row *rows, size_t n_rows, const char *side, int layer)
{
    for (size_t i = 0; i < n_rows; i++) {
        const struct row *r = &rows[i];
        char name[PLAN_MAX_NAME], source[PLAN_MAX_NAME];
        int64_t shape[TENSOR_MAX_DIMS];
        int n_dims = (int)strlen(r->shape), is_part = m->naming == WHISPER_NAMES_CT2 && r->n_parts > 0;
        for (int d = 0; d < n_dims; d++)
            shape[d] = size_of(m->sizes, r->shape[d]);
        if (layer < 0)
            snprintf(name, sizeof name, "model.%s.%s", side, r->hf);
        else
            snprintf(name, sizeof name, "model.%s.layers.%d.%s", side, layer, r->hf);
        source_name(m, r, side, layer, source, sizeof source);
        const struct plan_part part = {is_part ? r->i_part : 0, is_part ? r->n_parts : 1};
        int rc = plan_add_part(&m->plan, name, source, n_dims, shape, part, m->msg);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The encoder's positions [T, D]: sines in the first half, cosines in the second. */
static int make_positions(struct mapping *m)
{
    const struct whisper_sizes *s = m->sizes;
    int64_t half = s->d_model / 2;
    float *p = mem_array((size_t)s->n_audio_ctx * (size_t)s->d_model, sizeof *p);
    if (p == NULL)
        return fail_memory(m->msg);
    double step = log(10000.0) / (double)(half > 1 ? half - 1 : 1);
    for (int64_t t = 0; t < s->n_audio_ctx; t++)
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)t * exp(-step * (double)i);
            p[t * s->d_model + i] = (float)sin(angle);
            p[t * s->d_model + half + i] = (float)cos(angle);
        }
    return plan_add_made(&m->plan, "model.encoder.embed_positions.weight", 2,
                         (const int64_t[]){s->n_audio_ctx, s->d_model}, p, m->msg);
}

static int map_positions(struct mapping *m)
{
    static const struct row row = {
        "AD", "embed_positions.weight", "positional_embedding", "position_encodings/encodings", 0, 0};
    char source[PLAN_MAX_NAME];
    source_name(m, &row, "encoder", -1, source, sizeof source);
    if (checkpoint_find(m->checkpoint, source) == NULL)
        return make_positions(m);
    return plan_add(&m->plan, "model.encoder.embed_positions.weight", source, 2,
                    (const int64_t[]){m->sizes->n_audio_ctx, m->sizes->d_model}, m->msg);
}

/* A size of the tensor that a row names, or -1. */
static int64_t find_size(const struct mapping *m, const struct row *r, const char *side, int layer, int dim)
{
    char source[PLAN_MAX_NAME];
    const struct tensor *t = checkpoint_find(m->checkpoint, source_name(m, r, side, layer, source, sizeof source));
    return t != NULL && t->n_dims > dim ? t->shape[dim] : -1;
}

static int64_t count_layers(const struct mapping *m, const char *side)
{
    int n = 0;
    while (n < MAX_LAYERS && find_size(m, &layer_rows[0], side, n, 0) >= 0)
        n++;
    return n;
}

/* Sizes as the tensors say; those of the heads are set by the caller, or 64 wide. */
static int find_sizes(struct mapping *m)
{
    struct whisper_sizes *s = m->sizes;
    static const struct row positions = {"", "", "positional_embedding", "position_encodings/encodings", 0, 0};
    s->d_model = find_size(m, &encoder_rows[0], "encoder", -1, 0);
    s->n_mels = find_size(m, &encoder_rows[0], "encoder", -1, 1);
    s->n_vocab = find_size(m, &decoder_rows[0], "decoder", -1, 0);
    s->n_text_ctx = find_size(m, &decoder_rows[1], "decoder", -1, 0);
    s->n_audio_ctx = find_size(m, &positions, "encoder", -1, 0);
    s->n_ffn = find_size(m, &layer_rows[11], "encoder", 0, 0);
    s->n_encoder_layers = count_layers(m, "encoder");
    s->n_decoder_layers = count_layers(m, "decoder");
    if (s->n_audio_ctx < 0)
        s->n_audio_ctx = 1500;
    if (s->n_encoder_heads == 0)
        s->n_encoder_heads = s->d_model / 64;
    if (s->n_decoder_heads == 0)
        s->n_decoder_heads = s->d_model / 64;
    if (s->d_model <= 0 || s->n_mels <= 0 || s->n_vocab <= 0 || s->n_text_ctx <= 0 || s->n_ffn <= 0 ||
        s->n_encoder_layers <= 0 || s->n_decoder_layers <= 0)
        return fail(m->msg, LINNET_E_MODEL, "%s: not a Whisper model: it lacks tensors such as %s%s",
                    checkpoint_path(m->checkpoint), m->prefix,
                    m->naming == WHISPER_NAMES_CT2 ? "encoder/conv1/weight" : "encoder.conv1.weight");
    if (s->n_encoder_heads <= 0 || s->n_decoder_heads <= 0 || s->d_model % s->n_encoder_heads != 0 ||
        s->d_model % s->n_decoder_heads != 0)
        return fail(m->msg, LINNET_E_MODEL, "%s: width %lld does not divide into %lld heads",
                    checkpoint_path(m->checkpoint), (long long)s->d_model, (long long)s->n_encoder_heads);
    return 0;
}

static int map_all(struct mapping *m)
{
    int rc = find_sizes(m);
    if (rc < 0 || (rc = map_positions(m)) < 0 || (rc = map_rows(m, encoder_rows, N(encoder_rows), "encoder", -1)) < 0 ||
        (rc = map_rows(m, decoder_rows, N(decoder_rows), "decoder", -1)) < 0)
        return rc;
    for (int i = 0; i < m->sizes->n_encoder_layers && rc == 0; i++)
        rc = map_rows(m, layer_rows, N(layer_rows), "encoder", i);
    for (int i = 0; i < m->sizes->n_decoder_layers && rc == 0; i++)
        if ((rc = map_rows(m, layer_rows, N(layer_rows), "decoder", i)) == 0)
            rc = map_rows(m, cross_rows, N(cross_rows), "decoder", i);
    return rc;
}

static int write_config(const struct whisper_sizes *s, const char *dir, struct message *msg)
{
    json_t *config = json_pack(
        "{s:s, s:[s], s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "model_type", "whisper",
        "architectures", "WhisperForConditionalGeneration", "activation_function", "gelu", "scale_embedding", 0,
        "d_model", (json_int_t)s->d_model, "num_mel_bins", (json_int_t)s->n_mels, "vocab_size", (json_int_t)s->n_vocab,
        "encoder_layers", (json_int_t)s->n_encoder_layers, "encoder_attention_heads", (json_int_t)s->n_encoder_heads,
        "encoder_ffn_dim", (json_int_t)s->n_ffn, "decoder_layers", (json_int_t)s->n_decoder_layers,
        "decoder_attention_heads", (json_int_t)s->n_decoder_heads, "decoder_ffn_dim", (json_int_t)s->n_ffn,
        "max_source_positions", (json_int_t)s->n_audio_ctx, "max_target_positions", (json_int_t)s->n_text_ctx);
    return convert_write_json(dir, "config.json", config, msg);
}

int whisper_write_model(const struct checkpoint *c, enum whisper_naming naming, const char *prefix, const char *dir,
                        const struct convert_options *options, struct whisper_sizes *sizes, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct mapping m = {{.checkpoint = c}, c, naming, prefix, sizes, msg};
    int rc = map_all(&m);
    if (rc == 0 && (rc = file_in(path, dir, "model.safetensors", msg)) == 0)
        rc = plan_write(&m.plan, path, options->matrix_type, msg);
    if (rc == 0)
        rc = write_config(sizes, dir, msg);
    plan_close(&m.plan);
    return rc;
}

int whisper_check_sizes(const struct checkpoint *c, const char *prefix, const struct whisper_sizes *s,
                        struct message *msg)
{
    const struct {
        const char *name;
        int64_t found;
    } dims[] = {
        {"n_mels", s->n_mels},
        {"n_audio_ctx", s->n_audio_ctx},
        {"n_audio_state", s->d_model},
        {"n_audio_head", s->n_encoder_heads},
        {"n_audio_layer", s->n_encoder_layers},
        {"n_vocab", s->n_vocab},
        {"n_text_ctx", s->n_text_ctx},
        {"n_text_state", s->d_model},
        {"n_text_head", s->n_decoder_heads},
        {"n_text_layer", s->n_decoder_layers},
    };
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        char name[64];
        int64_t stated = -1;
        snprintf(name, sizeof name, "%s%s", prefix, dims[i].name);
        if (checkpoint_number(c, name, &stated) < 0 || stated != dims[i].found)
            return fail(msg, LINNET_E_MODEL, "%s: %s is %lld, its tensors say %lld", checkpoint_path(c), name,
                        (long long)stated, (long long)dims[i].found);
    }
    return 0;
}
