/* SPDX-License-Identifier: Apache-2.0
 * wenet_tensors.c - which tensors a WeNet model has, and of what shape.
 *
 * The names are the attribute paths of WeNet's classes (wenet/models/transformer/).  They stay as they are. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/wenet.h"
#include "convert/wenet_config.h"

struct mapping {
    struct plan *plan;
    const json_t *config;
    const char *prefix;
    const char *part; /* "encoder" or "decoder" of the config */
    struct message *msg;
    int rc; /* of the first failure: later ones do nothing */
};

static int number(const struct mapping *m, const char *key) { return wenet_config_int(m->config, m->part, key); }

static int is_true(const struct mapping *m, const char *key) { return wenet_config_true(m->config, m->part, key); }

static int width(const struct mapping *m) { return wenet_config_int(m->config, "encoder", "output_size"); }

static void tensor(struct mapping *m, const char *name, int n_dims, const int64_t shape[])
{
    char source[PLAN_MAX_NAME];
    if (m->rc < 0)
        return;
    if ((size_t)snprintf(source, sizeof source, "%s%s", m->prefix, name) >= sizeof source)
        m->rc = fail(m->msg, LINNET_E_FORMAT, "name of a tensor too long: %s", name);
    else
        m->rc = plan_add(m->plan, name, source, n_dims, shape, m->msg);
}
#define SHAPE(...)                                                                                                     \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }

/* name.weight of the shape, and name.bias of its first dimension. */
static void layer(struct mapping *m, const char *name, int has_bias, int n_dims, const int64_t shape[])
{
    char full[PLAN_MAX_NAME];
    snprintf(full, sizeof full, "%s.weight", name);
    tensor(m, full, n_dims, shape);
    snprintf(full, sizeof full, "%s.bias", name);
    if (has_bias)
        tensor(m, full, 1, shape);
}

/* A name of several parts. */
static const char *join(char text[PLAN_MAX_NAME], const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *join(char text[PLAN_MAX_NAME], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, PLAN_MAX_NAME, format, args);
    va_end(args);
    return text;
}

static void norm(struct mapping *m, const char *block, const char *name)
{
    char text[PLAN_MAX_NAME];
    layer(m, join(text, "%s.%s", block, name), 1, SHAPE(width(m)));
}

/* Convolutions on the features, and the linear layer on what they leave (wenet's Conv2dSubsampling4, 6, 8). */
static void subsampling(struct mapping *m)
{
    int d = width(m), n = wenet_config_int(m->config, NULL, "input_dim");
    int half = (n - 1) / 2, quarter = (half - 1) / 2;
    if (wenet_config_is(m->config, "encoder", "input_layer", "linear")) {
        layer(m, "encoder.embed.out.0", 1, SHAPE(d, n));
        layer(m, "encoder.embed.out.1", 1, SHAPE(d));
        return;
    }
    layer(m, "encoder.embed.conv.0", 1, SHAPE(d, 1, 3, 3));
    if (wenet_config_is(m->config, "encoder", "input_layer", "conv2d6")) {
        layer(m, "encoder.embed.conv.2", 1, SHAPE(d, d, 5, 5));
        layer(m, "encoder.embed.linear", 1, SHAPE(d, (int64_t)d * ((half - 2) / 3)));
        return;
    }
    layer(m, "encoder.embed.conv.2", 1, SHAPE(d, d, 3, 3));
    if (wenet_config_is(m->config, "encoder", "input_layer", "conv2d8")) {
        layer(m, "encoder.embed.conv.4", 1, SHAPE(d, d, 3, 3));
        layer(m, "encoder.embed.linear", 1, SHAPE(d, (int64_t)d * ((quarter - 1) / 2)));
    } else {
        layer(m, "encoder.embed.out.0", 1, SHAPE(d, (int64_t)d * quarter));
    }
}

