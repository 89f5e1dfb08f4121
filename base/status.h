/* SPDX-License-Identifier: Apache-2.0
 * status.h - error codes and the message that goes with one.
 *
 * Every function that can fail returns an int: 0 or positive is good, a negative LINNET_E_* (include/linnet.h) is bad.
 * Outputs are written only on success.  What exactly went wrong (path, tensor name, numbers) goes into a struct message
 * that the caller owns and passes as the last argument; NULL: no message is wanted. */
#ifndef LINNET_BASE_STATUS_H
#define LINNET_BASE_STATUS_H

#include "linnet.h"

#define LINNET_MUST_CHECK __attribute__((warn_unused_result))

struct message {
    char text[480];
};

/* Writes the formatted text into msg (cut to its size) and returns code, so that failing is one line:
 *     return fail(msg, LINNET_E_FORMAT, "%s: header of %zu bytes, file of %zu", path, n, size);   */
int fail(struct message *msg, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before what msg already says, for a caller that knows the file or tensor; returns code. */
int fail_in(struct message *msg, int code, const char *prefix);

/* The message for an allocation that failed. */
int fail_memory(struct message *msg);

#endif
