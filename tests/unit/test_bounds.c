/* SPDX-License-Identifier: Apache-2.0
 * test_bounds.c - operations and bytes that a context counts, against sums done by hand; what the machine can do. */
#include "bin/bounds.h"
#include "linnet.h"
#include "nn/attention.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

enum { T = TINY_CTX, D = TINY_D, F = TINY_FFN, L = TINY_LAYERS, V = 51865, PANEL = 32 };

static double panels(int n_out) { return (n_out + PANEL - 1) / PANEL; }

/* Bytes of a layer whose weights have `item` bytes and whose outputs have `beside` more. */
static double layer_bytes(int n_in, int n_out, int item, int beside)
{
    return panels(n_out) * PANEL * (n_in * item + beside);
}

/* Layers of a step: q, k, v in one; those that join heads; the query of cross-attention; feed-forward; vocabulary.  A
 * key and a value of each state have D numbers of `cached` bytes and, of whole numbers, a scale for each head. */
static double step_bytes(int item, int beside, int cached, int scales)
{
    double block = layer_bytes(D, 3 * D, item, beside + 4) + 3 * layer_bytes(D, D, item, beside + 4) +
                   layer_bytes(D, F, item, beside + 4) + layer_bytes(F, D, item, beside + 4);
    return L * (block + T * 2.0 * (D * cached + 2 * scales)) + layer_bytes(D, V, item, beside);
}

static void check_model(const char *dir, const char *precision, enum dtype type, double bytes)
{
    struct linnet_model_options options;
    struct message msg;
    linnet_model *model = NULL;
    struct bounds b = {0};
    struct bounds_times times;
    linnet_model_options_init(&options);
    options.precision = precision;
    options.n_threads = 2;
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(dir, &options, &model, msg.text, sizeof msg.text), 0);
    CU_ASSERT_EQUAL_FATAL(bounds_open(&b, model, &msg), 0);
    for (int round = 0; round < 2; round++)
        CU_ASSERT_EQUAL_FATAL(bounds_round(&b, &times, &msg), 0);
    double convolutions = 2.0 * T * 3 * TINY_MELS * D + 1.0 * T * 3 * D * D;
    double layers = L * (1.0 * T * (4 * D * D + 2 * D * F) + 2.0 * T * T * D);
    CU_ASSERT_EQUAL(bounds_products(&b.encoding), convolutions + layers);
    CU_ASSERT_EQUAL(b.encoding.products[type][type], convolutions + layers);
    CU_ASSERT_EQUAL(b.step.read_bytes, bytes);
    CU_ASSERT_TRUE(b.peak[type][type] > 0 && times.reading_s > 0 && times.step_s > 0);
    double share = bounds_encoding_s(&b) / times.encoding_s;
    CU_ASSERT_TRUE(share > 0 && share < 1.1);
    bounds_close(&b);
    linnet_model_close(model);
}

static void work_of_a_model(void)
{
    static const struct tiny_whisper how = {0};
    char *dir = tiny_folder();
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    CU_ASSERT_EQUAL_FATAL(tiny_whisper_write(dir, &how), 0);
    check_model(dir, "fp32", DTYPE_F32, step_bytes(4, 0, 4, 0));
    check_model(dir, "int8", DTYPE_I16, step_bytes(1, 8, 2, 4));
    tiny_remove(dir);
    free(dir);
}

/* Only what rows see is counted, and bytes once for all rows. */
static void work_of_attention(void)
{
    enum { N = 10, ROWS = 3, HEADS = 2, DIMS = 3, WIDTH = HEADS * DIMS };
    static const int begin[ROWS] = {0, 2, 5}, end[ROWS] = {4, 2, 10};
    static const float zeros[N * WIDTH];
    float out[ROWS * WIDTH];
    struct attention_cache c;
    struct nn_context ctx = {0};
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, NULL, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, attention_scratch(N, DIMS), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(attention_cache_open(&c, HEADS, DIMS, N, 0, PRECISION_FP32, NULL), 0);
    attention_cache_append(&ctx, &c, &(struct attention_keys){zeros, WIDTH, zeros, WIDTH, NULL, N});
    struct attention a = {.q = zeros, .ldq = WIDTH, .n_rows = ROWS, .scale = 1, .out = out, .ldout = WIDTH};
    attention_forward(&ctx, &c, &a);
    CU_ASSERT_EQUAL(ctx.work.products[DTYPE_F32][DTYPE_F32], 2 * ROWS * N * WIDTH);
    a.begin = begin;
    a.end = end;
    attention_forward(&ctx, &c, &a);
    CU_ASSERT_EQUAL(ctx.work.products[DTYPE_F32][DTYPE_F32], 2 * (ROWS * N + 4 + 5) * WIDTH);
    CU_ASSERT_EQUAL(ctx.work.read_bytes, 2 * 2 * N * WIDTH * sizeof(float));
    attention_cache_close(&c);
    nn_context_close(&ctx);
}

/* Every table of kernels has its speed, and more bytes take longer. */
static void peaks(void)
{
    static const enum dtype types[][2] = {{DTYPE_F32, DTYPE_F32}, {DTYPE_F16, DTYPE_F32}, {DTYPE_BF16, DTYPE_F32},
                                          {DTYPE_I8, DTYPE_U8},   {DTYPE_I8, DTYPE_I16},  {DTYPE_I16, DTYPE_I16}};
    const struct nn_kernels *tables[NN_MOST_TABLES];
    struct nn_context ctx = {0};
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, NULL, NULL), 0);
    for (int i = kernels_all(tables) - 1; i >= 0; i--) {
        ctx.kernels = tables[i];
        for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
            CU_ASSERT_TRUE(peak_products(&ctx, types[k][0], types[k][1]) > 1e6);
    }
    double little = peak_reading_s(&ctx, 1 << 20, 8), much = peak_reading_s(&ctx, 1 << 26, 8);
    CU_ASSERT_TRUE(little > 0 && much > 8 * little);
    nn_context_close(&ctx);
}

static const struct unit_test tests[] = {
    {"work of a model", work_of_a_model},
    {"work of attention", work_of_attention},
    {"peaks", peaks},
};

UNIT_MAIN("bounds", tests)
