/* SPDX-License-Identifier: Apache-2.0
 * sum.h - the sum of a file's bytes. */
#ifndef LINNET_BIN_HUB_SUM_H
#define LINNET_BIN_HUB_SUM_H

#include <stdint.h>

#include "base/status.h"

/* Computes the sum that `wanted` is, of the first n bytes of an open file: SHA-256, or with 40 digits git's name of a
 * blob (SHA-1 of "blob SIZE", NUL and the bytes).  1: it is that; 0: it is not. */
LINNET_MUST_CHECK int sum_is(int fd, uint64_t n_bytes, const char *wanted, struct message *msg);

#endif
