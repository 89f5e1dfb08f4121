/* SPDX-License-Identifier: Apache-2.0
 * conformer.c - the weights of WeNet's encoders: names, shapes, packing. */
#include "encoder/conformer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { NAME_SIZE = 240 };

/* A block's place in the file: where to read, and what all its names begin with. */
struct place {
    const struct layer_source *from;
    const struct conformer_names *names;
    char prefix[60];
};

static const char *join(char name[NAME_SIZE], const struct place *p, const char *layer)
{
    snprintf(name, NAME_SIZE, "%s%.160s", p->prefix, layer);
    return name;
}

/* A layer has a bias when the configuration says so, and only then. */
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

static int check_bias(const struct place *p, const char *layer, int n, int wanted)
{
    const struct tensor *bias;
    char name[NAME_SIZE];
    return find_bias(p->from, join(name, p, layer), n, wanted, &bias);
}

static int one_load(struct linear *l, const struct place *p, const char *layer, int n_in, int n_out, int bias)
{
    char name[NAME_SIZE];
    int rc = linear_load(l, p->from, join(name, p, layer), n_in, n_out, LAYER_BIAS_OPTIONAL);
    return rc < 0 ? rc : check_bias(p, layer, n_out, bias);
}

/* A convolution of one tap. */
static int pointwise_load(struct linear *l, const struct place *p, const char *layer, int n_in, int n_out, int bias)
{
    char name[NAME_SIZE];
    int rc = linear_load_convolution(l, p->from, join(name, p, layer), n_in, n_out, 1, LAYER_BIAS_OPTIONAL);
    return rc < 0 ? rc : check_bias(p, layer, n_out, bias);
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
                             const struct conformer_feed_forward_names *names)
{
    int rc;
    if ((rc = norm_load(&f->norm, p, names->norm, c->n_dims)) < 0 ||
        (rc = one_load(&f->hidden, p, names->hidden, c->n_dims, c->n_hidden, c->hidden_bias)) < 0)
        return rc;
    return one_load(&f->back, p, names->back, c->n_hidden, c->n_dims, c->hidden_bias);
}

static int attention_load(struct conformer_attention *a, const struct conformer_config *c, const struct place *p)
{
    const struct conformer_names *names = p->names;
    const int d = c->n_dims;
    const int64_t heads[] = {c->n_heads, d / c->n_heads};
    const struct layer_names qkv = {p->prefix, names->qkv, 3};
    int rc;
    if ((rc = norm_load(&a->norm, p, names->attention_norm, d)) < 0 ||
        (rc = linear_load_joined(&a->qkv, p->from, &qkv, d, d, LAYER_BIAS_OPTIONAL)) < 0 ||
        (rc = check_bias(p, names->qkv[0], d, c->query_bias)) < 0 ||
        (rc = check_bias(p, names->qkv[1], d, c->key_bias)) < 0 ||
        (rc = check_bias(p, names->qkv[2], d, c->value_bias)) < 0 ||
        (rc = one_load(&a->out, p, names->attention_out, d, d, c->query_bias)) < 0 || !c->relative_attention)
        return rc;
    if ((rc = one_load(&a->position, p, names->position, d, d, 0)) < 0 ||
        (rc = values_load(&a->bias_u, p, names->bias_u, 2, heads)) < 0)
        return rc;
    return values_load(&a->bias_v, p, names->bias_v, 2, heads);
}

/* ---- convolution ---- */

/* Multiplies a batch norm into the depthwise weights [K, E] and bias. */
static int fold_batch_norm(struct conformer_convolution *v, const struct conformer_config *c, const struct place *p,
                           int e)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    float *values[4] = {NULL};
    int rc = LINNET_OK;
    for (int i = 0; i < 4 && rc >= 0; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%s", p->names->inner_norm, parts[i]);
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
    snprintf(name, sizeof name, "%s.weight", p->names->depthwise);
    int rc = values_load(&weights, p, name, 3, (const int64_t[]){e, 1, c->kernel});
    if (rc < 0)
        return rc;
    v->weights = mem_array((size_t)c->kernel * (size_t)e, sizeof *v->weights);
    v->bias = mem_array((size_t)e, sizeof *v->bias);
    rc = v->weights != NULL && v->bias != NULL ? LINNET_OK : fail_memory(p->from->msg);
    for (int k = 0; k < c->kernel && rc >= 0; k++)
        for (int i = 0; i < e; i++)
            v->weights[(ptrdiff_t)k * e + i] = weights[(ptrdiff_t)i * c->kernel + k];
    mem_free(weights);
    if (rc < 0 || (rc = find_bias(p->from, join(name, p, p->names->depthwise), e, c->convolution_bias, &bias)) < 0)
        return rc;
    if (bias != NULL)
        tensor_to_f32(bias, 0, (size_t)e, v->bias);
    return c->batch_norm ? fold_batch_norm(v, c, p, e) : norm_load(&v->inner, p, p->names->inner_norm, e);
}

