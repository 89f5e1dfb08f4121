/* SPDX-License-Identifier: Apache-2.0
 * kernels_scalar.c - the kernels for any processor: what the compiler makes of vectors of four floats. */
#define NN_ISA scalar
#define NN_ISA_NAME "scalar"
#define VL 4
#define TILE_ROWS 4
#define TILE_VECS 2
#include "nn/kernels_body.h"
