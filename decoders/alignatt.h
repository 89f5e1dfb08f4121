/* SPDX-License-Identifier: Apache-2.0
 * alignatt.h - Whisper as a streaming recogniser: words as soon as attention says that they have been heard. */
#ifndef LINNET_DECODERS_ALIGNATT_H
#define LINNET_DECODERS_ALIGNATT_H

#include "decoders/decoder.h"

extern const struct decoder_ops alignatt_decoder;

/* Its two ways of working, which decoder.compat chooses from: our own, and Simul-Whisper's to the letter. */
extern const struct decoder_ops alignatt_stream_ops, alignatt_simul_ops;

#endif
