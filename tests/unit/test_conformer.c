/* SPDX-License-Identifier: Apache-2.0
 * test_conformer.c - WeNet's encoders against what WeNet computes, and against themselves: chunks and masks, whole and
 * bit by bit. */
#include <math.h>
#include <string.h>

#include "encoder/conformer.h"
#include "models/wenet.h"
#include "nn/linear.h"
#include "nn/sinusoid.h"
#include "tests/support/converted.h"
#include "tests/support/refs.h"

struct opened {
    struct converted converted;
    struct safetensors *file;
    struct encoder *model;
    struct linear ctc;
    struct nn_context ctx;
    struct refs refs;
    float *fbank;
    int n_frames;
};

/* The encoder that the configuration describes; path is where that lies, for messages. */
static int model_open(struct encoder **out, const json_t *root, const char *path, const struct layer_source *from)
{
    struct config config = {.at = root, .msg = from->msg};
    snprintf(config.path, sizeof config.path, "%s", path);
    return encoder_open(out, "conformer", &(struct encoder_source){&config, from, wenet_encoder_names(&config)});
}

static int opened_open(struct opened *o, const char *name, struct pool *pool)
{
    char path[4500];
    struct message msg = {""};
    *o = (struct opened){0};
    char source[100];
    snprintf(source, sizeof source, "refs/%s", name);
    if (refs_open(&o->refs, name) < 0 || converted_open(&o->converted, source) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/config.json", o->converted.dir);
    json_t *root = json_load_file(path, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&o->file, o->converted.dir, &msg), 0);
    struct layer_source from = {o->file, PRECISION_FP32, pool, &msg, NULL};
    int rc = model_open(&o->model, root, path, &from);
    if (rc < 0)
        printf("%s\n", msg.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    int n_out = (int)json_integer_value(json_object_get(root, "output_dim"));
    CU_ASSERT_EQUAL_FATAL(linear_load(&o->ctc, &from, "ctc.ctc_lo", o->model->n_dims, n_out, LAYER_BIAS), 0);
    json_decref(root);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&o->ctx, pool, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&o->ctx, linear_scratch(&o->ctc), &msg), 0);
    const struct tensor *t = safetensors_find(o->refs.tensors, "fbank");
    o->n_frames = (int)t->shape[0];
    o->fbank = mem_array(tensor_elements(t), sizeof(float));
    tensor_to_f32(t, 0, tensor_elements(t), o->fbank);
    return 0;
}

static void opened_close(struct opened *o)
{
    mem_free(o->fbank);
    nn_context_close(&o->ctx);
    linear_close(&o->ctc);
    encoder_close(o->model);
    safetensors_close(o->file);
    refs_close(&o->refs);
    converted_close(&o->converted);
}

static double difference(const float *a, const float *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= most))
            most = fabs((double)a[i] - (double)b[i]);
    return most;
}

/* Streams the features in pieces of n_piece; returns the frames written to out. */
static int stream(struct encoder_stream *s, const float *features, int n, int n_mels, int n_piece, float *out, int d)
{
    int n_out = 0;
    for (int at = 0; at < n;) {
        int piece = n - at < n_piece ? n - at : n_piece;
        while (piece > 0) {
            int taken = encoder_stream_push(s, features + (ptrdiff_t)at * n_mels, piece);
            at += taken;
            piece -= taken;
            if (encoder_stream_is_ready(s))
                n_out += encoder_stream_step(s, out + (ptrdiff_t)n_out * d, NULL);
        }
    }
    return n_out + encoder_stream_step(s, out + (ptrdiff_t)n_out * d, NULL);
}

static void mode_of(const char *mode, int *chunk, int *left)
{
    *chunk = *left = -1;
    if (strcmp(mode, "full") != 0)
        CU_ASSERT_EQUAL_FATAL(sscanf(mode, "chunk%d_left%d", chunk, left), 2);
}

