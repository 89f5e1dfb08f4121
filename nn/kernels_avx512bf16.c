/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx512bf16.c - the kernels for AVX-512 with products of bytes (VNNI) and of bf16; else as for AVX-512. */
#if !defined(__AVX512VNNI__) || !defined(__AVX512BF16__)
#error "this file must be compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512bf16"
#endif

#define NN_ISA avx512bf16
#define NN_ISA_NAME "avx512bf16"
#include "nn/kernels_avx512.h"
#include "nn/kernels_body.h"
