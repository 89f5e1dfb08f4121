/* SPDX-License-Identifier: Apache-2.0
 * test_precision.c - layers and attention of numbers that are no floats, on every instruction set: errors within what
 * rounding explains, a row's bits the same whatever is beside it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/attention.h"
#include "nn/half.h"
#include "nn/linear.h"
#include "tests/support/noise.h"
#include "tests/support/unit.h"

/* ---- attention ---- */

enum { HEADS = 2, DIMS = 33, KEYS = 77, QUERIES = 19, WIDTH = HEADS * DIMS };

struct attending {
    enum precision precision;
    float scale; /* small: all keys weigh alike, and their sum is what bounds the 16-bit numbers */
    struct pool *pool;
    int step;   /* keys come in pieces of it, */
    int copies; /* and then go through another cache */
    const struct nn_kernels *kernels;
};

/* Copies all keys into a cache that is no larger than they are. */
static void copy_cache(struct attention_cache *c)
{
    enum { PIECE = 13 };
    struct attention_cache copy;
    CU_ASSERT_EQUAL_FATAL(attention_cache_open(&copy, HEADS, DIMS, KEYS, 1, c->precision, NULL), 0);
    for (int at = 0; at < KEYS; at += PIECE)
        attention_cache_copy(&copy, c, at, KEYS - at < PIECE ? KEYS - at : PIECE);
    attention_cache_close(c);
    *c = copy;
}

/* Rows `first` .. first + n - 1 are computed. */
static void attend(const struct attending *how, int first, int n, const float *data, float *out)
{
    struct nn_context ctx;
    struct attention_cache c;
    const float *q = data, *keys = q + QUERIES * WIDTH, *values = keys + KEYS * WIDTH, *bias = values + KEYS * WIDTH;
    int begin[QUERIES], end[QUERIES];
    for (int i = 0; i < QUERIES; i++) {
        begin[i] = 2 * i;
        end[i] = i == 7 ? begin[i] : begin[i] + 35; /* one sees nothing */
    }
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, how->pool, NULL), 0);
    ctx.kernels = how->kernels;
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, attention_scratch(KEYS, DIMS), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(attention_cache_open(&c, HEADS, DIMS, how->step, 1, how->precision, NULL), 0);
    for (int at = 0; at < KEYS; at += how->step) {
        int size = KEYS - at < how->step ? KEYS - at : how->step;
        CU_ASSERT_EQUAL_FATAL(attention_cache_reserve(&c, size, NULL), 0);
        attention_cache_append(
            &ctx, &c,
            &(struct attention_keys){keys + at * WIDTH, WIDTH, values + at * WIDTH, WIDTH, bias + at * HEADS, size});
    }
    if (how->copies)
        copy_cache(&c);
    struct attention a = {
        .q = q + first * WIDTH, .ldq = WIDTH, .n_rows = n, .scale = how->scale, .out = out, .ldout = WIDTH};
    a.begin = begin + first;
    a.end = end + first;
    attention_forward(&ctx, &c, &a);
    attention_cache_close(&c);
    nn_context_close(&ctx);
}

static void check_attention(struct attending how, double most, const float *data)
{
    static float truth[QUERIES * WIDTH], got[QUERIES * WIDTH], other[QUERIES * WIDTH];
    struct attending single = how, divided = how, copied = how;
    single.precision = PRECISION_FP32;
    attend(&single, 0, QUERIES, data, truth);
    how.pool = NULL;
    how.step = KEYS;
    attend(&how, 0, QUERIES, data, got);
    for (int i = 0; i < QUERIES * WIDTH; i++)
        CU_ASSERT(fabs((double)truth[i] - (double)got[i]) <= most);
    CU_ASSERT(got[7 * WIDTH] == 0 && got[8 * WIDTH - 1] == 0);
    attend(&divided, 0, QUERIES, data, other);
    CU_ASSERT_EQUAL(memcmp(got, other, sizeof got), 0); /* threads; keys piece by piece */
    copied.copies = 1;
    attend(&copied, 0, QUERIES, data, other);
    CU_ASSERT_EQUAL(memcmp(got, other, sizeof got), 0);
    for (int i = 0; i < QUERIES; i++) { /* rows alone */
        attend(&how, i, 1, data, other);
        CU_ASSERT_EQUAL(memcmp(got + i * WIDTH, other, WIDTH * sizeof *got), 0);
    }
}

