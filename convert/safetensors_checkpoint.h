/* SPDX-License-Identifier: Apache-2.0
 * safetensors_checkpoint.h - the safetensors of a directory as a checkpoint, to be converted like any other. */
#ifndef LINNET_CONVERT_SAFETENSORS_CHECKPOINT_H
#define LINNET_CONVERT_SAFETENSORS_CHECKPOINT_H

#include "convert/checkpoint.h"

/* Opens dir/model.safetensors or its parts (safetensors_open_dir). */
int safetensors_checkpoint_open(struct checkpoint **out, const char *dir, struct message *msg) LINNET_MUST_CHECK;

#endif