static void check_mode(struct opened *o, const char *name, const char *mode)
{
    int chunk, left, n_rows = 0, d = 0, v_rows, v = 0, mels = o->model->n_features;
    mode_of(mode, &chunk, &left);
    float *wanted = refs_matrix(&o->refs, mode, "encoder_out", &n_rows, &d);
    float *logprobs = refs_matrix(&o->refs, mode, "ctc_logprobs", &v_rows, &v);
    float *out = mem_array((size_t)(n_rows * d), sizeof *out), *ctc = mem_array((size_t)(n_rows * v), sizeof *ctc);
    CU_ASSERT_EQUAL_FATAL(encoder_frames(o->model, o->n_frames), n_rows);
    const struct encoder_input in = {o->fbank, o->n_frames, chunk, left};
    CU_ASSERT_EQUAL(encoder_forward(o->model, &o->ctx, &in, out, NULL), n_rows);
    double most = difference(out, wanted, (size_t)(n_rows * d));
    linear_forward(&o->ctx, &o->ctc, &(struct linear_rows){out, d, n_rows, ctc, v}, NULL);
    for (int t = 0; t < n_rows; t++)
        o->ctx.kernels->log_softmax(ctc + t * v, ctc + t * v, v);
    double most_ctc = difference(ctc, logprobs, (size_t)(n_rows * v));
    printf("\n    %s %s: encoder %.1e, ctc %.1e", name, mode, most, most_ctc);
    CU_ASSERT(most <= 1e-4);
    CU_ASSERT(most_ctc <= 1e-3);
    if (chunk > 0) {
        struct encoder_stream *s;
        float *streamed = mem_array((size_t)(n_rows * d), sizeof *streamed);
        CU_ASSERT_EQUAL_FATAL(encoder_stream_open(&s, o->model, &o->ctx, chunk, left, NULL), 0);
        for (int piece = 1; piece < 400; piece = piece * 5 + 2) {
            encoder_stream_reset(s);
            CU_ASSERT_EQUAL(stream(s, o->fbank, o->n_frames, mels, piece, streamed, d), n_rows);
            CU_ASSERT_EQUAL(memcmp(streamed, out, (size_t)(n_rows * d) * sizeof *out), 0);
        }
        printf(", streaming %.1e", difference(streamed, out, (size_t)(n_rows * d)));
        encoder_stream_close(s);
        mem_free(streamed);
    }
    mem_free(wanted);
    mem_free(logprobs);
    mem_free(out);
    mem_free(ctc);
}

static void test_references(void)
{
    if (unit_shared() == NULL)
        return; /* the small encoders below need nothing */
    for (int i = 0; i < REFS_N; i++) {
        struct opened o;
        CU_ASSERT_EQUAL_FATAL(opened_open(&o, refs_names[i], NULL), 0);
        const char *mode;
        json_t *results;
        json_object_foreach(o.refs.results, mode, results) check_mode(&o, refs_names[i], mode);
        opened_close(&o);
    }
}

/* ---- what is carried from chunk to chunk ---- */

/* A tensor "mode.what.chunk" as floats, or NULL. */
static float *cache_of(const struct opened *o, const char *mode, const char *what, int i_chunk, int64_t *shape)
{
    char name[100];
    snprintf(name, sizeof name, "%s.%s.%d", mode, what, i_chunk);
    const struct tensor *t = safetensors_find(o->refs.tensors, name);
    if (t == NULL || t->n_dims != 4)
        return NULL;
    memcpy(shape, t->shape, 4 * sizeof *shape);
    float *values = mem_array(tensor_elements(t), sizeof *values);
    tensor_to_f32(t, 0, tensor_elements(t), values);
    return values;
}

/* WeNet's [blocks, H, keys, k and v of d]; ours have the position's part in the key. */
static double compare_attention(struct opened *o, const struct encoder_stream *s, const float *wanted,
                                const int64_t *shape)
{
    const struct conformer_config *c = &conformer_of(o->model)->config;
    int n_keys = (int)shape[2], d = c->n_dims / c->n_heads;
    float *key = mem_array((size_t)c->n_dims, sizeof *key), *value = mem_array((size_t)c->n_dims, sizeof *value),
          *encoding = mem_array((size_t)c->n_dims, sizeof *encoding),
          *part = mem_array((size_t)c->n_dims, sizeof *part);
    double most = 0.0;
    CU_ASSERT_EQUAL(shape[0], c->n_blocks);
    for (int i = 0; i < c->n_blocks; i++)
        for (int j = 0; j < n_keys; j++) {
            CU_ASSERT_EQUAL(conformer_stream_cached(s, i, j, key, value), n_keys);
            if (c->relative_attention) {
                nn_sinusoid(j, 1, o->model->n_dims, encoding);
                linear_forward(&o->ctx, &conformer_of(o->model)->blocks[i].attention.position,
                               &(struct linear_rows){encoding, c->n_dims, 1, part, c->n_dims}, NULL);
                o->ctx.kernels->add(key, part, c->n_dims, -1.0f);
            }
            for (int h = 0; h < c->n_heads; h++) {
                const float *row = wanted + (((ptrdiff_t)i * c->n_heads + h) * n_keys + j) * 2 * d;
                double k = difference(key + h * d, row, (size_t)d), v = difference(value + h * d, row + d, (size_t)d);
                most = k > most ? k : most;
                most = v > most ? v : most;
            }
        }
    float *const rows[] = {key, value, encoding, part};
    for (int i = 0; i < 4; i++)
        mem_free(rows[i]);
    return most;
}

