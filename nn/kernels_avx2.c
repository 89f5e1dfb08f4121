/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx2.c - the kernels for AVX2 with FMA and F16C: 6 rows x 16 columns of sums in 12 of 16 registers. */
#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "this file must be compiled with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>

#define NN_ISA avx2
#define NN_ISA_NAME "avx2"
#define VL 8
#define TILE_ROWS 6
#define TILE_VECS 2
#define VEC_HALF(p) ((vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p))))
/* Pairs of products of at most 255 * 63 fit into 16 bits. */
#define I8_STEP(sum, x, w)                                                                                             \
    PLUS(sum, _mm256_madd_epi16(_mm256_set1_epi16(1), _mm256_maddubs_epi16((__m256i)(x), (__m256i)(w))))
#define I16_STEP(sum, x, w) PLUS(sum, _mm256_madd_epi16((__m256i)(x), (__m256i)(w)))
#define INT_KEEP(v) __asm__ volatile("" : "+x"(v))
#define WIDEN(p) ((ivec)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#include "nn/kernels_body.h"
