/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx2.c - the kernels for AVX2 with FMA and F16C. */
#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "this file must be compiled with -mavx2 -mfma -mf16c"
#endif

#define NN_ISA avx2
#define NN_ISA_NAME "avx2"
#include "nn/kernels_avx2.h"
#include "nn/kernels_body.h"