/* biases: "", or "src_" for those of the attention on the encoder */
static void attention(struct mapping *m, const char *block, const char *name, const char *biases, int is_relative)
{
    char text[PLAN_MAX_NAME], key[40];
    int d = width(m), n_heads = number(m, "attention_heads");
    static const char *const layers[][2] = {
        {"linear_q", "query_bias"}, {"linear_k", "key_bias"}, {"linear_v", "value_bias"}, {"linear_out", "query_bias"}};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        snprintf(key, sizeof key, "%s%s", biases, layers[i][1]);
        layer(m, join(text, "%s.%s.%s", block, name, layers[i][0]), is_true(m, key), SHAPE(d, d));
    }
    if (!is_relative)
        return;
    layer(m, join(text, "%s.%s.linear_pos", block, name), 0, SHAPE(d, d));
    tensor(m, join(text, "%s.%s.pos_bias_u", block, name), SHAPE(n_heads, d / n_heads));
    tensor(m, join(text, "%s.%s.pos_bias_v", block, name), SHAPE(n_heads, d / n_heads));
}

static void feed_forward(struct mapping *m, const char *block, const char *name)
{
    char text[PLAN_MAX_NAME];
    int d = width(m), n = number(m, "linear_units"), bias = is_true(m, "mlp_bias");
    layer(m, join(text, "%s.%s.w_1", block, name), bias, SHAPE(n, d));
    layer(m, join(text, "%s.%s.w_2", block, name), bias, SHAPE(d, n));
}

static void convolution(struct mapping *m, const char *block)
{
    char text[PLAN_MAX_NAME];
    int d = width(m), factor = number(m, "conv_inner_factor"), bias = is_true(m, "conv_bias");
    int inner = factor * d / 2; /* the gate halves it */
    layer(m, join(text, "%s.conv_module.pointwise_conv1", block), bias, SHAPE((int64_t)factor * d, d, 1));
    layer(m, join(text, "%s.conv_module.depthwise_conv", block), bias, SHAPE(inner, 1, number(m, "cnn_module_kernel")));
    layer(m, join(text, "%s.conv_module.norm", block), 1, SHAPE(inner));
    layer(m, join(text, "%s.conv_module.pointwise_conv2", block), bias, SHAPE(d, inner, 1));
    if (wenet_config_is(m->config, "encoder", "cnn_module_norm", "batch_norm")) {
        tensor(m, join(text, "%s.conv_module.norm.running_mean", block), SHAPE(inner));
        tensor(m, join(text, "%s.conv_module.norm.running_var", block), SHAPE(inner));
    }
}

static void conformer_block(struct mapping *m, const char *block)
{
    attention(m, block, "self_attn", "",
              wenet_config_is(m->config, "encoder", "selfattention_layer_type", "rel_selfattn"));
    feed_forward(m, block, "feed_forward");
    norm(m, block, "norm_ff");
    norm(m, block, "norm_mha");
    if (is_true(m, "macaron_style")) {
        feed_forward(m, block, "feed_forward_macaron");
        norm(m, block, "norm_ff_macaron");
    }
    if (is_true(m, "use_cnn_module")) {
        convolution(m, block);
        norm(m, block, "norm_conv");
        norm(m, block, "norm_final");
    }
}

static void transformer_block(struct mapping *m, const char *block)
{
    attention(m, block, "self_attn", "", 0);
    feed_forward(m, block, "feed_forward");
    norm(m, block, "norm1");
    norm(m, block, "norm2");
}

static void encoder(struct mapping *m)
{
    char block[PLAN_MAX_NAME];
    int is_conformer = wenet_config_is(m->config, "encoder", "kind", "conformer");
    m->part = "encoder";
    subsampling(m);
    norm(m, "encoder", "after_norm");
    for (int i = 0; i < number(m, "num_blocks") && m->rc == 0; i++)
        (is_conformer ? conformer_block : transformer_block)(m, join(block, "encoder.encoders.%d", i));
}

