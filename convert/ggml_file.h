/* SPDX-License-Identifier: Apache-2.0
 * ggml_file.h - whisper.cpp's ggml files, whole or quantized. */
#ifndef LINNET_CONVERT_GGML_FILE_H
#define LINNET_CONVERT_GGML_FILE_H

#include "base/buffer.h"
#include "convert/checkpoint.h"

/* Opens the file.  Tensors have OpenAI's names; those of a quantized type appear as the 32-bit floats that they stand
 * for. The header's numbers are the checkpoint's: "n_vocab", "n_audio_head", ...  The vocabulary is appended to
 * vocabulary (which may be NULL) as lines "base64 rank", the form of tiktoken. */
int ggml_file_open(struct checkpoint **out, const char *path, struct buffer *vocabulary,
                   struct message *msg) LINNET_MUST_CHECK;

int ggml_file_recognizes(const char *path); /* by its first bytes */

#endif
