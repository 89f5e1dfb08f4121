/* SPDX-License-Identifier: Apache-2.0
 * kernels_int.h - products of 8-bit and 16-bit numbers, a part of kernels_body.h.
 *
 * A step takes four bytes of a row, broadcast, against four of each output: a quad of 8-bit numbers or a pair of 16-bit
 * ones; or a quad of 16-bit inputs against a quad of 8-bit weights, widened as they are loaded.  The including file may
 * define I8_STEP(sum, x, w), of VL quads of unsigned and of signed bytes, with I8_SHIFT where it takes inputs less that
 * number; I16_STEP(sum, x, w), of VL pairs; WIDEN(p), which loads VL / 2 quads of signed bytes as 16-bit numbers; and
 * INT_KEEP(v), which keeps the compiler from moving the loads of later rows before the sums of this one, for which
 * there are no registers. */

/* Sums wrap around: where a model file has weights that nobody made, they may. */
#define PLUS(a, b) ((ivec)((uvec)(a) + (uvec)(b)))

#ifdef I8_STEP
#define I8_IS_FAST 1
#else
#define I8_IS_FAST 0
INLINE ivec quad_products(ivec sum, ivec x, ivec w)
{
#pragma GCC unroll 4
    for (int b = 0; b < 4; b++)
        sum = PLUS(sum, ((x >> (8 * b)) & 0xff) * ((ivec)((uvec)w << (24 - 8 * b)) >> 24));
    return sum;
}
#define I8_STEP(sum, x, w) quad_products(sum, x, w)
#endif
#ifndef I16_STEP
#define LOW16(v) ((ivec)((uvec)(v) << 16) >> 16)
#define I16_STEP(sum, x, w) PLUS(PLUS(sum, LOW16(x) * LOW16(w)), ((x) >> 16) * ((w) >> 16))
#endif
#ifndef INT_KEEP
#define INT_KEEP(v) (void)0
#endif

#ifndef I8_SHIFT
#define I8_SHIFT 0
#endif

enum { I8, I16 };

typedef int32_t ivec_u __attribute__((vector_size(VL * 4), aligned(1), may_alias));
typedef int32_t quad_u __attribute__((aligned(1), may_alias));

INLINE ivec quads_load(const int8_t *p) { return *(const ivec_u *)(const void *)p; }
INLINE ivec quad_splat(const uint8_t *p) { return *(const quad_u *)(const void *)p - (ivec){0}; }

/* What the sums of row i and the VL columns from col on stand for. */
INLINE vec dequantized(ivec sum, int i, int col, const struct nn_epilogue *end)
{
    vec scale = splat(end->row_scales[i]);
    if (end->sums != NULL)
        sum = PLUS(sum, (uint32_t)(I8_SHIFT - end->row_zeros[i]) *
                            (uvec)load((const float *)(const void *)(end->sums + col)));
    if (end->scales != NULL)
        scale *= load(end->scales + col);
    return __builtin_convertvector(sum, vec) * scale;
}

INLINE void int_step(const int rows, const int n_vecs, int k, const uint8_t *a, const int8_t *panel,
                     ivec acc[TILE_ROWS][PANEL_VECS], const int type)
{
    ivec w[PANEL_VECS];
#pragma GCC unroll 8
    for (int v = 0; v < n_vecs; v++)
        w[v] = quads_load(panel + (ptrdiff_t)k * 4 * NN_PANEL + 4 * VL * v);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        ivec x = quad_splat(a + 4 * (k * rows + i));
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++) {
            acc[i][v] = type == I8 ? I8_STEP(acc[i][v], x, w[v]) : I16_STEP(acc[i][v], x, w[v]);
            INT_KEEP(acc[i][v]);
        }
    }
}

