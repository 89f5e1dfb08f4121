/* SPDX-License-Identifier: Apache-2.0
 * random_decoder.h - small random text decoders in a model file, with WeNet's names.
 *
 * Whoever includes this says before how large it is: an enum with V, D, H, HIDDEN, BLOCKS, T (frames) and MAX_LENGTH
 * (labels and sos). */
#ifndef LINNET_TESTS_SUPPORT_RANDOM_DECODER_H
#define LINNET_TESTS_SUPPORT_RANDOM_DECODER_H

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "models/wenet.h"
#include "tests/support/unit.h"

static const struct text_decoder_config small = {.n_vocabulary = V,
                                                 .n_dims = D,
                                                 .n_heads = H,
                                                 .n_hidden = HIDDEN,
                                                 .n_blocks = BLOCKS,
                                                 .embedding_scale = 2.82842712f, /* sqrt(D) */
                                                 .activation = NN_RELU,
                                                 .norm_eps = 1e-5f,
                                                 .sos = V - 1,
                                                 .eos = V - 2};

_Static_assert(D == 8, "embedding_scale is sqrt(8)");

static unsigned seed = 1;

static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 16777216.0f - 0.5f;
}

struct model {
    char path[40];
    struct safetensors *file;
};

static const char *const linears[] = {"self_attn.linear_q",   "self_attn.linear_k", "self_attn.linear_v",
                                      "self_attn.linear_out", "src_attn.linear_q",  "src_attn.linear_k",
                                      "src_attn.linear_v",    "src_attn.linear_out"};

struct writing {
    struct safetensors_writer *w;
    int declares, i_tensor;
};

static void put_values(struct writing *x, const char *name, int n_rows, int n_columns, const float *values)
{
    const int64_t shape[2] = {n_rows, n_columns};
    size_t n_bytes = (size_t)n_rows * (size_t)(n_columns > 0 ? n_columns : 1) * sizeof *values;
    if (x->declares) {
        CU_ASSERT_TRUE(safetensors_writer_declare(x->w, name, DTYPE_F32, n_columns > 0 ? 2 : 1, shape, NULL) >= 0);
    } else {
        CU_ASSERT_EQUAL(safetensors_writer_put(x->w, x->i_tensor++, values, n_bytes, NULL), 0);
    }
}

static void put(struct writing *x, const char *name, int n_rows, int n_columns)
{
    float values[400];
    for (int i = 0; !x->declares && i < n_rows * (n_columns > 0 ? n_columns : 1); i++)
        values[i] = uniform() * 1.5f;
    put_values(x, name, n_rows, n_columns, values);
}

static void put_decoder(struct writing *x, const char *prefix)
{
    char name[100];
#define PUT(rows, columns, ...) (snprintf(name, sizeof name, __VA_ARGS__), put(x, name, rows, columns))
    PUT(V, D, "%s.embed.0.weight", prefix);
    PUT(D, 0, "%s.after_norm.weight", prefix);
    PUT(D, 0, "%s.after_norm.bias", prefix);
    PUT(V, D, "%s.output_layer.weight", prefix);
    PUT(V, 0, "%s.output_layer.bias", prefix);
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < 8; i++) {
            PUT(D, D, "%s.decoders.%d.%s.weight", prefix, b, linears[i]);
            PUT(D, 0, "%s.decoders.%d.%s.bias", prefix, b, linears[i]);
        }
        for (int i = 1; i <= 3; i++) {
            PUT(D, 0, "%s.decoders.%d.norm%d.weight", prefix, b, i);
            PUT(D, 0, "%s.decoders.%d.norm%d.bias", prefix, b, i);
        }
        PUT(HIDDEN, D, "%s.decoders.%d.feed_forward.w_1.weight", prefix, b);
        PUT(HIDDEN, 0, "%s.decoders.%d.feed_forward.w_1.bias", prefix, b);
        PUT(D, HIDDEN, "%s.decoders.%d.feed_forward.w_2.weight", prefix, b);
        PUT(D, 0, "%s.decoders.%d.feed_forward.w_2.bias", prefix, b);
    }
#undef PUT
}

/* put_all puts the model's tensors; it is called twice, to declare them and to write them. */
static void model_open(struct model *m, void (*put_all)(struct writing *x))
{
    struct writing x = {NULL, 1, 0};
    strcpy(m->path, "/tmp/linnet-decoder-XXXXXX");
    int file = mkstemp(m->path);
    CU_ASSERT_TRUE_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&x.w, m->path, NULL), 0);
    for (x.declares = 1; x.declares >= 0; x.declares--)
        put_all(&x);
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_close(x.w, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&m->file, m->path, NULL), 0);
}

static void model_close(struct model *m)
{
    safetensors_close(m->file);
    unlink(m->path);
}

static struct text_decoder *decoder_open(const struct model *m, const char *prefix,
                                         const struct text_decoder_config *config, struct pool *pool)
{
    const struct layer_source from = {m->file, PRECISION_FP32, pool, NULL, NULL};
    struct text_decoder *d = NULL;
    CU_ASSERT_EQUAL_FATAL(text_decoder_open(&d, config, &wenet_decoder_names, prefix, &from), 0);
    return d;
}

#endif
