/* SPDX-License-Identifier: Apache-2.0
 * kernels_body.h - the vector kernels, compiled once for each instruction set.
 *
 * The including file defines NN_ISA (suffix), VL (floats in a vector), TILE_ROWS x TILE_VECS (the sums that a panel
 * product keeps in registers) and, where the processor can, VEC_HALF(p) (load VL half-precision numbers as float),
 * VMAX(a, b) and VMIN(a, b).
 *
 * exp: x = n ln 2 + r, |r| <= ln 2 / 2, polynomial of Cephes' expf, 2^n built in the exponent; 2 ulp.  erf inside GELU:
 * Abramowitz & Stegun 7.1.26 (absolute error 1.5e-7), used on the tail so that large negative x keep their precision.
 * */
#include <float.h>
#include <math.h>
#include <string.h>

#include "nn/kernels.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define FN(name) JOIN(name, NN_ISA)
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(VL * 4)));
typedef int32_t ivec __attribute__((vector_size(VL * 4)));
typedef uint32_t uvec __attribute__((vector_size(VL * 4)));
typedef float quad __attribute__((vector_size(16)));
typedef float vec_u __attribute__((vector_size(VL * 4), aligned(4), may_alias));

INLINE vec load(const float *p) { return *(const vec_u *)p; }
INLINE void store(float *p, vec v) { *(vec_u *)p = v; }
INLINE vec splat(float x) { return x - (vec){0}; }
INLINE ivec bits(vec v) { return (ivec)v; }
INLINE vec pick(ivec mask, vec a, vec b) { return (vec)((mask & bits(a)) | (~mask & bits(b))); }
#ifndef VMAX
#define VMAX(a, b) pick((a) > (b), a, b)
#define VMIN(a, b) pick((a) < (b), a, b)
#endif
/* b where one is no number. */
INLINE vec vmax(vec a, vec b) { return VMAX(a, b); }
INLINE vec vmin(vec a, vec b) { return VMIN(a, b); }

/* n < VL values, the rest filled. */
INLINE vec load_part(const float *p, int n, float fill)
{
    float tmp[VL];
    for (int i = 0; i < VL; i++)
        tmp[i] = i < n ? p[i] : fill;
    return load(tmp);
}

INLINE void store_part(float *p, vec v, int n)
{
    float tmp[VL];
    store(tmp, v);
    for (int i = 0; i < n; i++)
        p[i] = tmp[i];
}

