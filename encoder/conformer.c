/* SPDX-License-Identifier: Apache-2.0
 * conformer.c - the weights of WeNet's encoders: names, shapes, packing. */
#include "encoder/conformer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { NAME_SIZE = 160 };

/* A layer's place: "encoder.encoders.3." and where to read. */
struct place {
    const struct layer_source *from;
    char prefix[40];
};

static const char *join(char name[NAME_SIZE], const struct place *p, const char *layer)
{
    snprintf(name, NAME_SIZE, "%s%s", p->prefix, layer);
    return name;
}

/* A bias must be there when the configuration says so, and must not when it does not. */
static int find_bias(const struct layer_source *from, const char *layer, int n, int wanted, const struct tensor **bias)
{
    char name[NAME_SIZE + 8];
    snprintf(name, sizeof name, "%s.bias", layer);
    *bias = NULL;
    if (wanted)
        return safetensors_get(from->file, name, 1, (const int64_t[]){n}, bias, from->msg);
    if (safetensors_find(from->file, name) != NULL)
        return fail(from->msg, LINNET_E_MODEL, "%s is there, and the configuration says that it is not", name);
    return LINNET_OK;
}

/* Linear layers [n_out, n_in] of the same input as one; a convolution of one tap is [n_out, n_in, 1]. */
static int joined_load(struct linear *l, const struct place *p, const char *const *layers, const int *biases,
                       int n_parts, int n_in, int n_out, int is_convolution)
{
    const struct tensor *w[3], *b[3];
    const int64_t shape[] = {n_out, n_in, 1};
    for (int i = 0; i < n_parts; i++) {
        char layer[NAME_SIZE], name[NAME_SIZE + 8];
        snprintf(name, sizeof name, "%s.weight", join(layer, p, layers[i]));
        int rc = safetensors_get(p->from->file, name, is_convolution ? 3 : 2, shape, &w[i], p->from->msg);
        if (rc < 0 || (rc = find_bias(p->from, layer, n_out, biases[i], &b[i])) < 0)
            return rc;
    }
    int rc = linear_open(l, w, b, n_parts, p->from->pool, p->from->msg);
    for (int i = 0; i < n_parts && rc >= 0; i++)
        safetensors_release(p->from->file, w[i]);
    return rc;
}

static int one_load(struct linear *l, const struct place *p, const char *layer, int n_in, int n_out, int bias)
{
    return joined_load(l, p, &layer, &bias, 1, n_in, n_out, 0);
}

static int norm_load(struct layer_norm *l, const struct place *p, const char *layer, int n)
{
    char name[NAME_SIZE];
    return layer_norm_load(l, p->from, join(name, p, layer), n);
}

static int values_load(float **out, const struct place *p, const char *tensor, int n_dims, const int64_t *shape)
{
    char name[NAME_SIZE];
    return floats_load(out, p->from, join(name, p, tensor), n_dims, shape);
}

static int feed_forward_load(struct conformer_feed_forward *f, const struct conformer_config *c, const struct place *p,
                             const char *layer, const char *norm)
{
    char name[64];
    int rc = norm_load(&f->norm, p, norm, c->n_dims);
    snprintf(name, sizeof name, "%s.w_1", layer);
    if (rc >= 0)
        rc = one_load(&f->hidden, p, name, c->n_dims, c->n_hidden, c->hidden_bias);
    snprintf(name, sizeof name, "%s.w_2", layer);
    if (rc >= 0)
        rc = one_load(&f->back, p, name, c->n_hidden, c->n_dims, c->hidden_bias);
    return rc;
}

static int attention_load(struct conformer_attention *a, const struct conformer_config *c, const struct place *p)
{
    static const char *const qkv[] = {"self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v"};
    const int biases[] = {c->query_bias, c->key_bias, c->value_bias}, d = c->n_dims;
    const int64_t heads[] = {c->n_heads, d / c->n_heads};
    int rc;
    if ((rc = norm_load(&a->norm, p, c->is_transformer ? "norm1" : "norm_mha", d)) < 0 ||
        (rc = joined_load(&a->qkv, p, qkv, biases, 3, d, d, 0)) < 0 ||
        (rc = one_load(&a->out, p, "self_attn.linear_out", d, d, c->query_bias)) < 0 || !c->relative_attention)
        return rc;
    if ((rc = one_load(&a->position, p, "self_attn.linear_pos", d, d, 0)) < 0 ||
        (rc = values_load(&a->bias_u, p, "self_attn.pos_bias_u", 2, heads)) < 0)
        return rc;
    return values_load(&a->bias_v, p, "self_attn.pos_bias_v", 2, heads);
}