INLINE void tile_int(const int rows, const int n_vecs, int n_steps, const uint8_t *a, const int8_t *panel, int col,
                     float *c, ptrdiff_t ldc, int n_cols, const struct nn_epilogue *end, const int type)
{
    ivec acc[TILE_ROWS][PANEL_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            acc[i][v] = (ivec){0};
    panel += 4 * col;
#define STEP(k) int_step(rows, n_vecs, k, a, panel, acc, type)
    EACH_STEP(n_steps, STEP);
#undef STEP
    vec values[TILE_ROWS][PANEL_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            values[i][v] = dequantized(acc[i][v], i, col + v * VL, end);
    put_tile(rows, n_vecs, values, col, c, ldc, n_cols, end);
}

#ifndef WIDEN
INLINE ivec quads_widened(const int8_t *p)
{
    typedef int8_t narrow __attribute__((vector_size(VL * 2), aligned(1), may_alias));
    typedef int16_t wide __attribute__((vector_size(VL * 4)));
    return (ivec) __builtin_convertvector(*(const narrow *)p, wide);
}
#define WIDEN(p) quads_widened(p)
#endif

INLINE ivec wide_quad_splat(const uint8_t *p)
{
    typedef int64_t lvec __attribute__((vector_size(VL * 4)));
    typedef int64_t wide_quad __attribute__((aligned(1), may_alias));
    return (ivec)(*(const wide_quad *)(const void *)p - (lvec){0});
}

/* The sums of neighbours, first those of `low`. */
INLINE ivec pair_sums(ivec low, ivec high)
{
    uint32_t pairs[2 * VL];
    uvec sums;
    memcpy(pairs, &low, sizeof low);
    memcpy(pairs + VL, &high, sizeof high);
    for (int j = 0; j < VL; j++)
        sums[j] = pairs[2 * j] + pairs[2 * j + 1];
    return (ivec)sums;
}

INLINE void wide_step(const int rows, const int n_vecs, int k, const uint8_t *a, const int8_t *panel,
                      ivec acc[TILE_ROWS][2 * PANEL_VECS])
{
    ivec w[2 * PANEL_VECS];
#pragma GCC unroll 16
    for (int v = 0; v < 2 * n_vecs; v++)
        w[v] = WIDEN(panel + (ptrdiff_t)k * 4 * NN_PANEL + 2 * VL * v);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        ivec x = wide_quad_splat(a + 8 * (k * rows + i));
#pragma GCC unroll 16
        for (int v = 0; v < 2 * n_vecs; v++) {
            acc[i][v] = I16_STEP(acc[i][v], x, w[v]);
            INT_KEEP(acc[i][v]);
        }
    }
}

/* 16-bit inputs and 8-bit weights.  The sum of an output is in two lanes until the end, so VL outputs take two vectors
 * of sums. */
INLINE void tile_wide(const int rows, const int n_vecs, int n_steps, const uint8_t *a, const int8_t *panel, int col,
                      float *c, ptrdiff_t ldc, int n_cols, const struct nn_epilogue *end)
{
    ivec acc[TILE_ROWS][2 * PANEL_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int v = 0; v < 2 * n_vecs; v++)
            acc[i][v] = (ivec){0};
    panel += 4 * col;
#define STEP(k) wide_step(rows, n_vecs, k, a, panel, acc)
    EACH_STEP(n_steps, STEP);
#undef STEP
    vec values[TILE_ROWS][PANEL_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++)
            values[i][v] = dequantized(pair_sums(acc[i][2 * v], acc[i][2 * v + 1]), i, col + v * VL, end);
    put_tile(rows, n_vecs, values, col, c, ldc, n_cols, end);
}

#define INT_CASE(r)                                                                                                    \
    case r:                                                                                                            \
        for (int col = 0; col < n_cols; col += WIDTH(r) * VL)                                                          \
            tile_int(r <= TILE_ROWS ? r : 1, WIDTH(r), n_steps, a, panel, col, c, ldc, n_cols, end, type);             \
        break;

INLINE void panel_int(int rows, int n_steps, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                      const struct nn_epilogue *end, const int type)
{
    switch (rows) {
        EACH_ROWS(INT_CASE)
    }
}

/* As WIDTH: with twice the vectors, and registers for weights that more than one row meets. */
#define WIDE(r)                                                                                                        \
    ((r) == 1 ? PANEL_VECS : ((r) + 1) * TILE_VECS <= TILE_ROWS * TILE_VECS / 2 + 1 ? TILE_VECS : TILE_VECS / 2)
#define WIDE_CASE(r)                                                                                                   \
    case r:                                                                                                            \
        for (int col = 0; col < n_cols; col += WIDE(r) * VL)                                                           \
            tile_wide(r <= TILE_ROWS ? r : 1, WIDE(r), n_steps, a, panel, col, c, ldc, n_cols, end);                   \
        break;

static void FN(panel_i8x16)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                            const struct nn_epilogue *end)
{
    int n_steps = nn_i8_inputs(n_in) / 4;
    switch (rows) {
        EACH_ROWS(WIDE_CASE)
    }
}

static void FN(panel_i8)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                         const struct nn_epilogue *end)
{
    panel_int(rows, nn_i8_inputs(n_in) / 4, a, panel, c, ldc, n_cols, end, I8);
}

#ifndef I8_PRODUCT
#define I8_PRODUCT                                                                                                     \
    {                                                                                                                  \
        FN(panel_i8), TILE_ROWS, 4, NULL, NULL                                                                         \
    }
#endif

