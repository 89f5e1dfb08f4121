/* SPDX-License-Identifier: Apache-2.0
 * torch_file.h - checkpoints of torch.save (PyTorch 1.6 and later). */
#ifndef LINNET_CONVERT_TORCH_FILE_H
#define LINNET_CONVERT_TORCH_FILE_H

#include "convert/checkpoint.h"

/* Opens the file.  Dictionaries in dictionaries are joined with dots: "model_state_dict.encoder.conv1.weight"; whole
 * numbers in them ("dims.n_mels") are the checkpoint's numbers, text and fractions are left out. */
int torch_file_open(struct checkpoint **out, const char *path, struct message *msg) LINNET_MUST_CHECK;

#endif
