/* SPDX-License-Identifier: Apache-2.0
 * onnx_file.h - the weights of an ONNX file. */
#ifndef LINNET_CONVERT_ONNX_FILE_H
#define LINNET_CONVERT_ONNX_FILE_H

#include "convert/checkpoint.h"

/* Opens the file.  Its tensors are the initializers of the main graph that hold floats of 32 or 16 bits as raw bytes;
 * what else the graph has is passed over. */
int onnx_file_open(struct checkpoint **out, const char *path, struct message *msg) LINNET_MUST_CHECK;

#endif
