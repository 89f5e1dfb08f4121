/* SPDX-License-Identifier: Apache-2.0
 * measure.h - what programs that measure share: a clock, the speed of matrix products, precision,
 * arguments. */
#ifndef LINNET_BENCH_MEASURE_H
#define LINNET_BENCH_MEASURE_H

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "nn/linear.h"

/* Processor time of the whole process. */
static inline double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* FLOP/s of a product with the layer, many rows at once: the fastest of 20. */
static inline double product_speed(struct nn_context *ctx, const struct linear *l)
{
    enum { ROWS = 448 };
    float *x = mem_array((size_t)ROWS * (size_t)l->n_in, sizeof *x);
    float *y = mem_array((size_t)ROWS * (size_t)l->n_out, sizeof *y);
    double best = 1e9;
    for (int i = 0; i < l->n_in * ROWS && x != NULL; i++)
        x[i] = (float)(i % 17) - 8.0f;
    for (int i = 0; i < 20 && x != NULL && y != NULL; i++) {
        double t = processor_s();
        linear_forward(ctx, l, &(struct linear_rows){x, l->n_in, ROWS, y, l->n_out}, NULL);
        t = processor_s() - t;
        best = t < best ? t : best;
    }
    mem_free(x);
    mem_free(y);
    return 2.0 * ROWS * l->n_in * l->n_out / best;
}

/* Of a model's products: BENCH_PRECISION in the environment, or single precision, as earlier figures are. */
static inline const char *bench_precision(void)
{
    const char *name = getenv("BENCH_PRECISION");
    return name != NULL ? name : "fp32";
}

/* The i-th argument, or the default where there are fewer. */
static inline int number(int argc, char **argv, int i, int initial) { return i < argc ? atoi(argv[i]) : initial; }

#endif
