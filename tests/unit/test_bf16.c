/* SPDX-License-Identifier: Apache-2.0
 * test_bf16.c - products of bf16 numbers on every instruction set. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "nn/half.h"
#include "nn/matmul.h"
#include "tests/support/noise.h"
#include "tests/support/panel_product.h"
#include "tests/support/unit.h"

/* ---- rounding ---- */

static int is_same(uint16_t got, uint16_t want)
{
    return got == want || (isnan(half_bf16_to_f32(got)) && isnan(half_bf16_to_f32(want)));
}

static void numbers_are_rounded_to_the_nearest(void)
{
    enum { N = 4099 };
    static const uint32_t special[] = {0,          0x80000000, 0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001,
                                       0x7f7f7fff, 0x7f7f8000, 0x7f800000, 0xff800000, 0x7fffffff, 0x7f800001,
                                       0xffc00000, 1,          0x8000,     0x18000};
    const struct nn_kernels *tables[NN_MOST_TABLES];
    static float x[N];
    static uint16_t y[N + 2];
    for (size_t i = 0; i < N; i++) /* numbers of all sizes, half of them right between two */
        x[i] = half_from_bits(i < sizeof special / sizeof *special
                                  ? special[i]
                                  : noise_bits() << 16 | (i % 2 != 0 ? 0x8000 : noise_bits() & 0xffff));
    for (int n_tables = kernels_all(tables), t = 0; t < n_tables; t++)
        for (int n = 1; n <= N; n = 3 * n + 1) {
            int n_wrong = 0;
            memset(y, 0xee, sizeof y);
            tables[t]->to_bf16(x, 1.0f, n, y);
            for (int i = 0; i < n; i++)
                n_wrong += !is_same(y[i], half_f32_to_bf16(x[i]));
            CU_ASSERT_EQUAL(n_wrong, 0);
            CU_ASSERT_EQUAL(y[n], n % 2 ? 0 : 0xeeee); /* what fills up, and no more */
            CU_ASSERT_EQUAL(y[n + 1], 0xeeee);
            tables[t]->to_bf16(x, -0.25f, n, y);
            for (int i = 0; i < n; i++)
                n_wrong += !is_same(y[i], half_f32_to_bf16(-0.25f * x[i]));
            CU_ASSERT_EQUAL(n_wrong, 0);
        }
}

/* ---- products ---- */

enum { MOST_IN = 515, MOST_PAIRS = (MOST_IN + 1) / 2 };

struct numbers {
    uint16_t panel[MOST_PAIRS + 32][NN_PANEL][2], rows[NN_MAX_ROWS][2 * MOST_PAIRS];
    float bias[NN_PANEL];
};

/* Of sizes 1 and, for spread > 0, 2^-spread .. 2^spread.  What is behind the panel is no number. */
static void make_numbers(struct numbers *s, int n_in, int spread)
{
    memset(s->panel, 0xff, sizeof s->panel);
    memset(s->rows, 0, sizeof s->rows);
    for (int k = 0; k < nn_i16_inputs(n_in); k++)
        for (int j = 0; j < NN_PANEL; j++) {
            float w =
                k < n_in ? ldexpf(noise(), spread > 0 ? (int)(noise_bits() % (2u * (unsigned)spread)) - spread : 0) : 0;
            s->panel[k / 2][j][k % 2] = half_f32_to_bf16(w);
        }
    for (int i = 0; i < NN_MAX_ROWS; i++)
        for (int k = 0; k < n_in; k++)
            s->rows[i][k] = half_f32_to_bf16(ldexpf(noise(), spread > 0 ? -spread + (int)(noise_bits() % 9) : 0));
    for (int j = 0; j < NN_PANEL; j++)
        s->bias[j] = noise();
}

static void product(const struct numbers *s, const struct nn_product *p, const struct nn_epilogue *end,
                    const int sizes[3], float *c)
{
    int from = sizes[0], n_rows = sizes[1], n_in = sizes[2];
    const struct panel_rows rows = {s->rows[from], sizeof s->rows[0], n_rows, 2 * nn_i16_inputs(n_in)};
    panel_product(p, &rows, n_in, s->panel, end, c);
}

/* Products of bf16 numbers are exact in single precision, of which each addition errs by one in 2^24 at most; what is
 * too small for a normal number may be taken as nothing. */