/* One half is added to the other until a number is left. */
INLINE float sum_of(vec v)
{
#if HAVE_SHUFFLEVECTOR
#if VL == 16
    typedef float octet __attribute__((vector_size(32)));
    octet o = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    quad q = __builtin_shufflevector(o, o, 0, 1, 2, 3) + __builtin_shufflevector(o, o, 4, 5, 6, 7);
#elif VL == 8
    quad q = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#else
    quad q = v;
#endif
    q += __builtin_shufflevector(q, q, 2, 3, 0, 1);
    return q[0] + q[1];
#else
    float tmp[VL];
    store(tmp, v);
    for (int half = VL / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            tmp[i] += tmp[i + half];
    return tmp[0];
#endif
}

INLINE float max_of(vec v)
{
    float tmp[VL];
    store(tmp, v);
    for (int i = 1; i < VL; i++)
        tmp[0] = tmp[i] > tmp[0] ? tmp[i] : tmp[0];
    return tmp[0];
}

INLINE vec exp_of(vec x)
{
    const vec magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    ivec is_zero = x < splat(-87.3f);
    x = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
    vec n = x * 1.44269504f + magic;
    ivec exponent = (bits(n) - bits(magic)) << 23;
    n -= magic;
    vec r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vec p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    return (vec)(~is_zero & (bits(p) + exponent));
}

INLINE vec sigmoid_of(vec x) { return 1.0f / (1.0f + exp_of(-x)); }

/* x Phi(x).  With q = erfc(|x| / sqrt 2) / 2: x > 0 gives x - x q, x < 0 gives x q. */
INLINE vec gelu_of(vec x)
{
    vec z = (vec)(bits(x) & 0x7fffffff) * 0.70710678f;
    vec t = 1.0f / (1.0f + 0.3275911f * z);
    vec p = splat(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    vec q = 0.5f * p * t * exp_of(-z * z);
    return pick(x > splat(0.0f), x - x * q, x * q);
}

INLINE vec act_of(vec x, enum nn_activation act)
{
    switch (act) {
    case NN_RELU:
        return vmax(x, splat(0.0f));
    case NN_GELU:
        return gelu_of(x);
    case NN_SWISH:
        return x * sigmoid_of(x);
    case NN_NONE:
        break;
    }
    return x;
}

#include "nn/kernels_half.h"

/* ---- products with a panel ---- */

enum { F32, F16, BF16 };

INLINE vec weights_load(const void *panel, size_t at, int type)
{
    if (type == F32)
        return load((const float *)panel + at);
    if (type == F16)
        return VEC_HALF((const uint16_t *)panel + at);
    return bf16_load((const uint16_t *)panel + at);
}

#define PANEL_VECS (NN_PANEL / VL)

/* Takes the sums of a tile [rows, n_tile], starting at column col of the panel, to where they belong. */
static void finish_tile(int rows, int n_tile, const float *sums, int col, float *c, ptrdiff_t ldc, int n_cols,
                        const struct nn_epilogue *end)
{
    for (int i = 0; i < rows; i++, sums += n_tile, c += ldc)
        for (int at = col; at < col + n_tile && at < n_cols; at += VL) {
            vec v = load(sums + at - col);
            v = act_of(end->bias != NULL ? v + load(end->bias + at) : v, end->act);
            int n = n_cols - at;
            if (n >= VL)
                store(c + at, end->add ? load(c + at) + end->scale * v : v);
            else
                store_part(c + at, end->add ? load_part(c + at, n, 0.0f) + end->scale * v : v, n);
        }
}

/* The sums of a tile [rows, n_vecs], at once where nothing is left to do with them. */
INLINE void put_tile(const int rows, const int n_vecs, vec acc[TILE_ROWS][PANEL_VECS], int col, float *c, ptrdiff_t ldc,
                     int n_cols, const struct nn_epilogue *end)
{
    _Alignas(64) float sums[TILE_ROWS * NN_PANEL];
    int plain = end->bias == NULL && end->act == NN_NONE && !end->add && col + n_vecs * VL <= n_cols;
    float *to = plain ? c + col : sums;
    ptrdiff_t ldto = plain ? ldc : n_vecs * VL;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            store(to + i * ldto + v * VL, acc[i][v]);
    if (!plain)
        finish_tile(rows, n_vecs * VL, sums, col, c, ldc, n_cols, end);
}

/* Does STEP(k) for k of 0 .. n - 1, four to a turn of the loop: a turn costs as much as three products of vectors. */
#define EACH_STEP(n, STEP)                                                                                             \
    do {                                                                                                               \
        int k_step = 0;                                                                                                \
        for (; k_step + 4 <= (n); k_step += 4) {                                                                       \
            STEP(k_step);                                                                                              \
            STEP(k_step + 1);                                                                                          \
            STEP(k_step + 2);                                                                                          \
            STEP(k_step + 3);                                                                                          \
        }                                                                                                              \
        for (; k_step < (n); k_step++)                                                                                 \
            STEP(k_step);                                                                                              \
    } while (0)

INLINE void tile_step(const int rows, const int n_vecs, int k, const float *a, const void *panel, int col,
                      vec acc[TILE_ROWS][PANEL_VECS], const int type)
{
    vec w[PANEL_VECS];
#pragma GCC unroll 8
    for (int v = 0; v < n_vecs; v++)
        w[v] = weights_load(panel, (size_t)k * NN_PANEL + (size_t)(col + v * VL), type);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        vec x = splat(a[k * rows + i]);
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            acc[i][v] += x * w[v];
    }
}

/* rows and n_vecs are constants wherever this is inlined, so acc lives in registers. */
INLINE void tile_product(const int rows, const int n_vecs, int n_in, const float *a, const void *panel, int col,
                         float *c, ptrdiff_t ldc, int n_cols, const struct nn_epilogue *end, const int type)
{
    vec acc[TILE_ROWS][PANEL_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            acc[i][v] = splat(0.0f);
#define STEP(k) tile_step(rows, n_vecs, k, a, panel, col, acc, type)
    EACH_STEP(n_in, STEP);
#undef STEP
    put_tile(rows, n_vecs, acc, col, c, ldc, n_cols, end);
}

/* One or two rows, which only read weights, take the whole panel at once: it is read once, in order, and enough sums
 * are under way that none waits for another.  More rows take it in parts that fill the registers. */
#define WIDTH(r) ((r)*PANEL_VECS <= 8 ? PANEL_VECS : TILE_VECS)
#if TILE_ROWS > 6
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#else
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
#define ROWS_CASE(r)                                                                                                   \
    case r:                                                                                                            \
        for (int col = 0; col < n_cols; col += WIDTH(r) * VL)                                                          \
            tile_product(r <= TILE_ROWS ? r : 1, WIDTH(r), n_in, a, panel, col, c, ldc, n_cols, end, type);            \
        break;

INLINE void panel_product(int rows, int n_in, const float *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                          const struct nn_epilogue *end, const int type)
{
    switch (rows) {
        EACH_ROWS(ROWS_CASE)
    }
}

static void FN(panel_f32)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                          const struct nn_epilogue *end)
{
    panel_product(rows, n_in, a, panel, c, ldc, n_cols, end, F32);
}

static void FN(panel_f16)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                          const struct nn_epilogue *end)
{
    panel_product(rows, n_in, a, panel, c, ldc, n_cols, end, F16);
}

