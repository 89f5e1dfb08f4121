/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx512.c - the kernels for AVX-512 (F, BW, DQ, VL). */
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "this file must be compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#define NN_ISA avx512
#define NN_ISA_NAME "avx512"
#include "nn/kernels_avx512.h"
#include "nn/kernels_body.h"