/* ---- convolution ---- */

/* Multiplies a batch norm into the depthwise weights [K, E] and bias. */
static int fold_batch_norm(struct conformer_convolution *v, const struct conformer_config *c, const struct place *p,
                           int e)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    float *values[4] = {NULL};
    int rc = LINNET_OK;
    for (int i = 0; i < 4 && rc >= 0; i++) {
        char name[64];
        snprintf(name, sizeof name, "conv_module.norm.%s", names[i]);
        rc = values_load(&values[i], p, name, 1, (const int64_t[]){e});
    }
    for (int i = 0; i < e && rc >= 0; i++) {
        float scale = values[0][i] / sqrtf(values[3][i] + c->convolution_eps);
        for (int k = 0; k < c->kernel; k++)
            v->weights[(ptrdiff_t)k * e + i] *= scale;
        v->bias[i] = (v->bias[i] - values[2][i]) * scale + values[1][i];
    }
    for (int i = 0; i < 4; i++)
        mem_free(values[i]);
    return rc;
}

static int depthwise_load(struct conformer_convolution *v, const struct conformer_config *c, const struct place *p,
                          int e)
{
    float *weights = NULL;
    const struct tensor *bias;
    char name[NAME_SIZE];
    int rc = values_load(&weights, p, "conv_module.depthwise_conv.weight", 3, (const int64_t[]){e, 1, c->kernel});
    if (rc < 0)
        return rc;
    v->weights = mem_array((size_t)c->kernel * (size_t)e, sizeof *v->weights);
    v->bias = mem_array((size_t)e, sizeof *v->bias);
    rc = v->weights != NULL && v->bias != NULL ? LINNET_OK : fail_memory(p->from->msg);
    for (int k = 0; k < c->kernel && rc >= 0; k++)
        for (int i = 0; i < e; i++)
            v->weights[(ptrdiff_t)k * e + i] = weights[(ptrdiff_t)i * c->kernel + k];
    mem_free(weights);
    if (rc < 0 ||
        (rc = find_bias(p->from, join(name, p, "conv_module.depthwise_conv"), e, c->convolution_bias, &bias)) < 0)
        return rc;
    if (bias != NULL)
        tensor_to_f32(bias, 0, (size_t)e, v->bias);
    return c->batch_norm ? fold_batch_norm(v, c, p, e) : norm_load(&v->inner, p, "conv_module.norm", e);
}

/* WeNet pads a causal convolution with zeros in front of its first layer: behind that and the gate they are what the
 * biases make of them.  One that is not causal is padded behind the gate. */
static int before_make(struct conformer_convolution *v, const struct conformer_config *c, int e, struct message *msg)
{
    v->before = mem_array((size_t)e, sizeof *v->before);
    if (v->before == NULL)
        return fail_memory(msg);
    if (c->causal && v->in.bias != NULL)
        kernels_pick()->glu(v->in.bias, v->in.bias + e, v->before, e);
    return LINNET_OK;
}

static int convolution_load(struct conformer_convolution *v, const struct conformer_config *c, const struct place *p)
{
    int e = c->n_dims * c->inner_factor / 2, rc;
    if ((rc = norm_load(&v->norm, p, "norm_conv", c->n_dims)) < 0 ||
        (rc = joined_load(&v->in, p, (const char *const[]){"conv_module.pointwise_conv1"}, &c->convolution_bias, 1,
                          c->n_dims, 2 * e, 1)) < 0 ||
        (rc = depthwise_load(v, c, p, e)) < 0 ||
        (rc = joined_load(&v->out, p, (const char *const[]){"conv_module.pointwise_conv2"}, &c->convolution_bias, 1, e,
                          c->n_dims, 1)) < 0)
        return rc;
    return before_make(v, c, e, p->from->msg);
}

/* ---- the whole ---- */

