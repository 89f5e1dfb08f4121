/* SPDX-License-Identifier: Apache-2.0
 * conformer_config.c - reading what a WeNet encoder is made of. */
#include "encoder/conformer_config.h"

#include <jansson.h>
#include <string.h>

struct reading {
    const json_t *object;
    const char *path;
    struct message *msg;
    int rc; /* of the first failure: later reads do nothing */
};

static int read_int(struct reading *r, const char *key, int low, int high)
{
    const json_t *value = json_object_get(r->object, key);
    if (r->rc < 0)
        return low;
    if (!json_is_integer(value))
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: no number '%s'", r->path, key);
    else if (json_integer_value(value) < low || json_integer_value(value) > high)
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: %s is %lld, possible are %d to %d", r->path, key,
                     (long long)json_integer_value(value), low, high);
    return r->rc < 0 ? low : (int)json_integer_value(value);
}

static float read_eps(struct reading *r, const char *key)
{
    const json_t *value = json_object_get(r->object, key);
    double eps = json_is_number(value) ? json_number_value(value) : -1.0;
    if (r->rc >= 0 && !(eps > 0.0 && eps < 1.0))
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: no number '%s' between 0 and 1", r->path, key);
    return (float)eps;
}

static int read_bool(struct reading *r, const char *key)
{
    const json_t *value = json_object_get(r->object, key);
    if (r->rc >= 0 && !json_is_boolean(value))
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: '%s' is neither true nor false", r->path, key);
    return json_is_true(value);
}

/* The index of a text among names [n]. */
static int read_choice(struct reading *r, const char *key, const char *const *names, int n)
{
    const char *value = json_string_value(json_object_get(r->object, key));
    if (r->rc < 0)
        return 0;
    for (int i = 0; i < n && value != NULL; i++)
        if (strcmp(value, names[i]) == 0)
            return i;
    if (value == NULL)
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: no text '%s'", r->path, key);
    else
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: %s '%.60s' is not supported", r->path, key, value);
    return 0;
}

#define CHOICE(r, key, ...)                                                                                            \
    read_choice(r, key, (const char *const[]){__VA_ARGS__},                                                            \
                (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)))

static void read_common(struct conformer_config *c, struct reading *r)
{
    static const enum nn_activation activations[] = {NN_RELU, NN_SWISH, NN_GELU};
    static const enum conformer_position positions[] = {CONFORMER_POSITION_NONE, CONFORMER_POSITION_ADDED,
                                                        CONFORMER_POSITION_RELATIVE};
    c->is_transformer = CHOICE(r, "kind", "conformer", "transformer");
    c->n_dims = read_int(r, "output_size", 2, 16384);
    c->n_heads = read_int(r, "attention_heads", 1, 256);
    c->n_hidden = read_int(r, "linear_units", 1, 65536);
    c->n_blocks = read_int(r, "num_blocks", 1, 1000);
    c->position = positions[CHOICE(r, "pos_enc_layer_type", "no_pos", "abs_pos", "rel_pos")];
    c->relative_attention = CHOICE(r, "selfattention_layer_type", "selfattn", "rel_selfattn");
    c->activation = activations[CHOICE(r, "activation_type", "relu", "swish", "gelu")];
    c->pre_norm = read_bool(r, "normalize_before");
    c->final_norm = read_bool(r, "final_norm");
    c->norm_eps = read_eps(r, "norm_eps");
    c->query_bias = read_bool(r, "query_bias");
    c->key_bias = read_bool(r, "key_bias");
    c->value_bias = read_bool(r, "value_bias");
    c->hidden_bias = read_bool(r, "mlp_bias");
    c->static_chunk = read_int(r, "static_chunk_size", -1, 100000);
    c->dynamic_chunk = read_bool(r, "use_dynamic_chunk");
}

static void read_convolution(struct conformer_config *c, struct reading *r)
{
    c->kernel = read_int(r, "cnn_module_kernel", 1, 1024);
    c->causal = read_bool(r, "causal");
    c->batch_norm = CHOICE(r, "cnn_module_norm", "layer_norm", "batch_norm");
    c->convolution_eps = read_eps(r, "conv_norm_eps");
    c->inner_factor = read_int(r, "conv_inner_factor", 1, 64);
    c->convolution_bias = read_bool(r, "conv_bias");
    if (r->rc >= 0 && !c->causal && c->kernel % 2 == 0)
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: cnn_module_kernel %d is even and the convolution not causal", r->path,
                     c->kernel);
    if (r->rc >= 0 && c->n_dims * c->inner_factor % 2 != 0)
        r->rc = fail(r->msg, LINNET_E_MODEL, "%s: output_size %d times conv_inner_factor %d is odd", r->path, c->n_dims,
                     c->inner_factor);
}

int conformer_config_read(struct conformer_config *c, const struct json_t *root, const char *path, struct message *msg)
{
    struct conformer_config fresh = {0};
    struct reading r = {root, path, msg, LINNET_OK};
    fresh.n_features = read_int(&r, "input_dim", 1, 4096);
    r.object = json_object_get(root, "encoder");
    if (r.rc >= 0 && !json_is_object(r.object))
        return fail(msg, LINNET_E_MODEL, "%s: no object 'encoder'", path);
    read_common(&fresh, &r);
    const char *input = json_string_value(json_object_get(r.object, "input_layer"));
    if (r.rc >= 0 && (input == NULL || subsampling_find(input, &fresh.input) < 0))
        return fail(msg, LINNET_E_MODEL, "%s: input_layer '%.60s' is not supported", path, input != NULL ? input : "");
    if (r.rc >= 0 && !fresh.is_transformer) {
        fresh.macaron = read_bool(&r, "macaron_style");
        fresh.convolution = read_bool(&r, "use_cnn_module");
        if (fresh.convolution)
            read_convolution(&fresh, &r);
    }
    if (r.rc < 0)
        return r.rc;
    if (fresh.n_dims % fresh.n_heads != 0 || fresh.n_dims % 2 != 0)
        return fail(msg, LINNET_E_MODEL, "%s: output_size %d is odd or no multiple of attention_heads %d", path,
                    fresh.n_dims, fresh.n_heads);
    if (fresh.is_transformer && fresh.relative_attention)
        return fail(msg, LINNET_E_MODEL, "%s: selfattention_layer_type 'rel_selfattn' in a transformer", path);
    *c = fresh;
    return LINNET_OK;
}

int conformer_config_chunk(const struct conformer_config *c, int chunk)
{
    if (c->dynamic_chunk)
        return chunk > 0 ? chunk : 0;
    return c->static_chunk > 0 ? c->static_chunk : 0;
}
