/* SPDX-License-Identifier: Apache-2.0
 * hybrid_model.c - opening a WeNet model. */
#include "decoders/hybrid_model.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* ---- config.json ---- */

struct config {
    json_t *root;
    char path[FILE_MAX_PATH];
    struct message *msg;
};

static int config_open(struct config *c, const char *dir, struct message *msg)
{
    json_error_t error;
    *c = (struct config){.msg = msg};
    int rc = file_in(c->path, dir, "config.json", msg);
    if (rc < 0)
        return rc;
    if (access(c->path, R_OK) != 0)
        return fail(msg, LINNET_E_IO, "%s: cannot be read", c->path);
    c->root = json_load_file(c->path, JSON_REJECT_DUPLICATES, &error);
    return c->root != NULL ? LINNET_OK : fail(msg, LINNET_E_FORMAT, "%s:%d: %s", c->path, error.line, error.text);
}

static int get_number(const struct config *c, const json_t *object, const char *key, double low, double high,
                      double *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        return fail(c->msg, LINNET_E_MODEL, "%s: no number '%s'", c->path, key);
    double v = json_number_value(value);
    if (!(v >= low && v <= high))
        return fail(c->msg, LINNET_E_MODEL, "%s: %s is %g, possible are %g to %g", c->path, key, v, low, high);
    *out = v;
    return LINNET_OK;
}

static int get_int(const struct config *c, const json_t *object, const char *key, int low, int high, int *out)
{
    double v = 0.0;
    int rc = get_number(c, object, key, low, high, &v);
    if (rc >= 0 && !json_is_integer(json_object_get(object, key)))
        rc = fail(c->msg, LINNET_E_MODEL, "%s: %s is %g, not a whole number", c->path, key, v);
    if (rc >= 0)
        *out = (int)v;
    return rc;
}

static int get_bool(const struct config *c, const json_t *object, const char *key, int *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        return fail(c->msg, LINNET_E_MODEL, "%s: '%s' is neither true nor false", c->path, key);
    *out = json_is_true(value);
    return LINNET_OK;
}

static int read_features(struct hybrid_model *m, const struct config *c)
{
    const json_t *f = json_object_get(c->root, "features");
    const char *kind = json_string_value(json_object_get(f, "kind"));
    struct features o = FBANK_DEFAULTS;
    int rc;
    if (kind == NULL || strcmp(kind, "fbank") != 0)
        return fail(c->msg, LINNET_E_MODEL, "%s: features of kind '%.60s' are not supported", c->path,
                    kind != NULL ? kind : "");
    if ((rc = get_int(c, f, "sample_rate", 1000, 768000, &o.rate_hz)) < 0 ||
        (rc = get_int(c, f, "n_mels", 1, 4096, &o.n_mels)) < 0 ||
        (rc = get_number(c, f, "frame_ms", 1, 1000, &o.length_ms)) < 0 ||
        (rc = get_number(c, f, "shift_ms", 1, 1000, &o.shift_ms)) < 0)
        return rc;
    if (o.rate_hz != 16000)
        return fail(c->msg, LINNET_E_UNSUPPORTED, "%s: a sample rate of %d Hz is not supported", c->path, o.rate_hz);
    if (o.n_mels != m->config.n_features)
        return fail(c->msg, LINNET_E_MODEL, "%s: n_mels is %d, input_dim %d", c->path, o.n_mels, m->config.n_features);
    m->features = o;
    return LINNET_OK;
}

static int read_top(struct hybrid_model *m, const struct config *c)
{
    const char *type = json_string_value(json_object_get(c->root, "model_type"));
    int rc;
    if (type == NULL || strcmp(type, "wenet") != 0)
        return fail(c->msg, LINNET_E_MODEL, "%s: model_type '%.60s' is not wenet", c->path, type != NULL ? type : "");
    if ((rc = get_int(c, c->root, "output_dim", 2, 1 << 22, &m->n_vocabulary)) < 0 ||
        (rc = get_int(c, c->root, "blank", 0, m->n_vocabulary - 1, &m->blank)) < 0 ||
        (rc = get_int(c, c->root, "sos", 0, m->n_vocabulary - 1, &m->sos)) < 0 ||
        (rc = get_int(c, c->root, "eos", 0, m->n_vocabulary - 1, &m->eos)) < 0 ||
        (rc = get_number(c, c->root, "reverse_weight", 0, 1, &m->reverse_weight)) < 0)
        return rc;
    return conformer_config_read(&m->config, c->root, c->path, c->msg);
}

/* ---- attention decoders ---- */