/* One direction of the attention decoder. */
static void decoder(struct mapping *m, const char *name, int n_blocks)
{
    char text[PLAN_MAX_NAME];
    int d = width(m), n_vocab = wenet_config_int(m->config, NULL, "output_dim");
    tensor(m, join(text, "%s.embed.0.weight", name), SHAPE(n_vocab, d));
    norm(m, name, "after_norm");
    layer(m, join(text, "%s.output_layer", name), 1, SHAPE(n_vocab, d));
    for (int i = 0; i < n_blocks && m->rc == 0; i++) {
        char block[PLAN_MAX_NAME];
        join(block, "%s.decoders.%d", name, i);
        attention(m, block, "self_attn", "", 0);
        attention(m, block, "src_attn", "src_", 0);
        feed_forward(m, block, "feed_forward");
        norm(m, block, "norm1");
        norm(m, block, "norm2");
        norm(m, block, "norm3");
    }
}

static void decoders(struct mapping *m)
{
    m->part = "decoder";
    if (json_object_get(m->config, "decoder") == NULL)
        return;
    if (!wenet_config_is(m->config, "decoder", "kind", "bitransformer")) {
        decoder(m, "decoder", number(m, "num_blocks"));
        return;
    }
    decoder(m, "decoder.left_decoder", number(m, "num_blocks"));
    if (number(m, "r_num_blocks") > 0)
        decoder(m, "decoder.right_decoder", number(m, "r_num_blocks"));
}

/* The checkpoint's mean and 1 / deviation of the features, where it has them. */
static void cmvn(struct mapping *m)
{
    static const char *const names[][2] = {{"cmvn.mean", "encoder.global_cmvn.mean"},
                                           {"cmvn.istd", "encoder.global_cmvn.istd"}};
    int n = wenet_config_int(m->config, NULL, "input_dim");
    for (int i = 0; i < 2 && m->rc == 0; i++) {
        char source[PLAN_MAX_NAME];
        join(source, "%s%s", m->prefix, names[i][1]);
        if (checkpoint_find(m->plan->checkpoint, source) != NULL)
            m->rc = plan_add(m->plan, names[i][0], source, SHAPE(n), m->msg);
    }
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Every tensor under the prefix is planned, or is a table of positions or a count. */
static int check_leftovers(const struct mapping *m)
{
    const struct checkpoint *c = m->plan->checkpoint;
    const char **taken = mem_array(m->plan->n + 1, sizeof *taken);
    size_t n = 0;
    int rc = 0;
    if (taken == NULL)
        return fail_memory(m->msg);
    for (size_t i = 0; i < m->plan->n; i++)
        if (m->plan->items[i].source != NULL)
            taken[n++] = m->plan->items[i].source->name;
    qsort(taken, n, sizeof *taken, by_name);
    for (size_t i = 0; i < checkpoint_count(c) && rc == 0; i++) {
        const char *name = checkpoint_at(c, i)->name;
        if (strncmp(name, m->prefix, strlen(m->prefix)) != 0 || file_has_suffix(name, ".pe") ||
            file_has_suffix(name, ".num_batches_tracked") || bsearch(&name, taken, n, sizeof name, by_name) != NULL)
            continue;
        rc = fail(m->msg, LINNET_E_MODEL, "%s: tensor %s has no place in the model that train.yaml describes",
                  checkpoint_path(c), name);
    }
    mem_free(taken);
    return rc;
}

const char *wenet_tensors_prefix(const struct checkpoint *c)
{
    static const char *const prefixes[] = {
        "", "model.", "module.", "state_dict.", "model_state_dict.", "model.module."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        char name[PLAN_MAX_NAME];
        if (checkpoint_find(c, join(name, "%sencoder.after_norm.weight", prefixes[i])) != NULL)
            return prefixes[i];
    }
    return "";
}

int wenet_tensors_plan(struct plan *plan, const json_t *config, struct message *msg)
{
    struct mapping m = {plan, config, wenet_tensors_prefix(plan->checkpoint), NULL, msg, 0};
    int n_vocab = wenet_config_int(config, NULL, "output_dim");
    encoder(&m);
    decoders(&m);
    layer(&m, "ctc.ctc_lo", 1, SHAPE(n_vocab, width(&m)));
    cmvn(&m);
    return m.rc < 0 ? m.rc : check_leftovers(&m);
}