/* WeNet's [blocks, 1, D, K - 1] are the convolution's inputs; ours have gone through its first layer and gate. */
static double compare_convolution(struct opened *o, const struct encoder_stream *s, const float *wanted)
{
    const struct conformer_config *c = &conformer_of(o->model)->config;
    int d = c->n_dims, e = d * c->inner_factor / 2, n = c->kernel - 1;
    float *x = mem_array((size_t)d, sizeof *x), *y = mem_array((size_t)(2 * e), sizeof *y);
    double most = 0.0;
    for (int i = 0; i < c->n_blocks; i++)
        for (int t = 0; t < n; t++) {
            for (int k = 0; k < d; k++)
                x[k] = wanted[((ptrdiff_t)i * d + k) * n + t];
            linear_forward(&o->ctx, &conformer_of(o->model)->blocks[i].convolution.in,
                           &(struct linear_rows){x, d, 1, y, 2 * e}, NULL);
            o->ctx.kernels->glu(y, y + e, y, e);
            double difference_here = difference(y, conformer_stream_context(s, i) + t * e, (size_t)e);
            most = difference_here > most ? difference_here : most;
        }
    mem_free(x);
    mem_free(y);
    return most;
}

static void check_caches(struct opened *o, const char *name, const char *mode)
{
    int chunk, left, at = 0, mels = o->model->n_features;
    struct encoder_stream *s;
    int64_t shape[4];
    mode_of(mode, &chunk, &left);
    CU_ASSERT_EQUAL_FATAL(encoder_stream_open(&s, o->model, &o->ctx, chunk, left, NULL), 0);
    float *out = mem_array((size_t)(chunk * o->model->n_dims), sizeof *out), *wanted;
    for (int i = 0; i < 3; i++) {
        at += encoder_stream_push(s, o->fbank + (ptrdiff_t)at * mels, o->n_frames - at);
        CU_ASSERT_EQUAL(encoder_stream_step(s, out, NULL), chunk);
        wanted = cache_of(o, mode, "att_cache", i, shape);
        CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
        double attention = compare_attention(o, s, wanted, shape), convolution = 0.0;
        mem_free(wanted);
        if (conformer_of(o->model)->config.convolution) {
            wanted = cache_of(o, mode, "cnn_cache", i, shape);
            CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
            convolution = compare_convolution(o, s, wanted);
            mem_free(wanted);
        }
        printf("\n    %s %s chunk %d: keys and values %.1e, convolution %.1e", name, mode, i, attention, convolution);
        CU_ASSERT(attention <= 1e-4);
        CU_ASSERT(convolution <= 1e-4);
    }
    mem_free(out);
    encoder_stream_close(s);
}

static void test_caches(void)
{
    if (unit_shared() == NULL)
        return;
    static const char *const names[] = {"wenet-u2pp", "wenet-transformer"};
    for (int i = 0; i < 2; i++) {
        struct opened o;
        CU_ASSERT_EQUAL_FATAL(opened_open(&o, names[i], NULL), 0);
        check_caches(&o, names[i], "chunk16_left-1");
        opened_close(&o);
    }
}

/* ---- small encoders of every kind ---- */

static const char *const kinds[] = {"conv2d6", "conv2d8",     "linear",          "whole",
                                    "masked",  "transformer", "transformer-post"};

struct small {
    struct safetensors *file;
    struct encoder *model;
    struct nn_context ctx;
    float *features;
    int n_features;
};

static float *floats_of(const struct safetensors *f, const char *name, int *n_rows)
{
    const struct tensor *t = safetensors_find(f, name);
    if (t == NULL)
        return NULL;
    float *values = mem_array(tensor_elements(t), sizeof *values);
    tensor_to_f32(t, 0, tensor_elements(t), values);
    *n_rows = (int)t->shape[0];
    return values;
}

static void small_open(struct small *s, const char *kind)
{
    char path[4200];
    const char *top = getenv("top_srcdir");
    struct message msg = {""};
    snprintf(path, sizeof path, "%s/tests/vectors/encoder-%s.safetensors", top != NULL ? top : ".", kind);
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&s->file, path, &msg), 0);
    json_t *root = json_loads(safetensors_metadata(s->file, "config"), 0, NULL);
    struct layer_source from = {s->file, PRECISION_FP32, NULL, &msg, NULL};
    int rc = model_open(&s->model, root, path, &from);
    if (rc < 0)
        printf("%s: %s\n", kind, msg.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    json_decref(root);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, NULL, &msg), 0);
    s->features = floats_of(s->file, "features", &s->n_features);
}