static int read_activation(const struct config *c, const json_t *object, enum nn_activation *out)
{
    static const struct {
        const char *name;
        enum nn_activation activation;
    } known[] = {{"relu", NN_RELU}, {"swish", NN_SWISH}, {"gelu", NN_GELU}};
    const char *name = json_string_value(json_object_get(object, "activation_type"));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (name != NULL && strcmp(name, known[i].name) == 0) {
            *out = known[i].activation;
            return LINNET_OK;
        }
    return fail(c->msg, LINNET_E_MODEL, "%s: activation_type '%.60s' is not supported", c->path,
                name != NULL ? name : "");
}

static int read_biases(const struct config *c, const json_t *d, struct attention_decoder_config *out)
{
    static const char *const keys[] = {"query_bias",     "key_bias",     "value_bias",
                                       "src_query_bias", "src_key_bias", "src_value_bias"};
    int has_all = 1, has = 0, rc;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++, has_all &= has)
        if ((rc = get_bool(c, d, keys[i], &has)) < 0)
            return rc;
    if ((rc = get_bool(c, d, "mlp_bias", &has)) < 0)
        return rc;
    out->attention_bias = has_all ? LAYER_BIAS : LAYER_BIAS_OPTIONAL;
    out->hidden_bias = has ? LAYER_BIAS : LAYER_BIAS_OPTIONAL;
    return LINNET_OK;
}

static int read_decoder(const struct hybrid_model *m, const struct config *c, const json_t *d,
                        struct attention_decoder_config *out)
{
    struct attention_decoder_config a = {
        .n_vocabulary = m->n_vocabulary, .n_dims = m->config.n_dims, .sos = m->sos, .eos = m->eos};
    const char *input = json_string_value(json_object_get(d, "input_layer"));
    double eps = 0.0;
    int pre_norm = 0, rc;
    if (input == NULL || strcmp(input, "embed") != 0)
        return fail(c->msg, LINNET_E_MODEL, "%s: decoder input_layer '%.60s' is not supported", c->path,
                    input != NULL ? input : "");
    if ((rc = get_int(c, d, "attention_heads", 1, 256, &a.n_heads)) < 0 ||
        (rc = get_int(c, d, "linear_units", 1, 65536, &a.n_hidden)) < 0 ||
        (rc = get_number(c, d, "norm_eps", 1e-30, 1, &eps)) < 0 ||
        (rc = get_bool(c, d, "normalize_before", &pre_norm)) < 0 || (rc = read_activation(c, d, &a.activation)) < 0 ||
        (rc = read_biases(c, d, &a)) < 0)
        return rc;
    if (a.n_dims % a.n_heads != 0)
        return fail(c->msg, LINNET_E_MODEL, "%s: output_size %d is no multiple of the decoder's attention_heads %d",
                    c->path, a.n_dims, a.n_heads);
    a.post_norm = !pre_norm;
    a.norm_eps = (float)eps;
    *out = a;
    return LINNET_OK;
}

static int decoders_open(struct hybrid_model *m, const struct config *c, const struct layer_source *from)
{
    const json_t *d = json_object_get(c->root, "decoder");
    const char *kind = json_string_value(json_object_get(d, "kind"));
    struct attention_decoder_config a;
    int n_right = 0, is_both = kind != NULL && strcmp(kind, "bitransformer") == 0, rc;
    if (d == NULL)
        return LINNET_OK; /* CTC alone */
    if (kind == NULL || (!is_both && strcmp(kind, "transformer") != 0))
        return fail(c->msg, LINNET_E_MODEL, "%s: decoder '%.60s' is not supported", c->path, kind != NULL ? kind : "");
    if ((rc = read_decoder(m, c, d, &a)) < 0 || (rc = get_int(c, d, "num_blocks", 1, 1000, &a.n_blocks)) < 0 ||
        (rc = attention_decoder_open(&m->left, from->file, is_both ? "decoder.left_decoder" : "decoder", &a, from->pool,
                                     from->msg)) < 0 ||
        !is_both || (rc = get_int(c, d, "r_num_blocks", 0, 1000, &n_right)) < 0 || n_right == 0)
        return rc;
    a.n_blocks = n_right;
    return attention_decoder_open(&m->right, from->file, "decoder.right_decoder", &a, from->pool, from->msg);
}

/* ---- the whole ---- */

static int vocabulary_open(struct hybrid_model *m, const char *dir, struct message *msg)
{
    char units[FILE_MAX_PATH], pieces[FILE_MAX_PATH];
    int rc;
    if ((rc = file_in(units, dir, "units.txt", msg)) < 0 || (rc = file_in(pieces, dir, "pieces.tsv", msg)) < 0)
        return rc;
    return units_open(&m->units, units, access(pieces, F_OK) == 0 ? pieces : NULL, m->n_vocabulary, msg);
}

