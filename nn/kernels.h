/* SPDX-License-Identifier: Apache-2.0
 * kernels.h - the vector code, one table of functions for each instruction set.
 *
 * The body (kernels_body.h) is written once with the compiler's vector types and compiled for each instruction set in a
 * file of its own; kernels_pick asks processor and operating system and returns the best table.  Every function gives
 * for a row the same bits whatever else is computed with it: the order of additions over k depends on nothing but k.
 *
 * Matrices of weights are packed once into panels of NN_PANEL columns: panel p holds, for k = 0 .. n_in-1, the weights
 * of the outputs 32p .. 32p+31 side by side ([n_in][32], the last panel filled up with zeros).  A tile of a few rows of
 * the input then meets a panel with one load for each vector of weights and one broadcast for each row, and a product
 * with one row (a decoder step) reads the weights once, in order, at the speed of memory.  Weights may be half
 * precision: they become float in the load, and the arithmetic is float.
 *
 * 8-bit products: weights are whole numbers -63 .. 63 times a scale of their output, inputs 0 .. 255 minus a zero point
 * times a scale of their row, and the sums of products are exact.  With these ranges a pair of products fits into 16
 * bits, which is what AVX2 adds up (vpmaddubsw saturates), so every instruction set gives the same sums.  Panels are
 * [ceil(n_in / 4)][32][4]: four inputs of an output side by side, filled up with zeros.
 *
 * 16-bit products have the same form with pairs in place of quads, [ceil(n_in / 2)][32][2], and no zero points.  16-bit
 * inputs may also meet the quads of 8-bit weights, which are -127 .. 127 then: more exact, and as fast where weights
 * come from memory.
 *
 * bf16 products have the panels of 16-bit ones and sums in single precision; processors without an instruction for them
 * widen both sides.  The order of additions is that of the table, the same for any number of rows. */
#ifndef LINNET_NN_KERNELS_H
#define LINNET_NN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_builtin)
#define HAVE_SHUFFLEVECTOR __has_builtin(__builtin_shufflevector) /* clang, and gcc from 12 on */
#else
#define HAVE_SHUFFLEVECTOR 0
#endif

#define NN_PANEL 32
/* No product has taller tiles, nor more bytes in one for an input, nor wider pieces of rows; and none reads further
 * than that beyond what is packed. */
#define NN_MAX_ROWS 32
#define NN_TILE_BYTES 64
#define NN_MAX_WIDTH 64
#define NN_SLACK 1024

/* 8-bit numbers: weights are -NN_I8_WEIGHT .. NN_I8_WEIGHT, of 16-bit inputs NN_I8_WIDE_WEIGHT, inputs 0 ..
 * NN_I8_INPUT. */
#define NN_I8_WEIGHT 63
#define NN_I8_WIDE_WEIGHT 127
#define NN_I8_INPUT 255
static inline int nn_i8_inputs(int n_in) { return (n_in + 3) / 4 * 4; } /* with those that fill up */
static inline int nn_i16_inputs(int n_in) { return (n_in + 1) / 2 * 2; }

/* What 16-bit numbers may be, so that sums of products stay below 2^31: none above `most`, and together no more than
 * `total` (INFINITY: no limit).  Whole numbers of 22 bits at most. */
struct nn_i16_limits {
    float most, total;
};

enum nn_activation { NN_NONE, NN_RELU, NN_GELU, NN_SWISH };

/* What happens to a tile's sums: out = act(sum + bias), or with add: out += scale * act(sum + bias). */
struct nn_epilogue {
    const float *bias; /* [32] of this panel, or NULL */
    enum nn_activation act;
    int add;
    float scale;
    /* Of whole numbers only: row_scales[i] * scales[j] * (sum - row_zeros[i] * sums[j]) is what a sum stands for.
     * scales NULL: all 1; sums NULL: all 0. */
    const float *row_scales, *scales; /* [rows], [32] */
    const int32_t *row_zeros, *sums;  /* [rows], [32]: of an output's weights */
};

/* Rows of a tile [rows, n_in] against one panel.  a is packed (nn_pack_tile): pieces of each row side by side.
 * n_cols <= 32 columns of c [rows, ldc] are written. */
typedef void nn_panel_product(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                              const struct nn_epilogue *end);