/* Whole numbers: keys and queries of 13 bits, values of 12.  Keys, queries and values are bf16 numbers from the
 * beginning, so then only the weights of the softmax are rounded, by one in 2^9 each, and their sum of values below 1
 * is too. */
static void attention_is_near_and_the_same_for_all(void)
{
    static float data[(QUERIES + 2 * KEYS) * WIDTH + KEYS * HEADS];
    const struct nn_kernels *tables[NN_MOST_TABLES];
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, 3), 0);
    noise_fill(data, (int)(sizeof data / sizeof *data));
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        data[i] = half_bf16_to_f32(half_f32_to_bf16(data[i]));
    for (int round = 0; round < 2; round++) {
        for (int n = kernels_all(tables), t = 0; t < n; t++) {
            struct attending how = {PRECISION_INT16, round == 0 ? 0.5f : 0x1p-13f, pool, 5, 0, tables[t]};
            check_attention(how, 2e-3, data);
            how.precision = PRECISION_BF16;
            check_attention(how, 0x1p-9 + 1e-4, data);
            how.precision = PRECISION_FP32;
            check_attention(how, 1e-4, data);
        }
        for (int i = 0; i < KEYS * HEADS; i++) /* no key is nearer than another */
            data[(QUERIES + 2 * KEYS) * WIDTH + i] = 0;
    }
    pool_close(pool);
}

/* What a cache of bf16 numbers gives back is what was put into it, rounded. */
static void keys_and_values_are_rounded_to_nearest(void)
{
    float keys[3 * WIDTH], values[3 * WIDTH], key[WIDTH], value[WIDTH];
    struct nn_context ctx;
    struct attention_cache c;
    noise_fill(keys, 3 * WIDTH);
    noise_fill(values, 3 * WIDTH);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, NULL, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(attention_cache_open(&c, HEADS, DIMS, 3, 0, PRECISION_BF16, NULL), 0);
    attention_cache_append(&ctx, &c, &(struct attention_keys){keys, WIDTH, values, WIDTH, NULL, 3});
    for (int j = 0; j < 3; j++) {
        attention_cache_row(&c, j, key, value);
        for (int i = 0; i < WIDTH; i++) {
            CU_ASSERT_EQUAL(key[i], half_bf16_to_f32(half_f32_to_bf16(keys[j * WIDTH + i])));
            CU_ASSERT_EQUAL(value[i], half_bf16_to_f32(half_f32_to_bf16(values[j * WIDTH + i])));
        }
    }
    attention_cache_close(&c);
    nn_context_close(&ctx);
}

/* ---- a layer ---- */

/* Each factor errs by one in 2^9, and so may each of the additions by one in 2^23. */
static double bf16_bound(const float *x, const float *w, int n_in)
{
    double size = 0;
    for (int k = 0; k < n_in; k++)
        size += fabs((double)x[k] * (double)w[k]);
    return size * (0x1p-8 + 0x1p-18 + (n_in + 1) * 0x1p-23) + 1e-6;
}

