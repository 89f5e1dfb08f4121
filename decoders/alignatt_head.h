/* SPDX-License-Identifier: Apache-2.0
 * alignatt_head.h - Simul-Whisper's truncation head: does the audio end with the end of a word? */
#ifndef LINNET_DECODERS_ALIGNATT_HEAD_H
#define LINNET_DECODERS_ALIGNATT_HEAD_H

#include "nn/kernels.h"

/* 1 when a word ends with the last of the encoder states [n, D]; weight [D]; amounts [n] is scratch. */
int alignatt_head_fires(const struct nn_kernels *kernels, const float *weight, float bias, const float *states, int n,
                        int d_model, float *amounts);

#endif