/* Products of one type of weights and of inputs. */
struct nn_product {
    nn_panel_product *panel;
    int tile_rows;       /* the most rows that it takes */
    int width;           /* bytes of a row that lie side by side, at most NN_MAX_WIDTH */
    void (*begin)(void); /* a thread calls it before products, */
    void (*end)(void);   /* and after them; NULL: nothing to do */
};

/* By weights and inputs: those of floats take any weights, then come whole numbers and bf16. */
struct nn_products {
    struct nn_product f32, f16, bf16, i8, i16, i8x16, bf16x16;
};

struct nn_kernels {
    const char *name;
    int int8_is_fast; /* 8-bit products take less time than floats */
    int bf16_is_fast; /* and those of bf16 less than those of 16-bit whole numbers */
    struct nn_products products;
    /* y = (x - mean) / sqrt(var + eps) * gamma + beta over n values; y may be x; gamma, beta may be NULL */
    void (*layer_norm)(const float *x, float *y, int n, const float *gamma, const float *beta, float eps);
    /* x = softmax(x), in place; a row of only -INFINITY becomes zeros */
    void (*softmax)(float *x, int n);
    /* y = log softmax(x); y may be x */
    void (*log_softmax)(const float *x, float *y, int n);
    void (*activate)(float *x, int n, enum nn_activation act);    /* in place */
    void (*glu)(const float *a, const float *b, float *y, int n); /* y = a * sigmoid(b) */
    void (*add)(float *y, const float *x, int n, float scale);    /* y += scale * x */
    float (*largest)(const float *x, int n);                      /* -INFINITY for n = 0 */
    float (*dot)(const float *a, const float *b, int n);
    /* Of m rows of n floats that lie at rows + index[j] * stride: y[j] = scale * x . row j, with the bits of dot; */
    void (*gather_dots)(const float *x, int n, const float *rows, const int *index, ptrdiff_t stride, int m,
                        float scale, float *y);
    /* and y = sum of x[j] * row j. */
    void (*gather_sum)(const float *x, const float *rows, const int *index, ptrdiff_t stride, int m, int n, float *y);
    /* Depthwise convolution: y[t][c] = bias[c] + sum_j w[j][c] * x[t + j][c] for t < n_rows; w is [kernel][n]
     * (transposed from the checkpoint's [n][kernel]), x holds n_rows + kernel - 1 rows of n. */
    void (*depthwise)(const float *x, const float *w, const float *bias, float *y, int n_rows, int n, int kernel);
    void (*from_f16)(const uint16_t *x, float *y, size_t n);
    /* A row as bytes q [nn_i8_inputs(n)]: x = scale * (q - zero), rounded to nearest; what fills up is 0. */
    void (*quantize)(const float *x, int n, uint8_t *q, float *scale, int32_t *zero);
    /* The weights of an output as -most .. most [nn_i8_inputs(n)] times scale, and their sum. */
    void (*quantize_weights)(const float *x, int n, int most, int8_t *q, float *scale, int32_t *sum);
    /* A row, times factors [n] if they are not NULL, as whole numbers q [nn_i16_inputs(n)] times scale. */
    void (*quantize16)(const float *x, const float *factors, int n, const struct nn_i16_limits *limits, int16_t *q,
                       float *scale);
    /* A row times a factor, rounded to the nearest bf16 (ties to even), y [nn_i16_inputs(n)]. */
    void (*to_bf16)(const float *x, float factor, int n, uint16_t *y);
};

/* The best table of this processor; LINNET_CPU=scalar|avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon|
 * neondot in the environment, read once, asks for a lower one. */
const struct nn_kernels *kernels_pick(void);

/* All tables that can run here, best first; returns their number (for tests). */
#define NN_MOST_TABLES 7
int kernels_all(const struct nn_kernels *tables[NN_MOST_TABLES]);

/* Packs rows of x (rows, stride ldx) into a [n_in][rows]. */
void nn_pack_rows(int rows, int n_in, const float *x, ptrdiff_t ldx, float *a);

/* Row i of a tile, n bytes x with n a multiple of 4, into a [ceil(n / width)][rows][width], filled up with zeros. */
void nn_pack_row(int rows, int i, int n, int width, const void *x, void *a);

/* All rows, `stride` bytes from one to the next, a multiple of 4. */
void nn_pack_tile(int rows, int n, int width, const void *x, ptrdiff_t stride, void *a);

#endif
