/* SPDX-License-Identifier: Apache-2.0
 * wenet.h - what tensors are called in WeNet's checkpoints. */
#ifndef LINNET_MODELS_WENET_H
#define LINNET_MODELS_WENET_H

#include "base/config.h"
#include "encoder/conformer.h"
#include "nn/text_decoder.h"

/* Those of the encoder that the model's config.json describes. */
const struct conformer_names *wenet_encoder_names(const struct config *config);

extern const struct text_decoder_names wenet_decoder_names;

#endif
