/* SPDX-License-Identifier: Apache-2.0
 * verify_streaming.h - `linnet transcribe --verify-streaming`: does the encoder give the same in chunks as at once? */
#ifndef LINNET_BIN_VERIFY_STREAMING_H
#define LINNET_BIN_VERIFY_STREAMING_H

#include "bin/decoding.h"

/* Prints for each file the largest difference between the encoder's output chunk by chunk and that of the whole
 * recording masked to the same chunks.  Returns as a command's run does: EXIT_WORK_FAILED when one is above 0.001 or
 * a file cannot be read. */
int verify_streaming(const struct decoding_options *options, const char *raw, int n, char **paths, struct message *msg);

#endif