static void small_close(struct small *s)
{
    mem_free(s->features);
    nn_context_close(&s->ctx);
    encoder_close(s->model);
    safetensors_close(s->file);
}

/* The recording at once, masked to chunks (chunk > 0) or not, against the tensor; the result, or NULL for no tensor. */
static float *check_small(struct small *s, const char *tensor, int chunk, int left)
{
    int n = 0;
    float *wanted = floats_of(s->file, tensor, &n);
    if (wanted == NULL)
        return NULL;
    size_t size = (size_t)(n * s->model->n_dims);
    float *out = mem_array(size, sizeof *out);
    CU_ASSERT_EQUAL_FATAL(encoder_frames(s->model, s->n_features), n);
    const struct encoder_input in = {s->features, s->n_features, chunk, left};
    CU_ASSERT_EQUAL(encoder_forward(s->model, &s->ctx, &in, out, NULL), n);
    double most = difference(out, wanted, size);
    printf(" %s %.1e", tensor, most);
    CU_ASSERT(most <= 1e-5);
    mem_free(wanted);
    return out;
}

static void check_kind(const char *kind)
{
    struct small s;
    struct encoder_stream *stream_of = NULL;
    small_open(&s, kind);
    printf("\n    %s:", kind);
    int d = s.model->n_dims, n = encoder_frames(s.model, s.n_features);
    float *full = check_small(&s, "full", -1, -1), *chunk = check_small(&s, "chunk", 4, 2),
          *streamed = check_small(&s, "streamed", 4, 2);
    int rc = encoder_stream_open(&stream_of, s.model, &s.ctx, 4, 2, NULL);
    CU_ASSERT_EQUAL(rc, streamed != NULL ? 0 : LINNET_E_UNSUPPORTED);
    if (streamed != NULL) {
        for (int piece = 1; piece < 200; piece = 2 * piece + 1) {
            encoder_stream_reset(stream_of);
            memset(streamed, 0, (size_t)(n * d) * sizeof *streamed);
            CU_ASSERT_EQUAL(stream(stream_of, s.features, s.n_features, s.model->n_features, piece, streamed, d), n);
            CU_ASSERT_EQUAL(memcmp(streamed, chunk, (size_t)(n * d) * sizeof *chunk), 0);
        }
        encoder_stream_close(stream_of);
    }
    mem_free(full);
    mem_free(chunk);
    mem_free(streamed);
    small_close(&s);
}

static void test_kinds(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        check_kind(kinds[i]);
}

/* Widths that fill no vector, and any number of threads: the same bits. */
static void test_threads(void)
{
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, 3), 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct small s;
        struct nn_context many;
        small_open(&s, kinds[i]);
        CU_ASSERT_EQUAL_FATAL(nn_context_open(&many, pool, NULL), 0);
        size_t n = (size_t)(encoder_frames(s.model, s.n_features) * s.model->n_dims);
        float *one = mem_array(n, sizeof *one), *two = mem_array(n, sizeof *two);
        const struct encoder_input in = {s.features, s.n_features, 4, 1};
        CU_ASSERT(encoder_forward(s.model, &s.ctx, &in, one, NULL) > 0);
        CU_ASSERT(encoder_forward(s.model, &many, &in, two, NULL) > 0);
        CU_ASSERT_EQUAL(memcmp(one, two, n * sizeof *one), 0);
        mem_free(one);
        mem_free(two);
        nn_context_close(&many);
        small_close(&s);
    }
    pool_close(pool);
}

/* With a bounded left context a stream's memory is what it was at the start, and it drops what is out of sight. */
static void test_long_stream(void)
{
    struct small s;
    struct encoder_stream *stream_of;
    small_open(&s, "conv2d6");
    int d = s.model->n_dims, mels = s.model->n_features;
    float out[4 * 64];
    CU_ASSERT_EQUAL_FATAL(encoder_stream_open(&stream_of, s.model, &s.ctx, 4, 2, NULL), 0);
    CU_ASSERT_FATAL(d <= 64);
    for (int i = 0; i < 3000; i++) {
        encoder_stream_push(stream_of, s.features + (i % 50) * mels, 60);
        CU_ASSERT(encoder_stream_step(stream_of, out, NULL) <= 4);
        CU_ASSERT(conformer_stream_cached(stream_of, 0, 0, NULL, NULL) <= 8);
        for (int k = 0; k < 4 * d; k++)
            if (!isfinite(out[k]))
                CU_FAIL_FATAL("not finite");
    }
    encoder_stream_close(stream_of);
    small_close(&s);
}

