/* SPDX-License-Identifier: Apache-2.0
 * test_int8.c - products of whole numbers: exact sums on every instruction set, errors within what rounding
 * explains. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/matmul.h"
#include "tests/support/unit.h"

static unsigned seed = 1;
static float noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(int)(seed >> 8) / (float)(1 << 23) - 1.0f;
}

static void fill(float *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = noise();
}

/* ---- a row ---- */

static void rows_are_rounded_to_the_nearest_step(void)
{
    enum { N = 61 };
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    float x[N], scale;
    uint8_t q[N + 3];
    int32_t zero;
    for (int round = 0; round < 3; round++) { /* both signs, positive only, negative only */
        fill(x, N);
        for (int i = 0; i < N; i++)
            x[i] = round == 1 ? fabsf(x[i]) + 5 : round == 2 ? -fabsf(x[i]) - 5 : x[i];
        x[7] = 0;
        for (int t = 0; t < n_tables; t++) {
            memset(q, 0xee, sizeof q);
            tables[t]->quantize(x, N, q, &scale, &zero);
            for (int i = 0; i < N; i++)
                CU_ASSERT(fabsf(scale * (float)(q[i] - zero) - x[i]) <= 0.5001f * scale);
            CU_ASSERT_EQUAL(q[7], zero); /* nothing stays nothing */
            CU_ASSERT(q[N] == 0 && q[N + 1] == 0 && q[N + 2] == 0);
        }
    }
    memset(x, 0, sizeof x);
    for (int t = 0; t < n_tables; t++) {
        tables[t]->quantize(x, N, q, &scale, &zero);
        CU_ASSERT(scale == 0 && zero == 0 && q[0] == 0);
    }
}

/* ---- a panel ---- */

struct numbers {
    int8_t panel[64 * NN_PANEL * 4];
    uint8_t rows[NN_MAX_ROWS][256];
    float row_scales[NN_MAX_ROWS], scales[NN_PANEL], bias[NN_PANEL];
    int32_t row_zeros[NN_MAX_ROWS], sums[NN_PANEL];
};

/* extreme: only the largest numbers, whose sums of two fill 16 bits. */
static void make_numbers(struct numbers *s, int n_in, int extreme)
{
    memset(s, 0, sizeof *s);
    for (int k = 0; k < n_in; k++)
        for (int j = 0; j < NN_PANEL; j++) {
            int w = extreme ? (j % 2 ? -NN_I8_WEIGHT : NN_I8_WEIGHT) : (int)lrintf(noise() * NN_I8_WEIGHT);
            s->panel[(k / 4 * NN_PANEL + j) * 4 + k % 4] = (int8_t)w;
            s->sums[j] += w;
        }
    for (int i = 0; i < NN_MAX_ROWS; i++) {
        for (int k = 0; k < n_in; k++)
            s->rows[i][k] = extreme ? NN_I8_INPUT : (uint8_t)lrintf((noise() + 1) * 127);
        s->row_scales[i] = 0.01f + fabsf(noise());
        s->row_zeros[i] = extreme ? 0 : i * 9;
    }
    for (int j = 0; j < NN_PANEL; j++) {
        s->scales[j] = 0.01f + fabsf(noise());
        s->bias[j] = noise();
    }
}

static void product(const struct numbers *s, nn_panel_product *panel, int from, int rows, int n_in, float *c)
{
    _Alignas(64) uint8_t a[256 * NN_MAX_ROWS];
    const struct nn_epilogue end = {.bias = s->bias,
                                    .row_scales = s->row_scales + from,
                                    .row_zeros = s->row_zeros + from,
                                    .scales = s->scales,
                                    .sums = s->sums};
    for (int i = 0; i < rows; i++)
        nn_pack_quads(rows, i, nn_i8_inputs(n_in), 4, s->rows[from + i], a);
    panel(rows, n_in, a, s->panel, c, NN_PANEL, NN_PANEL, &end);
}

static void sums_are_exact(void)
{
    static struct numbers s;
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    for (int extreme = 0; extreme < 2; extreme++)
        for (int n_in = 1; n_in <= 256; n_in = n_in * 2 + 1)
            for (int t = 0; t < n_tables; t++) {
                float truth[NN_MAX_ROWS * NN_PANEL], all[NN_MAX_ROWS * NN_PANEL], one[NN_PANEL];
                struct matmul table[3];
                int n = matmul_all(tables[t], table), rows = tables[t]->tile_rows;
                make_numbers(&s, n_in, extreme);
                product(&s, table[n - 1].i8, 0, rows, n_in, truth);
                product(&s, table[0].i8, 0, rows, n_in, all);
                for (int i = 0; i < rows; i++) { /* a row has the same bits alone */
                    product(&s, table[0].i8, i, 1, n_in, one);
                    CU_ASSERT_EQUAL(memcmp(one, all + i * NN_PANEL, sizeof one), 0);
                }
                for (int i = 0; i < rows * NN_PANEL; i++) { /* three roundings of floats */
                    double size = fabs((double)truth[i]) + fabs((double)s.bias[i % NN_PANEL]);
                    CU_ASSERT(fabs((double)truth[i] - (double)all[i]) <= 4e-7 * (size + 1e-3));
                }
            }
}

