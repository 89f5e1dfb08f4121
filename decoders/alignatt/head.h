/* SPDX-License-Identifier: Apache-2.0
 * head.h - Simul-Whisper's truncation head: does the audio end with the end of a word? */
#ifndef LINNET_DECODERS_ALIGNATT_HEAD_H
#define LINNET_DECODERS_ALIGNATT_HEAD_H

#include "base/status.h"
#include "nn/kernels.h"

#define ALIGNATT_HEAD_FILE "truncation_head.safetensors"

/* Reads the head, one linear layer D -> 1, from its file in dir.  *weight is the caller's to mem_free. */
LINNET_MUST_CHECK int alignatt_head_read(float **weight, float *bias, const char *dir, int d_model,
                                         struct message *msg);

/* 1 when a word ends with the last of the encoder states [n, D]; weight [D]; amounts [n] is scratch. */
int alignatt_head_fires(const struct nn_kernels *kernels, const float *weight, float bias, const float *states, int n,
                        int d_model, float *amounts);

#endif