static void FN(panel_bf16)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                           const struct nn_epilogue *end)
{
    panel_product(rows, n_in, a, panel, c, ldc, n_cols, end, BF16);
}

#include "nn/kernels_bf16.h"
#include "nn/kernels_int.h"

/* ---- rows ---- */

INLINE float dot_of(const float *a, const float *b, int n)
{
    vec sum = splat(0.0f);
    int i = 0;
    for (; i + VL <= n; i += VL)
        sum += load(a + i) * load(b + i);
    if (i < n)
        sum += load_part(a + i, n - i, 0.0f) * load_part(b + i, n - i, 0.0f);
    return sum_of(sum);
}

static float FN(dot)(const float *a, const float *b, int n) { return dot_of(a, b, n); }

static void FN(gather_dots)(const float *x, int n, const float *rows, const int *index, ptrdiff_t stride, int m,
                            float scale, float *y)
{
    for (int j = 0; j < m; j++)
        y[j] = scale * dot_of(x, rows + index[j] * stride, n);
}

/* n_vecs * VL columns, whose sums stay in registers. */
INLINE void gather_columns(const float *x, const float *rows, const int *index, ptrdiff_t stride, int m,
                           const int n_vecs, float *y)
{
    vec sum[4];
#pragma GCC unroll 4
    for (int v = 0; v < n_vecs; v++)
        sum[v] = splat(0.0f);
    for (int j = 0; j < m; j++) {
        const float *row = rows + index[j] * stride;
        vec weight = splat(x[j]);
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            sum[v] += weight * load(row + v * VL);
    }
#pragma GCC unroll 4
    for (int v = 0; v < n_vecs; v++)
        store(y + v * VL, sum[v]);
}

static void FN(gather_sum)(const float *x, const float *rows, const int *index, ptrdiff_t stride, int m, int n,
                           float *y)
{
    int at = 0;
    for (; at + 4 * VL <= n; at += 4 * VL)
        gather_columns(x, rows + at, index, stride, m, 4, y + at);
    for (; at + VL <= n; at += VL)
        gather_columns(x, rows + at, index, stride, m, 1, y + at);
    for (; at < n; at++) {
        y[at] = 0.0f;
        for (int j = 0; j < m; j++)
            y[at] += x[j] * rows[index[j] * stride + at];
    }
}

static void FN(layer_norm)(const float *x, float *y, int n, const float *gamma, const float *beta, float eps)
{
    vec sum = splat(0.0f), squares = splat(0.0f);
    int i;
    for (i = 0; i + VL <= n; i += VL)
        sum += load(x + i);
    if (i < n)
        sum += load_part(x + i, n - i, 0.0f);
    float mean = sum_of(sum) / (float)n;
    for (i = 0; i + VL <= n; i += VL) {
        vec d = load(x + i) - mean;
        squares += d * d;
    }
    if (i < n) {
        vec d = load_part(x + i, n - i, mean) - mean;
        squares += d * d;
    }
    float factor = 1.0f / sqrtf(sum_of(squares) / (float)n + eps);
    for (i = 0; i < n; i += VL) {
        int m = n - i < VL ? n - i : VL;
        vec v = ((m == VL ? load(x + i) : load_part(x + i, m, 0.0f)) - mean) * factor;
        if (gamma != NULL)
            v *= m == VL ? load(gamma + i) : load_part(gamma + i, m, 0.0f);
        if (beta != NULL)
            v += m == VL ? load(beta + i) : load_part(beta + i, m, 0.0f);
        if (m == VL)
            store(y + i, v);
        else
            store_part(y + i, v, m);
    }
}

INLINE float row_max(const float *x, int n)
{
    vec top[PANEL_VECS]; /* none waits for the others */
    int i = 0;
#pragma GCC unroll 8
    for (int v = 0; v < PANEL_VECS; v++)
        top[v] = splat(-INFINITY);
    for (; i + NN_PANEL <= n; i += NN_PANEL)
#pragma GCC unroll 8
        for (int v = 0; v < PANEL_VECS; v++)
            top[v] = vmax(load(x + i + v * VL), top[v]);
    for (; i + VL <= n; i += VL)
        top[0] = vmax(load(x + i), top[0]);
    if (i < n)
        top[0] = vmax(load_part(x + i, n - i, -INFINITY), top[0]);
#pragma GCC unroll 8
    for (int v = 1; v < PANEL_VECS; v++)
        top[0] = vmax(top[v], top[0]);
    return max_of(top[0]);
}