/* WeNet pads a causal convolution with zeros before its first layer: after that and the gate they are what the biases
 * make of them.  One that is not causal is padded after the gate. */
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
    if ((rc = norm_load(&v->norm, p, p->names->convolution_norm, c->n_dims)) < 0 ||
        (rc = pointwise_load(&v->in, p, p->names->in, c->n_dims, 2 * e, c->convolution_bias)) < 0 ||
        (rc = depthwise_load(v, c, p, e)) < 0 ||
        (rc = pointwise_load(&v->out, p, p->names->out, e, c->n_dims, c->convolution_bias)) < 0)
        return rc;
    return before_make(v, c, e, p->from->msg);
}

/* ---- the whole ---- */

static struct place block_place(const struct layer_source *from, const struct conformer_names *names, int i)
{
    struct place p = {.from = from, .names = names};
    const char *number = strstr(names->block, "%d");
    snprintf(p.prefix, sizeof p.prefix, "%.*s%d%s", (int)(number - names->block), names->block, i, number + 2);
    return p;
}

static int block_load(struct conformer_block *b, const struct conformer_config *c, const struct place *p)
{
    int rc;
    if ((rc = attention_load(&b->attention, c, p)) < 0 ||
        (rc = feed_forward_load(&b->feed_forward, c, p, &p->names->feed_forward)) < 0 ||
        (c->macaron && (rc = feed_forward_load(&b->macaron, c, p, &p->names->macaron)) < 0))
        return rc;
    if (c->convolution && ((rc = convolution_load(&b->convolution, c, p)) < 0 ||
                           (rc = norm_load(&b->final, p, p->names->final_norm, c->n_dims)) < 0))
        return rc;
    return LINNET_OK;
}

/* Blocks of the file beyond those of the configuration would be ignored silently. */
static int check_blocks(const struct conformer_config *c, const struct layer_source *from,
                        const struct conformer_names *names)
{
    struct place p = block_place(from, names, c->n_blocks);
    for (size_t i = 0; i < safetensors_count(from->file); i++)
        if (strncmp(safetensors_at(from->file, i)->name, p.prefix, strlen(p.prefix)) == 0)
            return fail(from->msg, LINNET_E_MODEL, "%s is there, and the configuration says %d blocks",
                        safetensors_at(from->file, i)->name, c->n_blocks);
    return LINNET_OK;
}

static void conformer_close(struct encoder *e);

static void set_base(struct conformer *m)
{
    const struct conformer_config *c = &m->config;
    m->base = (struct encoder){.kind = &conformer_encoder_kind,
                               .n_features = c->n_features,
                               .n_dims = c->n_dims,
                               .rate = m->subsampling.rate,
                               .context = m->subsampling.context,
                               .static_chunk = c->static_chunk,
                               .dynamic_chunk = c->dynamic_chunk,
                               .looks_ahead = c->convolution && !c->causal && c->kernel > 1};
}

static int weights_load(struct conformer *m, const struct layer_source *from, const struct conformer_names *names)
{
    const struct conformer_config *c = &m->config;
    int rc;
    if ((rc = check_blocks(c, from, names)) < 0 ||
        (rc = subsampling_open(&m->subsampling, c->input, c->n_features, c->n_dims, &names->input, from)) < 0)
        return rc;
    for (int i = 0; i < c->n_blocks; i++) {
        struct place p = block_place(from, names, i);
        if ((rc = block_load(&m->blocks[i], c, &p)) < 0)
            return rc;
    }
    return c->pre_norm && c->final_norm ? layer_norm_load(&m->norm, from, names->norm, c->n_dims) : LINNET_OK;
}

static int conformer_open(struct encoder **out, const struct encoder_source *from)
{
    struct conformer *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(from->layers->msg);
    int rc = conformer_config_read(&m->config, from->config);
    if (rc >= 0) {
        m->blocks = mem_array((size_t)m->config.n_blocks, sizeof *m->blocks);
        rc = m->blocks != NULL ? weights_load(m, from->layers, from->names) : fail_memory(from->layers->msg);
    }
    if (rc < 0) {
        conformer_close(&m->base);
        return rc;
    }
    set_base(m);
    *out = &m->base;
    return LINNET_OK;
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

static void conformer_close(struct encoder *e)
{
    struct conformer *m = (struct conformer *)e;
    subsampling_close(&m->subsampling);
    for (int i = 0; i < m->config.n_blocks && m->blocks != NULL; i++)
        block_close(&m->blocks[i]);
    mem_free(m->blocks);
    layer_norm_close(&m->norm);
    mem_free(m);
}

static size_t conformer_bytes(const struct encoder *e)
{
    const struct conformer *m = conformer_of(e);
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

const struct encoder_kind conformer_encoder_kind = {
    .name = "conformer",
    .open = conformer_open,
    .close = conformer_close,
    .bytes = conformer_bytes,
    .forward = conformer_forward,
    .stream_open = conformer_stream_open,
    .stream_close = conformer_stream_close,
    .stream_reset = conformer_stream_reset,
    .stream_push = conformer_stream_push,
    .stream_is_ready = conformer_stream_is_ready,
    .stream_step = conformer_stream_step,
};
