/* SPDX-License-Identifier: Apache-2.0
 * peak.c - the speed of products, of which the best of many short measurements counts, since other work on the machine
 * only ever adds time; and of reading. */
#include "nn/peak.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "nn/matmul.h"

#define TRIAL_S 0.0003   /* of one measurement, at least: some hundred times what starting the threads takes */
#define MEASURING_S 0.01 /* of all of them */

/* ---- arithmetic ---- */

#define PANEL_BYTES 16384 /* half of a small first-level cache: inputs and sums lie beside the panel */

struct multiplying {
    struct nn_product product;
    int n_in, n_rounds;
    void *a, *panel; /* zeros, which multiply as fast as others */
    float *sums;     /* [n_threads][NN_MAX_ROWS][NN_PANEL] */
};

static void multiply(void *arg, int i, int i_thread)
{
    static const float scales[NN_PANEL];
    static const int32_t zeros[NN_PANEL];
    static const struct nn_epilogue end = {.row_scales = scales, .scales = scales, .row_zeros = zeros, .sums = zeros};
    const struct multiplying *m = arg;
    float *sums = m->sums + (ptrdiff_t)i_thread * NN_MAX_ROWS * NN_PANEL;
    (void)i;
    if (m->product.begin != NULL)
        m->product.begin();
    for (int round = 0; round < m->n_rounds; round++)
        m->product.panel(m->product.tile_rows, m->n_in, m->a, m->panel, sums, NN_PANEL, NN_PANEL, &end);
    if (m->product.end != NULL)
        m->product.end();
}

double peak_products(const struct nn_context *ctx, enum dtype weights, enum dtype inputs)
{
    struct multiplying m = {.product = matmul_for(ctx->kernels, weights, inputs), .n_rounds = 1};
    m.n_in = PANEL_BYTES / NN_PANEL / (int)dtype_size(weights);
    size_t n_sums = (size_t)ctx->n_threads * NN_MAX_ROWS * NN_PANEL;
    char *a, *panel;
    void *block = MEM_PARTS(MEM_PART(a, (size_t)m.n_in * NN_MAX_ROWS * dtype_size(inputs) + NN_SLACK),
                            MEM_PART(panel, PANEL_BYTES), MEM_PART(m.sums, n_sums));
    if (block == NULL)
        return 0;
    m.a = a;
    m.panel = panel;
    double best = 0, start = clock_s(), now = start;
    while (now - start < MEASURING_S) {
        pool_run(ctx->pool, multiply, &m, ctx->n_threads);
        double took = clock_s() - now;
        double speed = (double)m.n_rounds * m.product.tile_rows * m.n_in * NN_PANEL * ctx->n_threads / took;
        best = speed > best ? speed : best;
        if (took < TRIAL_S)
            m.n_rounds *= 2;
        now = clock_s();
    }
    mem_free(block);
    return best;
}

/* ---- reading ---- */

#define N_SLICES 64
#define UNROLLED 8

typedef uint64_t words __attribute__((vector_size(16)));

struct reading {
    const words *at;
    size_t n; /* words in a slice, a multiple of UNROLLED */
    uint64_t sums[N_SLICES];
};

static void add_up(void *arg, int i, int i_thread)
{
    struct reading *r = arg;
    const words *at = r->at + (size_t)i * r->n;
    words a = {0}, b = {0}, c = {0}, d = {0};
    (void)i_thread;
    for (size_t k = 0; k < r->n; k += UNROLLED) {
        a += at[k] ^ at[k + 4];
        b += at[k + 1] ^ at[k + 5];
        c += at[k + 2] ^ at[k + 6];
        d += at[k + 3] ^ at[k + 7];
    }
    a += b + c + d;
    r->sums[i] = a[0] + a[1];
}

double peak_reading_s(const struct nn_context *ctx, size_t n, int n_times)
{
    struct reading r = {.n = (n / sizeof(words) / N_SLICES / UNROLLED + 1) * UNROLLED};
    words *block = mem_array(r.n * N_SLICES, sizeof *block);
    if (block == NULL)
        return 0;
    memset(block, 1, r.n * N_SLICES * sizeof *block); /* until they are written, pages may all be the same */
    r.at = block;
    double start = clock_s();
    for (int i = 0; i < n_times; i++)
        pool_run(ctx->pool, add_up, &r, N_SLICES);
    double took = (clock_s() - start) / n_times;
    mem_free(block);
    return took * (double)n / ((double)(r.n * N_SLICES) * sizeof *block);
}
