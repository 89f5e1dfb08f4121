/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx512.h - kernels_body.h's macros for AVX-512 (F, BW, DQ, VL), and its products of bytes (VNNI) and of bf16
 * where the including file is compiled with them: 14 rows x 32 columns of sums in 28 of 32 registers. */
#include <immintrin.h>

#define VL 16
#define TILE_ROWS 14
#define TILE_VECS 2
#define VEC_HALF(p) ((vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#define VMAX(a, b) ((vec)_mm512_max_ps(a, b))
#define VMIN(a, b) ((vec)_mm512_min_ps(a, b))
#ifdef __AVX512VNNI__
#define I8_STEP(sum, x, w) ((ivec)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#define I16_STEP(sum, x, w) ((ivec)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#else
/* Pairs of products of at most 255 * 63 fit into 16 bits. */
#define I8_STEP(sum, x, w)                                                                                             \
    PLUS(sum, _mm512_madd_epi16(_mm512_set1_epi16(1), _mm512_maddubs_epi16((__m512i)(x), (__m512i)(w))))
#define I16_STEP(sum, x, w) PLUS(sum, _mm512_madd_epi16((__m512i)(x), (__m512i)(w)))
#endif
#ifdef __AVX512BF16__
#define BF16_STEP(sum, x, w) ((vec)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(w)))
#endif
#define WIDEN(p) ((ivec)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