/* Rows of 16-bit numbers: no larger and together no more than allowed, each within half a step. */
static void shorts_keep_their_limits(void)
{
    enum { N = 301 };
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    float x[N], factors[N], scale;
    int16_t q[N + 1];
    fill(x, N);
    fill(factors, N);
    for (int round = 0; round < 2; round++) /* the largest, then the sum, is what binds */
        for (int t = 0; t < n_tables; t++) {
            const struct nn_i16_limits limits = {round == 0 ? 2047 : 32767, round == 0 ? INFINITY : 100000};
            int largest = 0, sum = 0;
            tables[t]->quantize16(x, factors, N, &limits, q, &scale);
            for (int i = 0; i < N; i++) {
                CU_ASSERT(fabsf(scale * (float)q[i] - x[i] * factors[i]) <= 0.501f * scale);
                largest = abs(q[i]) > largest ? abs(q[i]) : largest;
                sum += abs(q[i]);
            }
            CU_ASSERT_EQUAL(q[N], 0);
            if (round == 0)
                CU_ASSERT_EQUAL(largest, 2047)
            else
                CU_ASSERT(sum <= 100000 + N / 2 && sum >= 100000 - N / 2);
        }
}

static void sums_of_pairs_are_exact(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    static int16_t panel[128 * NN_PANEL], a[128 * NN_MAX_ROWS], row[128];
    float scales[NN_MAX_ROWS], truth[NN_MAX_ROWS * NN_PANEL], got[NN_MAX_ROWS * NN_PANEL];
    const struct nn_epilogue end = {.row_scales = scales};
    fill(scales, NN_MAX_ROWS);
    for (int n_in = 1; n_in <= 127; n_in = 2 * n_in + 1)
        for (int t = 0; t < n_tables; t++) {
            struct matmul table[3];
            int n = matmul_all(tables[t], table), rows = tables[t]->tile_rows;
            memset(panel, 0, sizeof panel);
            for (int k = 0; k < n_in; k++)
                for (int j = 0; j < NN_PANEL; j++) /* sums come near 2^31 */
                    panel[(k / 2 * NN_PANEL + j) * 2 + k % 2] = (int16_t)(j == 0 ? 4000 : lrintf(noise() * 4000));
            for (int i = 0; i < rows; i++) {
                for (int k = 0; k < 128; k++)
                    row[k] = (int16_t)(k >= n_in ? 0 : i == 0 ? 4000 : lrintf(noise() * 4000));
                nn_pack_quads(rows, i, 2 * nn_i16_inputs(n_in), 4, row, a);
            }
            table[n - 1].i16(rows, n_in, a, panel, truth, NN_PANEL, NN_PANEL, &end);
            table[0].i16(rows, n_in, a, panel, got, NN_PANEL, NN_PANEL, &end);
            for (int i = 0; i < rows * NN_PANEL; i++)
                CU_ASSERT(fabsf(truth[i] - got[i]) <= 4e-7f * fabsf(truth[i]));
        }
}

/* 16-bit inputs and 8-bit weights, so large that sums come near 2^31. */
static void sums_of_wide_inputs_are_exact(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    static int8_t panel[512 * NN_PANEL];
    static int16_t a[512 * NN_MAX_ROWS], rows[NN_MAX_ROWS][512];
    float scales[NN_MAX_ROWS], truth[NN_MAX_ROWS * NN_PANEL], got[NN_MAX_ROWS * NN_PANEL];
    const struct nn_epilogue end = {.row_scales = scales};
    fill(scales, NN_MAX_ROWS);
    for (int n_in = 1; n_in <= 511; n_in = 2 * n_in + 1)
        for (int t = 0; t < n_tables; t++) {
            struct matmul table[3];
            int n = matmul_all(tables[t], table);
            memset(panel, 0, sizeof panel);
            for (int k = 0; k < n_in; k++)
                for (int j = 0; j < NN_PANEL; j++)
                    panel[(k / 4 * NN_PANEL + j) * 4 + k % 4] = (int8_t)(j == 0 ? -127 : lrintf(noise() * 127));
            for (int i = 0; i < NN_MAX_ROWS; i++)
                for (int k = 0; k < 512; k++)
                    rows[i][k] = (int16_t)(k >= n_in ? 0 : i == 0 ? 32767 : lrintf(noise() * 32767));
            for (int n_rows = 1; n_rows <= tables[t]->tile_rows; n_rows++) {
                for (int i = 0; i < n_rows; i++)
                    nn_pack_quads(n_rows, i, 2 * nn_i8_inputs(n_in), 8, rows[i], a);
                table[n - 1].i8x16(n_rows, n_in, a, panel, truth, NN_PANEL, NN_PANEL, &end);
                table[0].i8x16(n_rows, n_in, a, panel, got, NN_PANEL, NN_PANEL, &end);
                for (int i = 0; i < n_rows * NN_PANEL; i++)
                    CU_ASSERT(fabsf(truth[i] - got[i]) <= 4e-7f * fabsf(truth[i]));
            }
        }
}

