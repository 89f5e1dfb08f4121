/* SPDX-License-Identifier: Apache-2.0
 * test_nn.c - every vector table and every backend against the formulas in double precision. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/half.h"
#include "nn/linear.h"
#include "nn/matmul.h"
#include "tests/support/unit.h"

static unsigned seed = 1;

static float noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
}

static float *noises(size_t n)
{
    float *x = mem_array(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = noise();
    return x;
}

static const struct tensor *as_tensor(struct tensor *t, const char *name, enum dtype dtype, int64_t rows, int64_t cols,
                                      const void *data)
{
    *t = (struct tensor){.name = name, .dtype = dtype, .n_dims = cols > 0 ? 2 : 1, .shape = {rows, cols}, .data = data};
    return t;
}

/* The sum of n products, each rounded, errs by at most n eps sum |a b|; rows as in the layer's input. */
static void check_product(const float *x, const float *w, const float *bias, int m, int n_in, int n_out, const float *y)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n_out; j++) {
            double sum = bias[j], size = fabs(bias[j]);
            for (int k = 0; k < n_in; k++) {
                double p = (double)x[i * n_in + k] * (double)w[j * n_in + k];
                sum += p;
                size += fabs(p);
            }
            if (fabs(sum - (double)y[i * n_out + j]) > (n_in + 1) * (double)FLT_EPSILON * size) {
                CU_FAIL("product");
                return;
            }
        }
}

static void linear_equals_the_formula(void)
{
    static const int sizes[][3] = {{1, 16, 5}, {3, 33, 64}, {17, 80, 97}, {130, 40, 33}, {200, 7, 300}, {2, 512, 70}};
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, 3), 0);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int m = sizes[s][0], n_in = sizes[s][1], n_out = sizes[s][2];
        float *x = noises((size_t)(m * n_in)), *w = noises((size_t)(n_out * n_in)), *b = noises((size_t)n_out);
        float *y = noises((size_t)(m * n_out)), *one = noises((size_t)(m * n_out));
        uint16_t *h = mem_array((size_t)(n_out * n_in), 2);
        for (int type = 0; type < 3; type++) {
            enum dtype dtype = type == 0 ? DTYPE_F32 : type == 1 ? DTYPE_F16 : DTYPE_BF16;
            for (int i = 0; i < n_out * n_in && type > 0; i++) {
                h[i] = type == 1 ? half_f32_to_f16(w[i]) : half_f32_to_bf16(w[i]);
                w[i] = type == 1 ? half_f16_to_f32(h[i]) : half_bf16_to_f32(h[i]);
            }
            struct tensor tw, tb;
            struct linear l;
            const struct tensor *ws = as_tensor(&tw, "w", dtype, n_out, n_in, type == 0 ? (void *)w : (void *)h);
            const struct tensor *bs = as_tensor(&tb, "b", DTYPE_F32, n_out, 0, b);
            CU_ASSERT_EQUAL_FATAL(linear_open(&l, &ws, &bs, 1, PRECISION_FP32, pool, NULL), 0);
            const struct nn_kernels *tables[NN_MOST_TABLES];
            int n_tables = kernels_all(tables);
            for (int t = 0; t < n_tables; t++) {
                struct nn_context ctx;
                CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, pool, NULL), 0);
                CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, linear_scratch(&l), NULL), 0);
                ctx.kernels = tables[t];
                linear_forward(&ctx, &l, &(struct linear_rows){x, n_in, m, y, n_out}, NULL);
                check_product(x, w, b, m, n_in, n_out, y);
                /* a row's bits depend on nothing but the row; threads change nothing */
                ctx.pool = NULL;
                for (int i = 0; i < m; i++)
                    linear_forward(&ctx, &l, &(struct linear_rows){x + i * n_in, n_in, 1, one + i * n_out, n_out},
                                   NULL);
                CU_ASSERT_EQUAL(memcmp(y, one, (size_t)(m * n_out) * sizeof *y), 0);
                nn_context_close(&ctx);
            }
            float *row = noises((size_t)n_in);
            linear_row(&l, n_out - 1, row);
            CU_ASSERT_EQUAL(memcmp(row, w + (n_out - 1) * n_in, (size_t)n_in * sizeof *row), 0);
            mem_free(row);
            linear_close(&l);
        }
        mem_free(x), mem_free(w), mem_free(b), mem_free(y), mem_free(one), mem_free(h);
    }
    pool_close(pool);
}

