/* SPDX-License-Identifier: Apache-2.0
 * kernels_bf16.h - products of bf16 numbers, a part of kernels_body.h.
 *
 * A step takes a pair of inputs of a row, broadcast, against pairs of each output.  The including file may define
 * BF16_STEP(sum, x, w), of VL pairs; else a step is two of floats, one for each half of the pairs, which give the bits
 * of products in single precision.  A file with other products altogether defines BF16_PRODUCT, as kernels_amx.c. */

#ifdef BF16_STEP
#define BF16_HALVES 1
INLINE ivec bf16_half(ivec pairs, int half) { return half == 0 ? pairs : (ivec){0}; }
#else
#define BF16_HALVES 2
#define BF16_STEP(sum, x, w) ((sum) + (vec)(x) * (vec)(w))
INLINE ivec bf16_half(ivec pairs, int half) { return half == 0 ? (ivec)((uvec)pairs << 16) : pairs & ~0xffff; }
#endif

#ifndef BF16_PRODUCT
typedef int32_t pairs_u __attribute__((vector_size(VL * 4), aligned(1), may_alias));
typedef int32_t pair_u __attribute__((aligned(1), may_alias));

INLINE void tile_bf16(const int rows, const int n_vecs, int n_pairs, const char *a, const char *panel, int col,
                      float *c, ptrdiff_t ldc, int n_cols, const struct nn_epilogue *end)
{
    vec acc[TILE_ROWS][PANEL_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            acc[i][v] = splat(0.0f);
    panel += 4 * col;
    for (int k = 0; k < n_pairs; k++, a += 4 * rows, panel += 4 * NN_PANEL)
#pragma GCC unroll 2
        for (int half = 0; half < BF16_HALVES; half++) {
            ivec w[PANEL_VECS];
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v++)
                w[v] = bf16_half(*(const pairs_u *)(const void *)(panel + 4 * VL * v), half);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                ivec x = bf16_half(*(const pair_u *)(const void *)(a + 4 * i) - (ivec){0}, half);
#pragma GCC unroll 8
                for (int v = 0; v < n_vecs; v++)
                    acc[i][v] = BF16_STEP(acc[i][v], x, w[v]);
            }
        }
    put_tile(rows, n_vecs, acc, col, c, ldc, n_cols, end);
}

#define BF16_CASE(r)                                                                                                   \
    case r:                                                                                                            \
        for (int col = 0; col < n_cols; col += WIDTH(r) * VL)                                                          \
            tile_bf16(r <= TILE_ROWS ? r : 1, WIDTH(r), nn_i16_inputs(n_in) / 2, a, panel, col, c, ldc, n_cols, end);  \
        break;

static void FN(panel_bf16x16)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                              const struct nn_epilogue *end)
{
    switch (rows) {
        EACH_ROWS(BF16_CASE)
    }
}
#define BF16_PRODUCT                                                                                                   \
    {                                                                                                                  \
        FN(panel_bf16x16), TILE_ROWS, 4, NULL, NULL                                                                    \
    }
#endif

#ifndef BF16_IS_FAST
#define BF16_IS_FAST 0
#endif
