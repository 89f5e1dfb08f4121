/* SPDX-License-Identifier: Apache-2.0
 * test_int8.c - products of whole numbers: exact sums on every instruction set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/matmul.h"
#include "tests/support/noise.h"
#include "tests/support/panel_product.h"
#include "tests/support/unit.h"

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
        noise_fill(x, N);
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

static void product(const struct numbers *s, const struct nn_product *p, int from, int rows, int n_in, float *c)
{
    const struct nn_epilogue end = {.bias = s->bias,
                                    .row_scales = s->row_scales + from,
                                    .row_zeros = s->row_zeros + from,
                                    .scales = s->scales,
                                    .sums = s->sums};
    const struct panel_rows all = {s->rows[from], sizeof s->rows[0], rows, nn_i8_inputs(n_in)};
    panel_product(p, &all, n_in, s->panel, &end, c);
}

static void sums_are_exact(void)
{
    static struct numbers s;
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    for (int extreme = 0; extreme < 2; extreme++)
        for (int n_in = 1; n_in <= 256; n_in = n_in * 2 + 1)
            for (int t = 0; t < n_tables; t++) {
                float truth[NN_MAX_ROWS * NN_PANEL], all[NN_MAX_ROWS * NN_PANEL], some[NN_MAX_ROWS * NN_PANEL];
                struct matmul table[3];
                int n = matmul_all(tables[t], table), rows = table[0].products.i8.tile_rows;
                make_numbers(&s, n_in, extreme);
                product(&s, &table[n - 1].products.i8, 0, rows, n_in, truth);
                product(&s, &table[0].products.i8, 0, rows, n_in, all);
                for (int i = 0; i < rows; i++) { /* a row has the same bits alone, and with any below it */
                    product(&s, &table[0].products.i8, i, 1, n_in, some);
                    CU_ASSERT_EQUAL(memcmp(some, all + i * NN_PANEL, sizeof *some * NN_PANEL), 0);
                    product(&s, &table[0].products.i8, i, rows - i, n_in, some);
                    CU_ASSERT_EQUAL(memcmp(some, all + i * NN_PANEL, sizeof *some * (size_t)(rows - i) * NN_PANEL), 0);
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
    noise_fill(x, N);
    noise_fill(factors, N);
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
    static int16_t panel[128 * NN_PANEL], rows[NN_MAX_ROWS][128];
    float scales[NN_MAX_ROWS], truth[NN_MAX_ROWS * NN_PANEL], got[NN_MAX_ROWS * NN_PANEL];
    const struct nn_epilogue end = {.row_scales = scales};
    noise_fill(scales, NN_MAX_ROWS);
    for (int n_in = 1; n_in <= 127; n_in = 2 * n_in + 1)
        for (int t = 0; t < n_tables; t++) {
            struct matmul table[3];
            int n = matmul_all(tables[t], table), n_rows = table[0].products.i16.tile_rows;
            memset(panel, 0, sizeof panel);
            for (int k = 0; k < n_in; k++)
                for (int j = 0; j < NN_PANEL; j++) /* sums come near 2^31 */
                    panel[(k / 2 * NN_PANEL + j) * 2 + k % 2] = (int16_t)(j == 0 ? 4000 : lrintf(noise() * 4000));
            for (int i = 0; i < n_rows; i++)
                for (int k = 0; k < 128; k++)
                    rows[i][k] = (int16_t)(k >= n_in ? 0 : i == 0 ? 4000 : lrintf(noise() * 4000));
            const struct panel_rows all = {rows, sizeof rows[0], n_rows, 2 * nn_i16_inputs(n_in)};
            panel_product(&table[n - 1].products.i16, &all, n_in, panel, &end, truth);
            panel_product(&table[0].products.i16, &all, n_in, panel, &end, got);
            for (int i = 0; i < n_rows * NN_PANEL; i++)
                CU_ASSERT(fabsf(truth[i] - got[i]) <= 4e-7f * fabsf(truth[i]));
        }
}

/* 16-bit inputs and 8-bit weights, so large that sums come near 2^31. */
static void sums_of_wide_inputs_are_exact(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n_tables = kernels_all(tables);
    static int8_t panel[512 * NN_PANEL];
    static int16_t rows[NN_MAX_ROWS][512];
    float scales[NN_MAX_ROWS], truth[NN_MAX_ROWS * NN_PANEL], got[NN_MAX_ROWS * NN_PANEL];
    const struct nn_epilogue end = {.row_scales = scales};
    noise_fill(scales, NN_MAX_ROWS);
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
            for (int n_rows = 1; n_rows <= table[0].products.i8x16.tile_rows; n_rows++) {
                const struct panel_rows some = {rows, sizeof rows[0], n_rows, 2 * nn_i8_inputs(n_in)};
                panel_product(&table[n - 1].products.i8x16, &some, n_in, panel, &end, truth);
                panel_product(&table[0].products.i8x16, &some, n_in, panel, &end, got);
                for (int i = 0; i < n_rows * NN_PANEL; i++)
                    CU_ASSERT(fabsf(truth[i] - got[i]) <= 4e-7f * fabsf(truth[i]));
            }
        }
}

static const struct unit_test tests[] = {
    {"rows are rounded to the nearest step", rows_are_rounded_to_the_nearest_step},
    {"sums are exact", sums_are_exact},
    {"shorts keep their limits", shorts_keep_their_limits},
    {"sums of pairs are exact", sums_of_pairs_are_exact},
    {"sums of 16-bit inputs and 8-bit weights are exact", sums_of_wide_inputs_are_exact},
};

UNIT_MAIN("int8", tests)
