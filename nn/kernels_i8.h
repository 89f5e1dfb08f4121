/* SPDX-License-Identifier: Apache-2.0
 * kernels_i8.h - products of 8-bit numbers, a part of kernels_body.h.
 *
 * A step takes a quad of inputs of a row, broadcast, against those of each output.  The including file may define
 * I8_STEP(sum, x, w), vectors of VL quads of unsigned and of signed bytes, and I8_KEEP(v), which keeps the compiler
 * from moving the loads of later rows before the sums of this one, for which there are no registers. */

#ifndef I8_STEP
INLINE ivec quad_products(ivec sum, ivec x, ivec w)
{
#pragma GCC unroll 4
    for (int b = 0; b < 4; b++)
        sum += ((x >> (8 * b)) & 0xff) * ((ivec)((uvec)w << (24 - 8 * b)) >> 24);
    return sum;
}
#define I8_STEP(sum, x, w) quad_products(sum, x, w)
#endif
#ifndef I8_KEEP
#define I8_KEEP(v) (void)0
#endif

typedef int32_t ivec_u __attribute__((vector_size(VL * 4), aligned(1), may_alias));
typedef int32_t quad_u __attribute__((aligned(1), may_alias));

INLINE ivec quads_load(const int8_t *p) { return *(const ivec_u *)(const void *)p; }
INLINE ivec quad_splat(const uint8_t *p) { return *(const quad_u *)(const void *)p - (ivec){0}; }

/* The sums of a tile to what they stand for, in place. */
INLINE void dequantize(int rows, int n_tile, float *sums, int col, const struct nn_epilogue *end)
{
    for (int i = 0; i < rows; i++, sums += n_tile)
        for (int at = 0; at < n_tile; at += VL) {
            ivec sum = bits(load(sums + at)) -
                       end->row_zeros[i] * bits(load((const float *)(const void *)(end->sums + col + at)));
            store(sums + at, __builtin_convertvector(sum, vec) * (load(end->scales + col + at) * end->row_scales[i]));
        }
}

INLINE void tile_i8(const int rows, const int n_vecs, int n_steps, const uint8_t *a, const int8_t *panel, int col,
                    float *c, ptrdiff_t ldc, int n_cols, const struct nn_epilogue *end)
{
    ivec acc[TILE_ROWS][PANEL_VECS];
    _Alignas(64) float sums[TILE_ROWS * NN_PANEL];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            acc[i][v] = (ivec){0};
    panel += 4 * col;
    for (int k = 0; k < n_steps; k++, a += 4 * rows, panel += 4 * NN_PANEL) {
        ivec w[PANEL_VECS];
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            w[v] = quads_load(panel + 4 * VL * v);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            ivec x = quad_splat(a + 4 * i);
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v++) {
                acc[i][v] = I8_STEP(acc[i][v], x, w[v]);
                I8_KEEP(acc[i][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            store(sums + (i * n_vecs + v) * VL, (vec)acc[i][v]);
    dequantize(rows, n_vecs * VL, sums, col, end);
    finish_tile(rows, n_vecs * VL, sums, col, c, ldc, n_cols, end);
}

#define I8_CASE(r)                                                                                                     \
    case r:                                                                                                            \
        for (int col = 0; col < n_cols; col += WIDTH(r) * VL)                                                          \
            tile_i8(r <= TILE_ROWS ? r : 1, WIDTH(r), nn_i8_inputs(n_in) / 4, a, panel, col, c, ldc, n_cols, end);     \
        break;

static void FN(panel_i8)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                         const struct nn_epilogue *end)
{
    switch (rows) {
        I8_CASE(1)
        I8_CASE(2)
        I8_CASE(3)
        I8_CASE(4)
        I8_CASE(5)
        I8_CASE(6)
#if TILE_ROWS > 6
        I8_CASE(7) I8_CASE(8) I8_CASE(9) I8_CASE(10) I8_CASE(11) I8_CASE(12) I8_CASE(13) I8_CASE(14)
#endif
    }
}

/* The range of a row, 0 among it, so that padding is exact. */
INLINE void range_of(const float *x, int n, float *low, float *high)
{
    vec least = splat(0.0f), most = splat(0.0f);
    int i = 0;
    for (; i + VL <= n; i += VL) {
        least = vmin(load(x + i), least);
        most = vmax(load(x + i), most);
    }
    if (i < n) {
        least = vmin(load_part(x + i, n - i, 0.0f), least);
        most = vmax(load_part(x + i, n - i, 0.0f), most);
    }
    *low = -max_of(-least);
    *high = max_of(most);
}

static void FN(quantize)(const float *x, int n, uint8_t *q, float *scale, int32_t *zero)
{
    float low, high;
    range_of(x, n, &low, &high);
    float step = (high - low) / NN_I8_INPUT;
    float factor = step > 0 ? 1 / step : 0;
    float origin = rintf(-low * factor);
    *scale = step;
    *zero = (int32_t)origin;
    int i = 0;
    for (; i < n; i += VL) {
        const vec magic = splat(12582912.0f); /* adding it rounds to an integer in the low bits */
        vec v = (i + VL <= n ? load(x + i) : load_part(x + i, n - i, 0.0f)) * factor + origin;
        ivec whole = bits(vmin(vmax(v, splat(0.0f)), splat(NN_I8_INPUT)) + magic) & 0xff;
        for (int j = 0; j < VL && i + j < n; j++)
            q[i + j] = (uint8_t)whole[j];
    }
    for (i = n; i < nn_i8_inputs(n); i++)
        q[i] = 0;
}
