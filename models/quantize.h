/* SPDX-License-Identifier: Apache-2.0
 * quantize.h - a model directory whose linear layers are stored as int8 computes them. */
#ifndef LINNET_MODELS_QUANTIZE_H
#define LINNET_MODELS_QUANTIZE_H

#include "base/status.h"

/* Opens the model in dir in 8 bits and puts a model.safetensors in the place of its own that has the layers as they
 * were opened (nn/linear_stored.h) and all other tensors as they were. */
LINNET_MUST_CHECK int model_quantize(const char *dir, struct message *msg);

/* 1 when the model in dir is of that kind. */
LINNET_MUST_CHECK int model_is_quantized(const char *dir, struct message *msg);

#endif