/* ---- attention ---- */

enum { HEADS = 2, DIMS = 33, KEYS = 77, QUERIES = 19, WIDTH = HEADS * DIMS };

struct attending {
    enum precision precision;
    float scale; /* small: all keys weigh alike, and their sum is what bounds the 16-bit numbers */
    struct pool *pool;
    int step; /* keys come in pieces of it */
};

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
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, attention_scratch(KEYS, DIMS), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(attention_cache_open(&c, HEADS, DIMS, how->step, 1, how->precision, NULL), 0);
    for (int at = 0; at < KEYS; at += how->step) {
        int size = KEYS - at < how->step ? KEYS - at : how->step;
        CU_ASSERT_EQUAL_FATAL(attention_cache_reserve(&c, size, NULL), 0);
        attention_cache_append(
            &ctx, &c,
            &(struct attention_keys){keys + at * WIDTH, WIDTH, values + at * WIDTH, WIDTH, bias + at * HEADS, size});
    }
    struct attention a = {
        .q = q + first * WIDTH, .ldq = WIDTH, .n_rows = n, .scale = how->scale, .out = out, .ldout = WIDTH};
    a.begin = begin + first;
    a.end = end + first;
    attention_forward(&ctx, &c, &a);
    attention_cache_close(&c);
    nn_context_close(&ctx);
}

static void check_attention(float scale, struct pool *pool, const float *data)
{
    static float truth[QUERIES * WIDTH], got[QUERIES * WIDTH], other[QUERIES * WIDTH];
    attend(&(struct attending){PRECISION_FP32, scale, NULL, KEYS}, 0, QUERIES, data, truth);
    const struct attending plain = {PRECISION_INT8, scale, NULL, KEYS};
    attend(&plain, 0, QUERIES, data, got);
    for (int i = 0; i < QUERIES * WIDTH; i++) /* keys, queries of 13 bits, values of 12: the largest is 1 */
        CU_ASSERT(fabsf(truth[i] - got[i]) <= 2e-3f);
    CU_ASSERT(got[7 * WIDTH] == 0 && got[8 * WIDTH - 1] == 0);
    attend(&(struct attending){PRECISION_INT8, scale, pool, 5}, 0, QUERIES, data, other);
    CU_ASSERT_EQUAL(memcmp(got, other, sizeof got), 0); /* threads; keys piece by piece */
    for (int i = 0; i < QUERIES; i++) {                 /* rows alone */
        attend(&plain, i, 1, data, other);
        CU_ASSERT_EQUAL(memcmp(got + i * WIDTH, other, WIDTH * sizeof *got), 0);
    }
}

static void attention_is_near_and_the_same_for_all(void)
{
    static float data[(QUERIES + 2 * KEYS) * WIDTH + KEYS * HEADS];
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, 3), 0);
    fill(data, (int)(sizeof data / sizeof *data));
    check_attention(0.5f, pool, data);
    for (int i = 0; i < KEYS * HEADS; i++) /* no key is nearer than another */
        data[(QUERIES + 2 * KEYS) * WIDTH + i] = 0;
    check_attention(1e-4f, pool, data);
    pool_close(pool);
}

/* ---- a layer ---- */

/* The most that rounding weights and inputs to half a step can change an output. */
static double bound(enum precision precision, const float *x, const float *w, int n_in)
{
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
    fill(l->x, n_rows * n_in);
    fill(l->w, n_out * n_in);
    fill(l->b, n_out);
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
    CU_ASSERT_EQUAL(l->linear.dtype, precision == PRECISION_INT16 ? DTYPE_I16 : DTYPE_I8);
    CU_ASSERT_EQUAL(l->linear.inputs, precision == PRECISION_INT8 ? DTYPE_U8 : DTYPE_I16);
}

