/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx512.c - the kernels for AVX-512 (F, BW, DQ, VL): 14 rows x 32 columns of sums in 28 of 32 registers. */
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "this file must be compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif
#include <immintrin.h>

#define NN_ISA avx512
#define NN_ISA_NAME "avx512"
#define VL 16
#define TILE_ROWS 14
#define TILE_VECS 2
#define VEC_HALF(p) ((vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
/* Pairs of products of at most 255 * 63 fit into 16 bits. */
#define I8_STEP(sum, x, w)                                                                                             \
    PLUS(sum, _mm512_madd_epi16(_mm512_set1_epi16(1), _mm512_maddubs_epi16((__m512i)(x), (__m512i)(w))))
#define I16_STEP(sum, x, w) PLUS(sum, _mm512_madd_epi16((__m512i)(x), (__m512i)(w)))
#define WIDEN(p) ((ivec)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#include "nn/kernels_body.h"