/* The most that rounding weights and inputs to half a step can change an output. */
static double bound(enum precision precision, const float *x, const float *w, int n_in)
{
    if (precision == PRECISION_BF16)
        return bf16_bound(x, w, n_in);
    int wide = precision != PRECISION_INT8; /* inputs of 16 bits */
    int weight = precision == PRECISION_INT16 ? 511 : wide ? NN_I8_WIDE_WEIGHT : NN_I8_WEIGHT;
    float largest = 0, low = 0, high = 0;
    double size_x = 0, size_w = 0;
    for (int k = 0; k < n_in; k++) {
        largest = fmaxf(largest, fabsf(w[k]));
        low = fminf(low, x[k]);
        high = fmaxf(high, x[k]);
        size_x += fabs((double)x[k]);
        size_w += fabs((double)w[k]);
    }
    double step_w = (double)largest / weight, step_x = (double)(high - low) / NN_I8_INPUT;
    if (wide) /* products of whole numbers add up to less than 2^31 */
        step_x = fmax((double)high, (double)-low) / fmin(32767, floor(2147483000.0 / (n_in * weight)));
    return 1.001 * (size_x * step_w / 2 + size_w * step_x / 2 + n_in * step_w * step_x / 4) + 1e-4;
}

struct layer {
    int n_rows, n_in, n_out;
    float *x, *w, *b;
    struct tensor weight, bias;
    struct linear linear;
};

static void layer_open(struct layer *l, enum precision precision, const int sizes[3], int n_taps)
{
    int n_rows = sizes[0], n_in = sizes[1], n_out = sizes[2];
    *l = (struct layer){.n_rows = n_rows, .n_in = n_in, .n_out = n_out};
    l->x = mem_array((size_t)(n_rows * n_in), sizeof(float));
    l->w = mem_array((size_t)(n_out * n_in), sizeof(float));
    l->b = mem_array((size_t)n_out, sizeof(float));
    noise_fill(l->x, n_rows * n_in);
    noise_fill(l->w, n_out * n_in);
    noise_fill(l->b, n_out);
    l->weight = (struct tensor){.name = "w", .dtype = DTYPE_F32, .n_dims = n_taps > 1 ? 3 : 2, .data = l->w};
    l->weight.shape[0] = n_out;
    l->weight.shape[1] = n_in / n_taps;
    l->weight.shape[2] = n_taps;
    l->weight.n_bytes = (size_t)(n_out * n_in) * sizeof(float);
    l->bias = (struct tensor){.name = "b", .dtype = DTYPE_F32, .n_dims = 1, .data = l->b};
    l->bias.shape[0] = n_out;
    l->bias.n_bytes = (size_t)n_out * sizeof(float);
    const struct tensor *w = &l->weight, *b = &l->bias;
    CU_ASSERT_EQUAL_FATAL(linear_open(&l->linear, &w, &b, 1, precision, NULL, NULL), 0);
    enum dtype weights = precision == PRECISION_BF16 ? DTYPE_BF16 : precision == PRECISION_INT16 ? DTYPE_I16 : DTYPE_I8;
    enum dtype inputs = precision == PRECISION_BF16 ? DTYPE_BF16 : precision == PRECISION_INT8 ? DTYPE_U8 : DTYPE_I16;
    CU_ASSERT_EQUAL(l->linear.dtype, weights);
    CU_ASSERT_EQUAL(l->linear.inputs, inputs);
}

static void layer_close(struct layer *l)
{
    linear_close(&l->linear);
    mem_free(l->x);
    mem_free(l->w);
    mem_free(l->b);
}

/* Where a layer is computed. */
struct place {
    const struct nn_kernels *kernels;
    struct pool *pool;
};

static void run(const struct layer *l, const struct place *place, int from, int n, float *y)
{
    struct nn_context ctx;
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, place->pool, NULL), 0);
    ctx.kernels = place->kernels;
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, linear_scratch(&l->linear), NULL), 0);
    linear_forward(&ctx, &l->linear, &(struct linear_rows){l->x + from * l->n_in, l->n_in, n, y, l->n_out}, NULL);
    nn_context_close(&ctx);
}