static void layer_close(struct layer *l)
{
    linear_close(&l->linear);
    mem_free(l->x);
    mem_free(l->w);
    mem_free(l->b);
}

static void run(const struct layer *l, struct pool *pool, int from, int n, float *y)
{
    struct nn_context ctx;
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, linear_scratch(&l->linear), NULL), 0);
    linear_forward(&ctx, &l->linear, &(struct linear_rows){l->x + from * l->n_in, l->n_in, n, y, l->n_out}, NULL);
    nn_context_close(&ctx);
}

static void check_outputs(enum precision precision, struct pool *pool)
{
    static const int sizes[][3] = {{1, 16, 5}, {3, 33, 64}, {130, 80, 97}, {2, 513, 70}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct layer l;
        layer_open(&l, precision, sizes[i], 1);
        int n = l.n_rows * l.n_out;
        float *y = mem_array((size_t)n, sizeof *y), *other = mem_array((size_t)n, sizeof *other);
        run(&l, NULL, 0, l.n_rows, y);
        for (int at = 0; at < n; at++) {
            const float *x = l.x + at / l.n_out * l.n_in, *w = l.w + at % l.n_out * l.n_in;
            double sum = (double)l.b[at % l.n_out];
            for (int k = 0; k < l.n_in; k++)
                sum += (double)x[k] * (double)w[k];
            CU_ASSERT(fabs(sum - (double)y[at]) <= bound(precision, x, w, l.n_in));
        }
        run(&l, pool, 0, l.n_rows, other); /* any number of threads */
        CU_ASSERT_EQUAL(memcmp(y, other, (size_t)n * sizeof *y), 0);
        for (int row = 0; row < l.n_rows; row++) { /* and any rows beside it */
            run(&l, pool, row, 1, other);
            CU_ASSERT_EQUAL(memcmp(y + row * l.n_out, other, (size_t)l.n_out * sizeof *y), 0);
        }
        mem_free(y);
        mem_free(other);
        layer_close(&l);
    }
}

static void outputs_err_as_rounding_does(void)
{
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, 3), 0);
    check_outputs(PRECISION_INT8, pool);
    check_outputs(PRECISION_INT16, pool);
    check_outputs(PRECISION_INT8X16, pool);
    pool_close(pool);
}

/* The taps of a convolution lie as in single precision. */
static void convolutions_lie_tap_by_tap(void)
{
    enum { CHANNELS = 5, TAPS = 3, OUT = 40 };
    static const int sizes[] = {1, CHANNELS * TAPS, OUT};
    struct layer l;
    float y[OUT], w[CHANNELS * TAPS];
    layer_open(&l, PRECISION_INT8, sizes, TAPS);
    run(&l, NULL, 0, 1, y);
    for (int j = 0; j < OUT; j++) {
        double sum = (double)l.b[j];
        for (int tap = 0; tap < TAPS; tap++)
            for (int c = 0; c < CHANNELS; c++) {
                w[tap * CHANNELS + c] = l.w[(j * CHANNELS + c) * TAPS + tap];
                sum += (double)w[tap * CHANNELS + c] * (double)l.x[tap * CHANNELS + c];
            }
        CU_ASSERT(fabs(sum - (double)y[j]) <= bound(PRECISION_INT8, l.x, w, CHANNELS * TAPS));
    }
    layer_close(&l);
}

static void precisions_have_names(void)
{
    enum precision p = PRECISION_AUTO;
    struct message msg = {""};
    CU_ASSERT(precision_find(&p, "fp32", &msg) == 0 && p == PRECISION_FP32);
    CU_ASSERT(precision_find(&p, "int8", &msg) == 0 && p == PRECISION_INT8);
    CU_ASSERT(precision_find(&p, "auto", &msg) == 0 && p != PRECISION_AUTO);
    CU_ASSERT_EQUAL(precision_find(&p, "fp31", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT(strstr(msg.text, "fp31") != NULL && strstr(msg.text, "int8") != NULL);
}

static const struct unit_test tests[] = {
    {"rows are rounded to the nearest step", rows_are_rounded_to_the_nearest_step},
    {"sums are exact", sums_are_exact},
    {"shorts keep their limits", shorts_keep_their_limits},
    {"sums of pairs are exact", sums_of_pairs_are_exact},
    {"sums of 16-bit inputs and 8-bit weights are exact", sums_of_wide_inputs_are_exact},
    {"attention is near, and the same for all rows, pieces and threads", attention_is_near_and_the_same_for_all},
    {"outputs err as rounding does", outputs_err_as_rounding_does},
    {"convolutions lie tap by tap", convolutions_lie_tap_by_tap},
    {"precisions have names", precisions_have_names},
};

UNIT_MAIN("int8", tests)