static int networks_open(struct hybrid_model *m, const struct config *c, const struct layer_source *from)
{
    int rc;
    for (size_t i = 0; i < safetensors_count(from->file); i++)
        m->n_parameters += tensor_elements(safetensors_at(from->file, i));
    if ((rc = conformer_open(&m->encoder, &m->config, from)) < 0 ||
        (rc = linear_load(&m->ctc, from, "ctc.ctc_lo", m->config.n_dims, m->n_vocabulary, LAYER_BIAS)) < 0)
        return rc;
    return decoders_open(m, c, from);
}

/* What only the segmental search needs, and not every model has. */
static int segments_open(struct hybrid_model *m, const char *dir, const struct layer_source *from)
{
    char path[FILE_MAX_PATH];
    int rc = boundary_open(&m->boundary, from->file, m->config.n_dims, from->pool, from->msg);
    if (rc < 0 || (rc = file_in(path, dir, "lengths.txt", from->msg)) < 0 || !file_exists(path))
        return rc;
    return length_counts_read(&m->lengths, path, m->n_vocabulary, from->msg);
}

int hybrid_model_open(struct hybrid_model **out, const char *dir, struct pool *pool, struct message *msg)
{
    struct config c = {0};
    struct safetensors *file = NULL;
    struct hybrid_model *m = mem_array(1, sizeof *m);
    int rc = m != NULL ? config_open(&c, dir, msg) : fail_memory(msg);
    if (rc < 0 || (rc = read_top(m, &c)) < 0 || (rc = read_features(m, &c)) < 0 ||
        (rc = vocabulary_open(m, dir, msg)) < 0 || (rc = safetensors_open_dir(&file, dir, msg)) < 0)
        goto fail;
    struct layer_source from = {file, pool, msg};
    if ((rc = networks_open(m, &c, &from)) < 0) {
        rc = fail_in(msg, rc, dir);
        goto fail;
    }
    if ((rc = segments_open(m, dir, &from)) < 0)
        goto fail;
    m->frame_s = m->encoder->subsampling.rate * m->features.shift_ms / 1000.0;
    safetensors_close(file);
    json_decref(c.root);
    *out = m;
    return LINNET_OK;
fail:
    safetensors_close(file);
    json_decref(c.root);
    hybrid_model_close(m);
    return rc;
}

void hybrid_model_close(struct hybrid_model *m)
{
    if (m == NULL)
        return;
    conformer_close(m->encoder);
    linear_close(&m->ctc);
    attention_decoder_close(m->left);
    attention_decoder_close(m->right);
    boundary_close(m->boundary);
    length_counts_close(&m->lengths);
    units_close(m->units);
    mem_free(m);
}

size_t hybrid_model_bytes(const struct hybrid_model *m)
{
    return conformer_bytes(m->encoder) + linear_bytes(&m->ctc) +
           (m->left != NULL ? attention_decoder_bytes(m->left) : 0) +
           (m->right != NULL ? attention_decoder_bytes(m->right) : 0);
}

void hybrid_model_describe(const struct hybrid_model *m, char *text, size_t size)
{
    const struct conformer_config *c = &m->config;
    snprintf(text, size, "%s, %d mel bins, encoder %d x %d%s, %s, %d tokens, %s",
             c->is_transformer ? "Transformer" : "Conformer", c->n_features, c->n_blocks, c->n_dims,
             c->convolution && !c->causal ? " looking ahead" : "",
             m->right != NULL  ? "decoders both ways"
             : m->left != NULL ? "decoder"
                               : "CTC alone",
             m->n_vocabulary,
             c->dynamic_chunk      ? "chunks of any size"
             : c->static_chunk > 0 ? "chunks of one size"
                                   : "whole recordings");
}

void hybrid_model_ctc(const struct hybrid_model *m, struct nn_context *ctx, const float *states, int n, float *logprobs)
{
    linear_forward(ctx, &m->ctc, states, m->config.n_dims, n, logprobs, m->n_vocabulary, NULL);
    for (ptrdiff_t t = 0; t < n; t++)
        ctx->kernels->log_softmax(logprobs + t * m->n_vocabulary, logprobs + t * m->n_vocabulary, m->n_vocabulary);
}

size_t hybrid_model_scratch(const struct hybrid_model *m)
{
    return linear_scratch(&m->ctc);
}