static int block_load(struct conformer_block *b, const struct conformer_config *c, const struct layer_source *from,
                      int i)
{
    struct place p = {.from = from};
    int rc;
    snprintf(p.prefix, sizeof p.prefix, "encoder.encoders.%d.", i);
    if ((rc = attention_load(&b->attention, c, &p)) < 0 ||
        (rc = feed_forward_load(&b->feed_forward, c, &p, "feed_forward", c->is_transformer ? "norm2" : "norm_ff")) < 0)
        return rc;
    if (c->macaron && (rc = feed_forward_load(&b->macaron, c, &p, "feed_forward_macaron", "norm_ff_macaron")) < 0)
        return rc;
    if (c->convolution && ((rc = convolution_load(&b->convolution, c, &p)) < 0 ||
                           (rc = norm_load(&b->final, &p, "norm_final", c->n_dims)) < 0))
        return rc;
    return LINNET_OK;
}

/* More blocks in the file than the configuration names would be left out silently. */
static int check_blocks(const struct conformer_config *c, const struct layer_source *from)
{
    char prefix[40];
    int n = snprintf(prefix, sizeof prefix, "encoder.encoders.%d.", c->n_blocks);
    for (size_t i = 0; i < safetensors_count(from->file); i++)
        if (strncmp(safetensors_at(from->file, i)->name, prefix, (size_t)n) == 0)
            return fail(from->msg, LINNET_E_MODEL, "%s is there, and the configuration says %d blocks",
                        safetensors_at(from->file, i)->name, c->n_blocks);
    return LINNET_OK;
}

int conformer_open(struct conformer **out, const struct conformer_config *config, const struct layer_source *from)
{
    struct conformer *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(from->msg);
    m->config = *config;
    m->blocks = mem_array((size_t)config->n_blocks, sizeof *m->blocks);
    int rc = m->blocks != NULL ? LINNET_OK : fail_memory(from->msg);
    if (rc < 0 || (rc = check_blocks(config, from)) < 0 ||
        (rc = subsampling_open(&m->subsampling, config->input, config->n_features, config->n_dims, from)) < 0 ||
        (rc = position_open(&m->position, config->n_dims, from->msg)) < 0)
        goto fail;
    for (int i = 0; i < config->n_blocks; i++)
        if ((rc = block_load(&m->blocks[i], config, from, i)) < 0)
            goto fail;
    if (config->pre_norm && config->final_norm &&
        (rc = layer_norm_load(&m->norm, from, "encoder.after_norm", config->n_dims)) < 0)
        goto fail;
    *out = m;
    return LINNET_OK;
fail:
    conformer_close(m);
    return rc;
}

static void feed_forward_close(struct conformer_feed_forward *f)
{
    layer_norm_close(&f->norm);
    linear_close(&f->hidden);
    linear_close(&f->back);
}

static void block_close(struct conformer_block *b)
{
    struct conformer_attention *a = &b->attention;
    struct conformer_convolution *v = &b->convolution;
    feed_forward_close(&b->macaron);
    feed_forward_close(&b->feed_forward);
    layer_norm_close(&a->norm);
    linear_close(&a->qkv);
    linear_close(&a->out);
    linear_close(&a->position);
    mem_free(a->bias_u);
    mem_free(a->bias_v);
    layer_norm_close(&v->norm);
    linear_close(&v->in);
    mem_free(v->weights);
    mem_free(v->bias);
    mem_free(v->before);
    layer_norm_close(&v->inner);
    linear_close(&v->out);
    layer_norm_close(&b->final);
}

void conformer_close(struct conformer *m)
{
    if (m == NULL)
        return;
    subsampling_close(&m->subsampling);
    position_close(&m->position);
    for (int i = 0; i < m->config.n_blocks && m->blocks != NULL; i++)
        block_close(&m->blocks[i]);
    mem_free(m->blocks);
    layer_norm_close(&m->norm);
    mem_free(m);
}

size_t conformer_bytes(const struct conformer *m)
{
    size_t n = subsampling_bytes(&m->subsampling);
    for (int i = 0; i < m->config.n_blocks; i++) {
        const struct conformer_block *b = &m->blocks[i];
        const struct linear *layers[] = {&b->macaron.hidden,     &b->macaron.back,   &b->feed_forward.hidden,
                                         &b->feed_forward.back,  &b->attention.qkv,  &b->attention.out,
                                         &b->attention.position, &b->convolution.in, &b->convolution.out};
        for (size_t j = 0; j < sizeof layers / sizeof layers[0]; j++)
            n += linear_bytes(layers[j]);
    }
    return n;
}

int conformer_frames(const struct conformer *m, int n_features)
{
    return subsampling_frames(&m->subsampling, n_features);
}
