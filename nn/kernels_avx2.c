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
#include "nn/kernels_body.h"
