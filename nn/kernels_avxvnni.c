/* SPDX-License-Identifier: Apache-2.0
 * kernels_avxvnni.c - the kernels for AVX2 with products of bytes (AVX-VNNI); else as for AVX2. */
#if !defined(__AVXVNNI__)
#error "this file must be compiled with -mavx2 -mfma -mf16c -mavxvnni"
#endif

#define NN_ISA avxvnni
#define NN_ISA_NAME "avxvnni"
#include "nn/kernels_avx2.h"
#include "nn/kernels_body.h"