static void backends_agree_also_after_activation(void)
{
    enum { M = 5, K = 300, N = 27 };
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    float *a = noises(M * K), *panel = noises(K * NN_PANEL), bias[NN_PANEL], before[M * N];
    for (int i = 0; i < NN_PANEL; i++)
        bias[i] = noise();
    for (int i = 0; i < M * N; i++)
        before[i] = noise();
    for (int act = NN_NONE; act <= NN_SWISH; act++)
        for (int add = 0; add < 2; add++) {
            struct nn_epilogue end = {.bias = bias, .act = (enum nn_activation)act, .add = add, .scale = 0.5f};
            float truth[M * N], got[M * N];
            struct matmul table[3];
            for (int t = 0; t < n_tables; t++)
                for (int n = matmul_all(tables[t], table), i = n - 1; i >= 0; i--) { /* the reference is the last */
                    memcpy(got, before, sizeof got);
                    for (int r = 0; r < M; r += 1) { /* all tables take one row */
                        float one[K];
                        for (int k = 0; k < K; k++)
                            one[k] = a[k * M + r];
                        table[i].products.f32.panel(1, K, one, panel, got + r * N, N, N, &end);
                    }
                    if (i == n - 1)
                        memcpy(truth, got, sizeof truth);
                    double worst = 0;
                    for (int j = 0; j < M * N; j++)
                        worst = fmax(worst, fabs((double)(got[j] - truth[j])));
                    CU_ASSERT(worst < 2e-5); /* 300 products below 1, sums below 30: 300 * 2^-24 */
                }
        }
    mem_free(a), mem_free(panel);
}

static void rows_equal_the_formulas(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    static const int lengths[] = {1, 3, 16, 37, 512, 1501};
    for (int t = 0; t < n_tables; t++)
        for (size_t s = 0; s < sizeof lengths / sizeof lengths[0]; s++) {
            int n = lengths[s];
            float *x = noises((size_t)n), *y = noises((size_t)n), *g = noises((size_t)n), *b = noises((size_t)n);
            double mean = 0, var = 0, sum = 0, worst = 0, top = -1e9;
            for (int i = 0; i < n; i++) {
                x[i] *= 20.0f;
                mean += (double)x[i] / n;
                top = fmax(top, (double)x[i]);
            }
            for (int i = 0; i < n; i++) {
                var += ((double)x[i] - mean) * ((double)x[i] - mean) / n;
                sum += exp((double)x[i] - top);
            }
            tables[t]->layer_norm(x, y, n, g, b, 1e-5f);
            for (int i = 0; i < n; i++)
                worst = fmax(
                    worst, fabs(((double)x[i] - mean) / sqrt(var + 1e-5) * (double)g[i] + (double)b[i] - (double)y[i]));
            CU_ASSERT(worst < 1e-5); /* values to 3, a handful of roundings and a sum of n */
            tables[t]->log_softmax(x, y, n);
            for (int i = 0, ok = 1; i < n && ok; i++)
                CU_ASSERT(ok = fabs((double)x[i] - top - log(sum) - (double)y[i]) < 1e-5);
            memcpy(y, x, (size_t)n * sizeof *y);
            tables[t]->softmax(y, n);
            for (int i = 0, ok = 1; i < n && ok; i++)
                CU_ASSERT(ok = fabs(exp((double)x[i] - top) / sum - (double)y[i]) < 1e-6);
            for (int act = NN_NONE; act <= NN_SWISH; act++) {
                double err = 0;
                memcpy(y, x, (size_t)n * sizeof *y);
                tables[t]->activate(y, n, (enum nn_activation)act);
                for (int i = 0; i < n; i++) {
                    double v = (double)x[i];
                    double want = act == NN_RELU    ? fmax(v, 0)
                                  : act == NN_GELU  ? 0.5 * v * (1 + erf(v * sqrt(0.5)))
                                  : act == NN_SWISH ? v / (1 + exp(-v))
                                                    : v;
                    err = fmax(err, fabs(want - (double)y[i]) / fmax(1, fabs(v)));
                }
                CU_ASSERT(err < 5e-7);
            }
            mem_free(x), mem_free(y), mem_free(g), mem_free(b);
        }
}

static void softmax_of_a_masked_row_is_zero(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    for (int t = 0; t < n_tables; t++) {
        float x[19], y[19];
        for (int i = 0; i < 19; i++) {
            x[i] = -INFINITY;
            y[i] = i == 7 ? 3.0f : -INFINITY;
        }
        tables[t]->softmax(x, 19);
        tables[t]->softmax(y, 19);
        for (int i = 0; i < 19; i++) {
            CU_ASSERT_EQUAL(x[i], 0.0f);
            CU_ASSERT_EQUAL(y[i], i == 7 ? 1.0f : 0.0f);
        }
    }
}

