/* SPDX-License-Identifier: Apache-2.0
 * kernels_neondot.c - the kernels for AArch64 with products of bytes (FEAT_DotProd); else as for AArch64. */
#if !defined(__ARM_FEATURE_DOTPROD)
#error "this file must be compiled with -march=armv8.2-a+dotprod"
#endif
#include <arm_neon.h>

#define NN_ISA neondot
#define NN_ISA_NAME "neondot"
#define VL 4
#define TILE_ROWS 6
#define TILE_VECS 4
#define VEC_HALF(p) ((vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))))
/* The instruction takes signed bytes: inputs less 128, as is then their zero point. */
#define I8_SHIFT 128
#define I8_STEP(sum, x, w)                                                                                             \
    ((ivec)vdotq_s32((int32x4_t)(sum), (int8x16_t)veorq_u8((uint8x16_t)(x), vdupq_n_u8(128)), (int8x16_t)(w)))
#include "nn/kernels_body.h"