/* What the configuration has and the file has not, and the other way round. */
static void test_refusals(void)
{
    static const struct {
        const char *kind, *key, *value, *wanted;
    } wrong[] = {
        {"conv2d6", "activation_type", "\"tanh\"", "activation_type 'tanh' is not supported"},
        {"conv2d6", "input_layer", "\"conv1d2\"", "input_layer 'conv1d2' is not supported"},
        {"conv2d6", "pos_enc_layer_type", "\"rope_pos\"", "'rope_pos' is not supported"},
        {"conv2d6", "selfattention_layer_type", "\"shaw_rel_selfattn\"", "is not supported"},
        {"conv2d6", "cnn_module_norm", "\"rms_norm\"", "is not supported"},
        {"conv2d6", "attention_heads", "3", "no multiple of attention_heads"},
        {"conv2d6", "num_blocks", "3", "encoder.encoders.2."},
        {"conv2d6", "num_blocks", "1", "configuration says 1 blocks"},
        {"conv2d6", "num_blocks", "-1", "num_blocks is -1"},
        {"conv2d6", "linear_units", "13", "feed_forward.w_1.weight"},
        {"conv2d6", "cnn_module_kernel", "9", "depthwise_conv.weight"},
        {"conv2d6", "causal", "false", "kernel 8 is even"},
        {"conv2d6", "conv_bias", "false", "bias is there"},
        {"whole", "conv_bias", "true", "pointwise_conv1.bias"},
        {"whole", "key_bias", "true", "linear_k.bias"},
        {"linear", "use_cnn_module", "true", "norm_conv"},
        {"linear", "input_layer", "\"conv2d\"", "embed.conv.0"},
        {"conv2d8", "norm_eps", "0", "norm_eps"},
        {"conv2d8", "use_dynamic_chunk", "1", "neither true nor false"},
        {"transformer", "selfattention_layer_type", "\"rel_selfattn\"", "in a transformer"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char path[4200];
        const char *top = getenv("top_srcdir");
        struct message msg = {""};
        struct safetensors *file;
        struct encoder *model = NULL;
        snprintf(path, sizeof path, "%s/tests/vectors/encoder-%s.safetensors", top != NULL ? top : ".", wrong[i].kind);
        CU_ASSERT_EQUAL_FATAL(safetensors_open(&file, path, &msg), 0);
        json_t *root = json_loads(safetensors_metadata(file, "config"), 0, NULL);
        json_object_set_new(json_object_get(root, "encoder"), wrong[i].key,
                            json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
        struct layer_source from = {file, PRECISION_FP32, NULL, &msg, NULL};
        int rc = model_open(&model, root, path, &from);
        if (rc != LINNET_E_MODEL || strstr(msg.text, wrong[i].wanted) == NULL)
            printf("\n    %s=%s: %d, %s", wrong[i].key, wrong[i].value, rc, msg.text);
        CU_ASSERT_EQUAL(rc, LINNET_E_MODEL);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, wrong[i].wanted));
        encoder_close(model);
        json_decref(root);
        safetensors_close(file);
    }
}

static void test_unknown_kinds(void)
{
    struct message msg = {""};
    struct encoder *e = NULL;
    const struct config config = {.msg = &msg};
    const struct layer_source layers = {NULL, PRECISION_FP32, NULL, &msg, NULL};
    const struct encoder_source from = {&config, &layers, NULL};
    static const char *const unknown[] = {"parrot", "", "conforme", "conformers"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, "'%s'", unknown[i]);
        CU_ASSERT_EQUAL(encoder_open(&e, unknown[i], &from), LINNET_E_MODEL);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, wanted));
    }
    CU_ASSERT_PTR_NULL(e);
}

static const struct unit_test tests[] = {
    {"encoder output of every reference mode, streaming equal bit by bit", test_references},
    {"keys, values and inputs that chunks leave", test_caches},
    {"every kind of layer, whole, masked and streaming", test_kinds},
    {"one thread and three", test_threads},
    {"a long stream", test_long_stream},
    {"configurations that a file contradicts", test_refusals},
    {"encoders of no kind", test_unknown_kinds},
};

UNIT_MAIN("conformer", tests)
