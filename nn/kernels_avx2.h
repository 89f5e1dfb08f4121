/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx2.h - kernels_body.h's macros for AVX2 with FMA and F16C, and its products of bytes (VNNI) where the
 * including file is compiled with them: 6 rows x 16 columns of sums in 12 of 16 registers. */
#include <immintrin.h>

#define VL 8
#define TILE_ROWS 6
#define TILE_VECS 2
#define VEC_HALF(p) ((vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define VMAX(a, b) ((vec)_mm256_max_ps(a, b))
#define VMIN(a, b) ((vec)_mm256_min_ps(a, b))
#ifdef __AVXVNNI__
#define I8_STEP(sum, x, w) ((ivec)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w)))
#define I16_STEP(sum, x, w) ((ivec)_mm256_dpwssd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w)))
#else
/* Pairs of products of at most 255 * 63 fit into 16 bits. */
#define I8_STEP(sum, x, w)                                                                                             \
    PLUS(sum, _mm256_madd_epi16(_mm256_set1_epi16(1), _mm256_maddubs_epi16((__m256i)(x), (__m256i)(w))))
#define I16_STEP(sum, x, w) PLUS(sum, _mm256_madd_epi16((__m256i)(x), (__m256i)(w)))
#endif
#define INT_KEEP(v) __asm__ volatile("" : "+x"(v))
#define WIDEN(p) ((ivec)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p))))