static void FN(panel_i16)(int rows, int n_in, const void *a, const void *panel, float *c, ptrdiff_t ldc, int n_cols,
                          const struct nn_epilogue *end)
{
    panel_int(rows, nn_i16_inputs(n_in) / 2, a, panel, c, ldc, n_cols, end, I16);
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

/* Rounded to the nearest, of at most 22 bits: adding the number puts it into the low bits. */
INLINE ivec whole_of(vec v)
{
    const vec magic = splat(12582912.0f);
    return bits(v + magic) - bits(magic);
}

typedef int16_t shorts __attribute__((vector_size(VL * 2)));
typedef int8_t small __attribute__((vector_size(VL)));
typedef uint8_t bytes __attribute__((vector_size(VL)));

/* Whole numbers of 8 bits, signed or not.  By way of 16 bits, or compilers take every number out of its vector: only
 * AVX-512 has an instruction. */
#if VL == 16
#define NARROWED(v, type) __builtin_convertvector(v, type)
#else
#define NARROWED(v, type) __builtin_convertvector(__builtin_convertvector(v, shorts), type)
#endif

/* Rounded to the nearest of 0 .. NN_I8_INPUT. */
INLINE bytes whole_bytes(vec v) { return NARROWED(whole_of(vmin(vmax(v, splat(0.0f)), splat(NN_I8_INPUT))), bytes); }

static void FN(quantize)(const float *x, int n, uint8_t *q, float *scale, int32_t *zero)
{
    float low, high;
    range_of(x, n, &low, &high);
    float step = (high - low) / NN_I8_INPUT;
    float factor = step > FLT_MIN ? 1 / step : 0;
    float origin = step < INFINITY ? rintf(-low * factor) : 0;
    *scale = step;
    *zero = (int32_t)origin;
    int i = 0;
    for (; i + VL <= n; i += VL) {
        bytes part = whole_bytes(load(x + i) * factor + origin);
        memcpy(q + i, &part, sizeof part);
    }
    bytes rest = whole_bytes(load_part(x + i, n - i, 0.0f) * factor + origin);
    for (int j = 0; i + j < nn_i8_inputs(n); j++)
        q[i + j] = i + j < n ? rest[j] : 0;
}

/* VL values from i on, times factors if there are any; 0 from n on. */
INLINE vec values_of(const float *x, const float *factors, int i, int n)
{
    if (i + VL <= n)
        return factors != NULL ? load(x + i) * load(factors + i) : load(x + i);
    vec v = load_part(x + i, n - i, 0.0f);
    return factors != NULL ? v * load_part(factors + i, n - i, 0.0f) : v;
}

INLINE void add_size(vec v, vec *most, vec *sum)
{
    vec size = (vec)(bits(v) & 0x7fffffff);
    *most = vmax(size, *most);
    *sum += size;
}

static void FN(quantize16)(const float *x, const float *factors, int n, const struct nn_i16_limits *limits, int16_t *q,
                           float *scale)
{
    /* A chain of additions for each vector of a panel, none of which waits for the others: zeros for whole panels of
     * keys before a row's, or after them, change nothing. */
    vec most[PANEL_VECS] = {splat(0.0f)}, sum[PANEL_VECS] = {splat(0.0f)};
    int i = 0;
    for (; i + NN_PANEL <= n; i += NN_PANEL)
#pragma GCC unroll 8
        for (int v = 0; v < PANEL_VECS; v++)
            add_size(values_of(x, factors, i + v * VL, n), &most[v], &sum[v]);
    for (int v = 0; i + v * VL < n; v++)
        add_size(values_of(x, factors, i + v * VL, n), &most[v], &sum[v]);
    for (int v = 1; v < PANEL_VECS; v++) {
        most[0] = vmax(most[0], most[v]);
        sum[0] += sum[v];
    }
    float by_most = max_of(most[0]) / limits->most, by_total = sum_of(sum[0]) / limits->total;
    *scale = by_most > by_total ? by_most : by_total;
    float factor = *scale > 0 ? 1 / *scale : 0;
    for (i = 0; i + VL <= n; i += VL) {
        shorts part = __builtin_convertvector(whole_of(values_of(x, factors, i, n) * factor), shorts);
        memcpy(q + i, &part, sizeof part);
    }
    ivec rest = whole_of(values_of(x, factors, i, n) * factor);
    for (int j = 0; i + j < nn_i16_inputs(n); j++)
        q[i + j] = i + j < n ? (int16_t)rest[j] : 0;
}

static void FN(quantize_weights)(const float *x, int n, int most, int8_t *q, float *scale, int32_t *sum)
{
    vec largest = splat(0.0f);
    int i;
    for (i = 0; i + VL <= n; i += VL)
        largest = vmax((vec)(bits(load(x + i)) & 0x7fffffff), largest);
    largest = vmax((vec)(bits(load_part(x + i, n - i, 0.0f)) & 0x7fffffff), largest);
    *scale = max_of(largest) / (float)most;
    float factor = *scale > 0 ? 1 / *scale : 0;
    ivec sums = {0};
    for (i = 0; i + VL <= n; i += VL) {
        ivec whole = whole_of(load(x + i) * factor);
        small part = NARROWED(whole, small);
        sums += whole;
        memcpy(q + i, &part, sizeof part);
    }
    ivec rest = whole_of(load_part(x + i, n - i, 0.0f) * factor);
    sums += rest;
    for (int j = 0; i + j < nn_i8_inputs(n); j++)
        q[i + j] = (int8_t)rest[j];
    *sum = 0;
    for (int j = 0; j < VL; j++)
        *sum += sums[j];
}
