/* SPDX-License-Identifier: Apache-2.0
 * kernels_neon.c - the kernels for AArch64: 6 rows x 16 columns of sums in 24 of 32 registers. */
#if !defined(__aarch64__)
#error "this file is for AArch64"
#endif
#include <arm_neon.h>

#define NN_ISA neon
#define NN_ISA_NAME "neon"
#define VL 4
#define TILE_ROWS 6
#define TILE_VECS 4
#define VEC_HALF(p) ((vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))))
#include "nn/kernels_body.h"
