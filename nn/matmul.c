/* SPDX-License-Identifier: Apache-2.0
 * matmul.c - the table of products, and its two members that are not vector kernels.
 *
 * All take the packed panels of kernels.h, so one layout of weights serves each of them.  The reference, in double
 * precision, is what tests compare the others with. */
#include "nn/matmul.h"

#include <cblas.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nn/half.h"

static float weight_at(const void *panel, size_t i, enum dtype dtype)
{
    switch (dtype) {
    case DTYPE_F16:
        return half_f16_to_f32(((const uint16_t *)panel)[i]);
    case DTYPE_BF16:
        return half_bf16_to_f32(((const uint16_t *)panel)[i]);
    default:
        return ((const float *)panel)[i];
    }
}

static double activation(double x, enum nn_activation act)
{
    switch (act) {
    case NN_RELU:
        return x > 0 ? x : 0;
    case NN_GELU:
        return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
    case NN_SWISH:
        return x / (1 + exp(-x));
    case NN_NONE:
        break;
    }
    return x;
}

static void finish(double sum, float *c, int col, const struct nn_epilogue *end)
{
    double v = activation(sum + (end->bias != NULL ? (double)end->bias[col] : 0.0), end->act);
    *c = (float)(end->add ? (double)*c + (double)end->scale * v : v);
}

static void reference(int rows, int n_in, const float *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                      const struct nn_epilogue *end, enum dtype dtype)
{
    for (int i = 0; i < rows; i++)
        for (int col = 0; col < n_cols; col++) {
            double sum = 0;
            for (int k = 0; k < n_in; k++)
                sum += (double)a[k * rows + i] * (double)weight_at(panel, (size_t)k * NN_PANEL + (size_t)col, dtype);
            finish(sum, c + i * ldc + col, col, end);
        }
}

/* OpenBLAS is loaded at its first use, not with the program: as a linked library it starts threads of its own before
 * main, which spin beside ours. */
static __typeof__(cblas_sgemm) *sgemm;

static void load_openblas(void)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    void (*set_threads)(int);
    *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    if (set_threads != NULL)
        set_threads(1);
    *(void **)&sgemm = dlsym(library, "cblas_sgemm");
}

static int has_openblas(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_openblas);
    return sgemm != NULL;
}

/* C [rows, 32] = A^T B in pieces of K, since the panels of half precision must become float first. */
static void openblas(int rows, int n_in, const float *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                     const struct nn_epilogue *end, enum dtype dtype)
{
    enum { PIECE = 128 };
    float sums[NN_MAX_ROWS * NN_PANEL] = {0}, piece[PIECE * NN_PANEL];
    for (int k = 0; k < n_in; k += PIECE) {
        int n = n_in - k < PIECE ? n_in - k : PIECE;
        const float *b = (const float *)panel + (size_t)k * NN_PANEL;
        if (dtype != DTYPE_F32) {
            for (size_t i = 0; i < (size_t)n * NN_PANEL; i++)
                piece[i] = weight_at(panel, (size_t)k * NN_PANEL + i, dtype);
            b = piece;
        }
        sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, NN_PANEL, n, 1.0f, a + (ptrdiff_t)k * rows, rows, b,
              NN_PANEL, 1.0f, sums, NN_PANEL);
    }
    for (int i = 0; i < rows; i++)
        for (int col = 0; col < n_cols; col++)
            finish((double)sums[i * NN_PANEL + col], c + i * ldc + col, col, end);
}

#define PRODUCT(kind, suffix, dtype)                                                                                   \
    static void kind##_##suffix(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc,         \
                                int n_cols, const struct nn_epilogue *end)                                             \
    {                                                                                                                  \
        kind(rows, n_in, a, panel, c, ldc, n_cols, end, dtype);                                                        \
    }
PRODUCT(reference, f32, DTYPE_F32)
PRODUCT(reference, f16, DTYPE_F16)
PRODUCT(reference, bf16, DTYPE_BF16)
PRODUCT(openblas, f32, DTYPE_F32)
PRODUCT(openblas, f16, DTYPE_F16)
PRODUCT(openblas, bf16, DTYPE_BF16)

/* Exact up to the last step: sums of whole numbers, in double. */
static void finish_whole(double sum, int i, float *c, int col, const struct nn_epilogue *end)
{
    double scale = (double)end->row_scales[i] * (end->scales != NULL ? (double)end->scales[col] : 1.0);
    finish(sum * scale, c, col, end);
}

