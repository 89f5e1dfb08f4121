/* SPDX-License-Identifier: Apache-2.0
 * kernels_amx.c - the kernels for AMX: products of bytes and of bf16 in tiles; else as for AVX-512 with VNNI.
 *
 * A tile is 16 rows of 64 bytes.  A step takes 64 bytes of up to 32 rows, two tiles, against as many rows of a panel,
 * which lie there as the instructions want them, in two tiles of 16 columns; four tiles hold sums.  All tiles have
 * their full size throughout, since to configure them takes as long as some products: where rows are fewer, those of
 * what follows in memory are computed too and go nowhere.  Sums of bf16 are those of all steps, each of which adds the
 * 16 even and the 16 odd products first: the same for a row alone. */
#if !defined(__AVX512VNNI__) || (!defined(__AMX_TILE__) && !defined(__AMXTILE__)) /* the second in older clang */
#error "this file must be compiled with -mamx-tile -mamx-int8 -mamx-bf16 and as kernels_avx512vnni.c"
#endif
#include "nn/kernels.h"

static nn_panel_product tiles_i8, tiles_bf16;
static void tiles_begin(void);
static void tiles_end(void);

#define NN_ISA amx
#define NN_ISA_NAME "amx"
#include "nn/kernels_avx512.h"
#define BF16_IS_FAST 1
#define I8_PRODUCT                                                                                                     \
    {                                                                                                                  \
        tiles_i8, 2 * STEP_ROWS, STEP_BYTES, tiles_begin, tiles_end                                                    \
    }
#define BF16_PRODUCT                                                                                                   \
    {                                                                                                                  \
        tiles_bf16, 2 * STEP_ROWS, STEP_BYTES, tiles_begin, tiles_end                                                  \
    }
enum { STEP_ROWS = 16, STEP_BYTES = 64, PANEL_BYTES = 4 * NN_PANEL }; /* of a tile; of a row of a panel */
#include "nn/kernels_body.h"

enum { BYTES, PAIRS };

static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} full_tiles __attribute__((aligned(64))) = {
    .palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

static void tiles_begin(void) { _tile_loadconfig(&full_tiles); }
static void tiles_end(void) { _tile_release(); }

/* Tiles 0 .. 3 hold sums: of the first 16 rows, left and right, and of the others; 4 and 5 rows, 6 and 7 the panel. */
INLINE void step(int rows, const char *a, const char *panel, const int type)
{
    _tile_loadd(6, panel, PANEL_BYTES);
    _tile_loadd(7, panel + STEP_BYTES, PANEL_BYTES);
    _tile_loadd(4, a, STEP_BYTES);
    if (type == BYTES) {
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
    } else {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
    }
    if (rows <= STEP_ROWS)
        return;
    _tile_loadd(5, a + STEP_ROWS * STEP_BYTES, STEP_BYTES);
    if (type == BYTES) {
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    } else {
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/* All steps over n rows of the panel, quads or pairs.  What it lacks to the last step is taken as zeros, as are the
 * inputs that fill up rows: behind it may be anything, or nothing. */
INLINE void sum_up(int rows, int n, const char *a, const char *panel, const int type)
{
    _tile_zero(0);
    _tile_zero(1);
    if (rows > STEP_ROWS) {
        _tile_zero(2);
        _tile_zero(3);
    }
    for (; n >= STEP_ROWS; n -= STEP_ROWS, a += rows * STEP_BYTES, panel += STEP_ROWS * PANEL_BYTES)
        step(rows, a, panel, type);
    if (n > 0) {
        _Alignas(64) char last[STEP_ROWS * PANEL_BYTES];
        memcpy(last, panel, (size_t)(n * PANEL_BYTES));
        memset(last + n * PANEL_BYTES, 0, (size_t)((STEP_ROWS - n) * PANEL_BYTES));
        __asm__ volatile("" ::: "memory"); /* not every compiler knows that loads of tiles read memory */
        step(rows, a, last, type);
    }
}

/* Sums into c, of which there must be as many rows as tiles have. */
INLINE void store_sums(int rows, void *c, ptrdiff_t ldc)
{
    char *to = c;
    ptrdiff_t stride = ldc * (ptrdiff_t)sizeof(float);
    _tile_stored(0, to, stride);
    _tile_stored(1, to + STEP_BYTES, stride);
    if (rows > STEP_ROWS) {
        _tile_stored(2, to + STEP_ROWS * stride, stride);
        _tile_stored(3, to + STEP_ROWS * stride + STEP_BYTES, stride);
    }
}

/* A row alone lies as the vector product wants it, whose sums are the same. */
static void tiles_i8(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                     const struct nn_epilogue *end)
{
    _Alignas(64) float sums[NN_MAX_ROWS * NN_PANEL];
    if (rows == 1) {
        panel_i8_amx(1, n_in, a, panel, c, ldc, n_cols, end);
        return;
    }
    sum_up(rows, nn_i8_inputs(n_in) / 4, a, panel, BYTES);
    store_sums(rows, sums, NN_PANEL);
    for (int i = 0; i < rows; i++)
        for (int col = 0; col < NN_PANEL; col += VL) {
            float *at = sums + i * NN_PANEL + col;
            store(at, dequantized(bits(load(at)), i, col, end));
        }
    finish_tile(rows, NN_PANEL, sums, 0, c, ldc, n_cols, end);
}

static void tiles_bf16(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                       const struct nn_epilogue *end)
{
    _Alignas(64) float sums[NN_MAX_ROWS * NN_PANEL];
    sum_up(rows, nn_i16_inputs(n_in) / 2, a, panel, PAIRS);
    if (end->bias == NULL && end->act == NN_NONE && !end->add && n_cols == NN_PANEL && rows % STEP_ROWS == 0) {
        store_sums(rows, c, ldc);
        return;
    }
    store_sums(rows, sums, NN_PANEL);
    finish_tile(rows, NN_PANEL, sums, 0, c, ldc, n_cols, end);
}
