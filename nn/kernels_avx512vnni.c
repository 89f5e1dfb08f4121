/* SPDX-License-Identifier: Apache-2.0
 * kernels_avx512vnni.c - the kernels for AVX-512 with products of bytes (VNNI); else as for AVX-512. */
#if !defined(__AVX512VNNI__)
#error "this file must be compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni"
#endif

#define NN_ISA avx512vnni
#define NN_ISA_NAME "avx512vnni"
#include "nn/kernels_avx512.h"
#include "nn/kernels_body.h"