static float FN(largest)(const float *x, int n) { return row_max(x, n); }

static void FN(softmax)(float *x, int n)
{
    float top = row_max(x, n);
    if (!(top > -INFINITY)) {
        memset(x, 0, (size_t)n * sizeof *x);
        return;
    }
    vec sum = splat(0.0f);
    int i = 0;
    for (; i + VL <= n; i += VL) {
        vec e = exp_of(load(x + i) - top);
        store(x + i, e);
        sum += e;
    }
    if (i < n) {
        vec e = exp_of(load_part(x + i, n - i, -INFINITY) - top);
        store_part(x + i, e, n - i);
        sum += e;
    }
    float factor = 1.0f / sum_of(sum);
    for (i = 0; i + VL <= n; i += VL)
        store(x + i, load(x + i) * factor);
    for (; i < n; i++)
        x[i] *= factor;
}

static void FN(log_softmax)(const float *x, float *y, int n)
{
    float top = row_max(x, n);
    vec sum = splat(0.0f);
    int i = 0;
    for (; i + VL <= n; i += VL)
        sum += exp_of(load(x + i) - top);
    if (i < n)
        sum += exp_of(load_part(x + i, n - i, -INFINITY) - top);
    float shift = top + logf(sum_of(sum));
    for (i = 0; i + VL <= n; i += VL)
        store(y + i, load(x + i) - shift);
    for (; i < n; i++)
        y[i] = x[i] - shift;
}

static void FN(activate)(float *x, int n, enum nn_activation act)
{
    int i = 0;
    for (; i + VL <= n; i += VL)
        store(x + i, act_of(load(x + i), act));
    if (i < n)
        store_part(x + i, act_of(load_part(x + i, n - i, 0.0f), act), n - i);
}

static void FN(glu)(const float *a, const float *b, float *y, int n)
{
    int i = 0;
    for (; i + VL <= n; i += VL)
        store(y + i, load(a + i) * sigmoid_of(load(b + i)));
    if (i < n)
        store_part(y + i, load_part(a + i, n - i, 0.0f) * sigmoid_of(load_part(b + i, n - i, 0.0f)), n - i);
}

static void FN(add)(float *y, const float *x, int n, float scale)
{
    int i = 0;
    for (; i + VL <= n; i += VL)
        store(y + i, load(y + i) + scale * load(x + i));
    if (i < n)
        store_part(y + i, load_part(y + i, n - i, 0.0f) + scale * load_part(x + i, n - i, 0.0f), n - i);
}

static void FN(depthwise)(const float *x, const float *w, const float *bias, float *y, int n_rows, int n, int kernel)
{
    for (int t = 0; t < n_rows; t++)
        for (int c = 0; c < n; c += VL) {
            int m = n - c < VL ? n - c : VL;
            const float *xt = x + (ptrdiff_t)t * n + c, *wc = w + c;
            vec sum = bias == NULL ? splat(0.0f) : m == VL ? load(bias + c) : load_part(bias + c, m, 0.0f);
            for (int j = 0; j < kernel; j++, xt += n, wc += n)
                sum += m == VL ? load(xt) * load(wc) : load_part(xt, m, 0.0f) * load_part(wc, m, 0.0f);
            if (m == VL)
                store(y + (ptrdiff_t)t * n + c, sum);
            else
                store_part(y + (ptrdiff_t)t * n + c, sum, m);
        }
}

const struct nn_kernels FN(nn_kernels) = {
    .name = NN_ISA_NAME,
    .int8_is_fast = I8_IS_FAST,
    .bf16_is_fast = BF16_IS_FAST,
    .products = {.f32 = {FN(panel_f32), TILE_ROWS, 4, NULL, NULL},
                 .f16 = {FN(panel_f16), TILE_ROWS, 4, NULL, NULL},
                 .bf16 = {FN(panel_bf16), TILE_ROWS, 4, NULL, NULL},
                 .i8 = I8_PRODUCT,
                 .i16 = {FN(panel_i16), TILE_ROWS, 4, NULL, NULL},
                 .i8x16 = {FN(panel_i8x16), TILE_ROWS, 8, NULL, NULL},
                 .bf16x16 = BF16_PRODUCT},
    .layer_norm = FN(layer_norm),
    .softmax = FN(softmax),
    .log_softmax = FN(log_softmax),
    .activate = FN(activate),
    .glu = FN(glu),
    .add = FN(add),
    .largest = FN(largest),
    .dot = FN(dot),
    .gather_dots = FN(gather_dots),
    .gather_sum = FN(gather_sum),
    .depthwise = FN(depthwise),
    .from_f16 = FN(from_f16),
    .to_bf16 = FN(to_bf16),
    .quantize = FN(quantize),
    .quantize16 = FN(quantize16),
    .quantize_weights = FN(quantize_weights),
};