static double most_error(const struct numbers *s, int i, int j, int n_in)
{
    double size = 0;
    for (int k = 0; k < n_in; k++)
        size += fabs((double)half_bf16_to_f32(s->rows[i][k]) * (double)half_bf16_to_f32(s->panel[k / 2][j][k % 2]));
    return size * (n_in + 1) * (double)FLT_EPSILON + n_in * 4 * (double)FLT_MIN;
}

static void check_sums(const struct numbers *s, const struct matmul *native, const struct matmul *reference, int n_in)
{
    float truth[NN_MAX_ROWS * NN_PANEL], all[NN_MAX_ROWS * NN_PANEL], some[NN_MAX_ROWS * NN_PANEL];
    const struct nn_product *p = &native->products.bf16x16;
    const struct nn_epilogue end = {0};
    int rows = p->tile_rows, n_wrong = 0;
    product(s, &reference->products.bf16x16, &end, (const int[]){0, rows, n_in}, truth);
    product(s, p, &end, (const int[]){0, rows, n_in}, all);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < NN_PANEL; j++) {
            double err = fabs((double)truth[i * NN_PANEL + j] - (double)all[i * NN_PANEL + j]);
            n_wrong += !(err <= most_error(s, i, j, n_in));
        }
    CU_ASSERT_EQUAL(n_wrong, 0);
    for (int n = 1; n <= rows; n++) /* a row has the same bits in any place, with any rows beside it */
        for (int from = 0; from + n <= rows; from += n == 1 ? 1 : rows - n > 0 ? rows - n : 1) {
            product(s, p, &end, (const int[]){from, n, n_in}, some);
            CU_ASSERT_EQUAL(memcmp(some, all + from * NN_PANEL, sizeof *some * (size_t)(n * NN_PANEL)), 0);
        }
}

static void sums_are_near_and_rows_independent(void)
{
    static const int sizes[] = {1, 2, 3, 4, 31, 32, 33, 63, 64, 65, 67, 130, MOST_IN};
    static struct numbers s;
    const struct nn_kernels *tables[NN_MOST_TABLES];
    for (int n_tables = kernels_all(tables), t = 0; t < n_tables; t++) {
        struct matmul table[3];
        int n = matmul_all(tables[t], table);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int spread = 0; spread <= 60; spread += 20) {
                make_numbers(&s, sizes[i], spread);
                check_sums(&s, &table[0], &table[n - 1], sizes[i]);
            }
    }
}

/* What follows the sums: bias, activation, addition to what is there; columns beyond the last stay as they are. */
static void ends_are_those_of_the_reference(void)
{
    enum { N_IN = 70, COLUMNS = 27 };
    static struct numbers s;
    const struct nn_kernels *tables[NN_MOST_TABLES];
    make_numbers(&s, N_IN, 0);
    for (int n_tables = kernels_all(tables), t = 0; t < n_tables; t++)
        for (int act = NN_NONE; act <= NN_SWISH; act++)
            for (int add = 0; add < 2; add++) {
                const struct nn_epilogue end = {
                    .bias = act == NN_NONE ? NULL : s.bias, .act = (enum nn_activation)act, .add = add, .scale = 0.5f};
                float truth[NN_MAX_ROWS * NN_PANEL], got[NN_MAX_ROWS * NN_PANEL];
                struct matmul table[3];
                int n = matmul_all(tables[t], table), rows = table[0].products.bf16x16.tile_rows, n_wrong = 0;
                for (int i = 0; i < NN_MAX_ROWS * NN_PANEL; i++)
                    got[i] = truth[i] = noise();
                struct panel_rows all = {s.rows, sizeof s.rows[0], rows, 2 * nn_i16_inputs(N_IN)};
                panel_columns(&table[n - 1].products.bf16x16, &all, N_IN, s.panel, &end, truth, COLUMNS);
                panel_columns(&table[0].products.bf16x16, &all, N_IN, s.panel, &end, got, COLUMNS);
                for (int i = 0; i < NN_MAX_ROWS * NN_PANEL; i++)
                    n_wrong += i % NN_PANEL < COLUMNS ? !(fabsf(got[i] - truth[i]) <= 4e-5f) : got[i] != truth[i];
                CU_ASSERT_EQUAL(n_wrong, 0); /* 70 products below 1, sums below 10: 70 * 10 * 2^-24 */
            }
}

static const struct unit_test tests[] = {
    {"numbers are rounded to the nearest", numbers_are_rounded_to_the_nearest},
    {"sums are near, and a row's the same beside any others", sums_are_near_and_rows_independent},
    {"ends are those of the reference", ends_are_those_of_the_reference},
};

UNIT_MAIN("bf16", tests)