/* Of inputs and weights in groups: quads or pairs. */
#define REFERENCE_WHOLE(name, x_type, w_type, group, zero)                                                             \
    static void reference_##name(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc,        \
                                 int n_cols, const struct nn_epilogue *end)                                            \
    {                                                                                                                  \
        const x_type *x = a;                                                                                           \
        const w_type *w = panel;                                                                                       \
        for (int i = 0; i < rows; i++)                                                                                 \
            for (int col = 0; col < n_cols; col++) {                                                                   \
                double sum = 0;                                                                                        \
                for (int k = 0; k < n_in; k++)                                                                         \
                    sum += (double)(x[(k / group * rows + i) * group + k % group] - (zero)) *                          \
                           w[(k / group * NN_PANEL + col) * group + k % group];                                        \
                finish_whole(sum, i, c + i * ldc + col, col, end);                                                     \
            }                                                                                                          \
    }
REFERENCE_WHOLE(i8, uint8_t, int8_t, 4, end->row_zeros[i])
REFERENCE_WHOLE(i16, int16_t, int16_t, 2, 0)
REFERENCE_WHOLE(i8x16, int16_t, int8_t, 4, 0)

static void reference_bf16x16(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                              const struct nn_epilogue *end)
{
    const uint16_t *x = a, *w = panel;
    for (int i = 0; i < rows; i++)
        for (int col = 0; col < n_cols; col++) {
            double sum = 0;
            for (int k = 0; k < n_in; k++)
                sum += (double)half_bf16_to_f32(x[(k / 2 * rows + i) * 2 + k % 2]) *
                       (double)half_bf16_to_f32(w[(k / 2 * NN_PANEL + col) * 2 + k % 2]);
            finish(sum, c + i * ldc + col, col, end);
        }
}

/* Any number of rows, in pieces as every table takes them but for those of its fastest products. */
static const struct nn_products references = {
    .f32 = {reference_f32, NN_MAX_ROWS / 2, 4, NULL, NULL},
    .f16 = {reference_f16, NN_MAX_ROWS / 2, 4, NULL, NULL},
    .bf16 = {reference_bf16, NN_MAX_ROWS / 2, 4, NULL, NULL},
    .i8 = {reference_i8, NN_MAX_ROWS, 4, NULL, NULL},
    .i16 = {reference_i16, NN_MAX_ROWS, 4, NULL, NULL},
    .i8x16 = {reference_i8x16, NN_MAX_ROWS, 8, NULL, NULL},
    .bf16x16 = {reference_bf16x16, NN_MAX_ROWS, 4, NULL, NULL},
};

int matmul_all(const struct nn_kernels *kernels, struct matmul table[3])
{
    int n = 0;
    table[n++] = (struct matmul){"native", kernels->products};
    if (has_openblas()) {
        table[n] = table[0];
        table[n].name = "openblas";
        table[n].products.f32.panel = openblas_f32;
        table[n].products.f16.panel = openblas_f16;
        table[n++].products.bf16.panel = openblas_bf16;
    }
    table[n++] = (struct matmul){"reference", references};
    return n;
}

static const char *wanted; /* by the environment, read once */

static void read_environment(void) { wanted = getenv("LINNET_MATMUL"); }

static struct matmul chosen(const struct nn_kernels *kernels)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct matmul native = {"native", kernels->products}, table[3];
    pthread_once(&once, read_environment);
    const char *name = wanted != NULL ? wanted : "native";
    if (strcmp(name, "native") == 0)
        return native;
    for (int i = matmul_all(kernels, table) - 1; i >= 0; i--)
        if (strcmp(name, table[i].name) == 0)
            return table[i];
    return native;
}

struct nn_product matmul_for(const struct nn_kernels *kernels, enum dtype weights, enum dtype inputs)
{
    const struct nn_products products = chosen(kernels).products;
    switch (weights) {
    case DTYPE_I8:
        return inputs == DTYPE_I16 ? products.i8x16 : products.i8;
    case DTYPE_I16:
        return products.i16;
    case DTYPE_F16:
        return products.f16;
    case DTYPE_BF16:
        return inputs == DTYPE_BF16 ? products.bf16x16 : products.bf16;
    default:
        return products.f32;
    }
}

const char *matmul_name(const struct nn_kernels *kernels) { return chosen(kernels).name; }