/* Rows in any order, some of them twice, lengths that fill no vector. */
static void gathered_rows_equal_the_formulas(void)
{
    enum { N = 77, STRIDE = 90, ROWS = 9, M = 12 };
    static const int index[M] = {8, 0, 3, 3, 7, 1, 0, 5, 2, 8, 6, 4};
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    float *rows = noises(ROWS * STRIDE), *x = noises(N), *weights = noises(M), dots[M], y[N + 1];
    for (int t = 0; t < n_tables; t++)
        for (int n = 1; n <= N; n += 19) {
            y[n] = 42;
            tables[t]->gather_dots(x, n, rows, index, STRIDE, M, 0.5f, dots);
            tables[t]->gather_sum(weights, rows, index, STRIDE, M, n, y);
            for (int j = 0; j < M; j++) {
                const float *row = rows + index[j] * STRIDE;
                double sum = 0;
                for (int i = 0; i < n; i++)
                    sum += 0.5 * (double)x[i] * (double)row[i];
                CU_ASSERT_DOUBLE_EQUAL((double)dots[j], sum, n * (n + 1) * (double)FLT_EPSILON);
                CU_ASSERT_EQUAL(dots[j], 0.5f * tables[t]->dot(x, row, n));
            }
            for (int i = 0; i < n; i++) {
                double sum = 0;
                for (int j = 0; j < M; j++)
                    sum += (double)weights[j] * (double)rows[index[j] * STRIDE + i];
                CU_ASSERT_DOUBLE_EQUAL((double)y[i], sum, M * (M + 1) * (double)FLT_EPSILON);
            }
            CU_ASSERT_EQUAL(y[n], 42);
        }
    mem_free(rows);
    mem_free(x);
    mem_free(weights);
}

static void depthwise_equals_the_formula(void)
{
    enum { T = 7, C = 37, K = 5 };
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    float *x = noises((T + K - 1) * C), *w = noises(K * C), *b = noises(C), y[T * C];
    for (int t = 0; t < n_tables; t++) {
        tables[t]->depthwise(x, w, b, y, T, C, K);
        for (int i = 0; i < T; i++)
            for (int c = 0; c < C; c++) {
                double sum = (double)b[c];
                for (int j = 0; j < K; j++)
                    sum += (double)x[(i + j) * C + c] * (double)w[j * C + c];
                CU_ASSERT_DOUBLE_EQUAL(y[i * C + c], sum, 6 * FLT_EPSILON * 6);
            }
    }
    mem_free(x), mem_free(w), mem_free(b);
}

static void halves_load_exactly(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    uint16_t h[65536];
    float *y = noises(65536);
    for (int i = 0; i < 65536; i++)
        h[i] = (uint16_t)i;
    for (int t = 0; t < n_tables; t++) {
        int n_wrong = 0;
        tables[t]->from_f16(h, y, 65536);
        for (int i = 0; i < 65536; i++) {
            float want = half_f16_to_f32(h[i]);
            n_wrong += isnan(want) ? !isnan(y[i]) : memcmp(&want, &y[i], sizeof want) != 0;
        }
        CU_ASSERT_EQUAL(n_wrong, 0);
    }
    mem_free(y);
}

static void wrong_shapes_are_named(void)
{
    struct tensor w, b;
    float data[6] = {0};
    struct linear l;
    struct message msg;
    const struct tensor *ws = as_tensor(&w, "layer.weight", DTYPE_F32, 2, 3, data);
    const struct tensor *bs = as_tensor(&b, "layer.bias", DTYPE_F32, 3, 0, data);
    CU_ASSERT_EQUAL(linear_open(&l, &ws, &bs, 1, PRECISION_FP32, NULL, &msg), LINNET_E_MODEL);
    CU_ASSERT_STRING_EQUAL(msg.text, "layer.bias: 3 values, 2 expected");
    w.dtype = DTYPE_I64;
    CU_ASSERT_EQUAL(linear_open(&l, &ws, NULL, 1, PRECISION_FP32, NULL, &msg), LINNET_E_MODEL);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "layer.weight"));
}

static const struct unit_test tests[] = {
    {"linear equals the formula, for any rows and threads", linear_equals_the_formula},
    {"backends agree, also after activation", backends_agree_also_after_activation},
    {"rows equal the formulas", rows_equal_the_formulas},
    {"softmax of a masked row is zero", softmax_of_a_masked_row_is_zero},
    {"gathered rows equal the formulas", gathered_rows_equal_the_formulas},
    {"depthwise convolution equals the formula", depthwise_equals_the_formula},
    {"halves load exactly", halves_load_exactly},
    {"wrong shapes are named", wrong_shapes_are_named},
};

UNIT_MAIN("nn", tests)
