/* SPDX-License-Identifier: Apache-2.0
 * converted.h - a checkpoint file of another program used as a model: converted once, into the model cache. */
#ifndef LINNET_BIN_CONVERTED_H
#define LINNET_BIN_CONVERTED_H

#include "base/file.h"

/* The model directory that the file was converted to, now or in an earlier run; the first says so on stderr.  A file of
 * another size or time of change is another model. */
LINNET_MUST_CHECK int converted_model(char dir[FILE_MAX_PATH], const char *file, struct message *msg);

#endif
