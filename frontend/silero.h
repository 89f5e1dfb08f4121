/* SPDX-License-Identifier: Apache-2.0
 * silero.h - Silero VAD v6, 16 kHz: how probable speech is in each block of 32 ms. */
#ifndef LINNET_FRONTEND_SILERO_H
#define LINNET_FRONTEND_SILERO_H

#include "base/status.h"

/* Samples of a block, and of the block before it that the network hears again. */
enum { SILERO_BLOCK = 512, SILERO_BEFORE = 64 };

struct silero;

/* Reads the weights (silero_vad_16k.safetensors of the package silero-vad); the file is not needed afterwards. */
LINNET_MUST_CHECK int silero_open(struct silero **out, const char *path, struct message *msg);
void silero_close(struct silero *s); /* NULL is fine */
void silero_reset(struct silero *s);

/* The probability of speech in the next block [SILERO_BEFORE + SILERO_BLOCK], which begins with the last samples of the
 * block before it, zeros at first. */
float silero_step(struct silero *s, const float *block);

#endif
