/* SPDX-License-Identifier: Apache-2.0
 * kernels_avxvnni.c - the kernels for AVX2 with products of bytes (AVX-VNNI); else as for AVX2. */
#if !defined(__AVXVNNI__)
#error "this file must be compiled with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#include <immintrin.h>

#define NN_ISA avxvnni
#define NN_ISA_NAME "avxvnni"
#define VL 8
#define TILE_ROWS 6
#define TILE_VECS 2
#define VEC_HALF(p) ((vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define I8_STEP(sum, x, w) ((ivec)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w)))
#define I16_STEP(sum, x, w) ((ivec)_mm256_dpwssd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w)))
#define WIDEN(p) ((ivec)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define INT_KEEP(v) __asm__ volatile("" : "+x"(v))
#include "nn/kernels_body.h"
