/* SPDX-License-Identifier: Apache-2.0
 * ct2_file.h - CTranslate2's model.bin (faster-whisper), versions 4 to 6. */
#ifndef LINNET_CONVERT_CT2_FILE_H
#define LINNET_CONVERT_CT2_FILE_H

#include "convert/checkpoint.h"

/* Opens the file, or the parts that it was cut into.  Tensors have CTranslate2's names ("decoder/layer_0/ffn/linear_0/
 * weight"); weights kept in 8 or 16 bit integers with a scale appear as the 32-bit floats that they stand for, without
 * their scales; variables without dimensions ("encoder/num_heads") are numbers. */
int ct2_file_open(struct checkpoint **out, const char *const paths[], int n_paths,
                  struct message *msg) LINNET_MUST_CHECK;

#endif
