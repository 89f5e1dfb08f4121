/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx512bf16.c - the kernels for AVX-512 with products of bytes (VNNI) and of bf16; else as for AVX-512. */
#if !defined(__AVX512VNNI__) || !defined(__AVX512BF16__)
#error "this file must be compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512bf16"
#endif
#include <immintrin.h>

#define NN_ISA avx512bf16
#define NN_ISA_NAME "avx512bf16"
#define VL 16
#define TILE_ROWS 14
#define TILE_VECS 2
#define VEC_HALF(p) ((vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#define I8_STEP(sum, x, w) ((ivec)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#define I16_STEP(sum, x, w) ((ivec)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#define WIDEN(p) ((ivec)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#define BF16_STEP(sum, x, w) ((vec)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(w)))
#include "nn/kernels_body.h"