static void check_layer(const struct layer *l, enum precision precision, const struct place *place)
{
    int n = l->n_rows * l->n_out;
    float *y = mem_array((size_t)n, sizeof *y), *other = mem_array((size_t)n, sizeof *other);
    const struct place alone = {place->kernels, NULL};
    run(l, &alone, 0, l->n_rows, y);
    for (int at = 0; at < n; at++) {
        const float *x = l->x + at / l->n_out * l->n_in, *w = l->w + at % l->n_out * l->n_in;
        double sum = (double)l->b[at % l->n_out];
        for (int k = 0; k < l->n_in; k++)
            sum += (double)x[k] * (double)w[k];
        CU_ASSERT(fabs(sum - (double)y[at]) <= bound(precision, x, w, l->n_in));
    }
    run(l, place, 0, l->n_rows, other); /* any number of threads */
    CU_ASSERT_EQUAL(memcmp(y, other, (size_t)n * sizeof *y), 0);
    for (int row = 0; row < l->n_rows; row++) { /* and any rows beside it */
        run(l, &alone, row, 1, other);
        CU_ASSERT_EQUAL(memcmp(y + row * l->n_out, other, (size_t)l->n_out * sizeof *y), 0);
    }
    mem_free(y);
    mem_free(other);
}

static void outputs_err_as_rounding_does(void)
{
    static const int sizes[][3] = {{1, 16, 5}, {3, 33, 64}, {130, 80, 97}, {2, 513, 70}};
    static const enum precision precisions[] = {PRECISION_INT8, PRECISION_INT16, PRECISION_INT8X16, PRECISION_BF16};
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, 3), 0);
    for (size_t p = 0; p < sizeof precisions / sizeof precisions[0]; p++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct layer l;
            layer_open(&l, precisions[p], sizes[i], 1);
            for (int t = 0; t < n_tables; t++)
                check_layer(&l, precisions[p], &(struct place){tables[t], pool});
            layer_close(&l);
        }
    pool_close(pool);
}

/* The taps of a convolution lie as in single precision. */
static void check_taps(enum precision precision)
{
    enum { CHANNELS = 5, TAPS = 3, OUT = 40 };
    static const int sizes[] = {1, CHANNELS * TAPS, OUT};
    struct layer l;
    float y[OUT], w[CHANNELS * TAPS];
    layer_open(&l, precision, sizes, TAPS);
    run(&l, &(struct place){kernels_pick(), NULL}, 0, 1, y);
    for (int j = 0; j < OUT; j++) {
        double sum = (double)l.b[j];
        for (int tap = 0; tap < TAPS; tap++)
            for (int c = 0; c < CHANNELS; c++) {
                w[tap * CHANNELS + c] = l.w[(j * CHANNELS + c) * TAPS + tap];
                sum += (double)w[tap * CHANNELS + c] * (double)l.x[tap * CHANNELS + c];
            }
        CU_ASSERT(fabs(sum - (double)y[j]) <= bound(precision, l.x, w, CHANNELS * TAPS));
    }
    layer_close(&l);
}

static void convolutions_lie_tap_by_tap(void)
{
    check_taps(PRECISION_INT8);
    check_taps(PRECISION_BF16);
}

static void precisions_have_names(void)
{
    enum precision p = PRECISION_AUTO;
    struct message msg = {""};
    CU_ASSERT(precision_find(&p, "fp32", &msg) == 0 && p == PRECISION_FP32);
    CU_ASSERT(precision_find(&p, "bf16", &msg) == 0 && p == PRECISION_BF16);
    CU_ASSERT(precision_find(&p, "int8", &msg) == 0 && p == PRECISION_INT8);
    CU_ASSERT(precision_find(&p, "auto", &msg) == 0 && p != PRECISION_AUTO);
    CU_ASSERT_EQUAL(precision_find(&p, "fp31", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT(strstr(msg.text, "fp31") != NULL && strstr(msg.text, "int8") != NULL);
}

static const struct unit_test tests[] = {
    {"attention is near, and the same for all rows, pieces and threads", attention_is_near_and_the_same_for_all},
    {"keys and values are rounded to nearest", keys_and_values_are_rounded_to_nearest},
    {"outputs err as rounding does", outputs_err_as_rounding_does},
    {"convolutions lie tap by tap", convolutions_lie_tap_by_tap},
    {"precisions have names", precisions_have_names},
};

UNIT_MAIN("precision", tests)
