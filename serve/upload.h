/* SPDX-License-Identifier: Apache-2.0
 * upload.h - a form that a client sends: short texts by their names, and one recording.
 *
 * The recording goes into memory or, a large one, into a file that has no name; where it lies never depends on what the
 * client says. */
#ifndef LINNET_SERVE_UPLOAD_H
#define LINNET_SERVE_UPLOAD_H

#include <stddef.h>

#include "base/status.h"

struct upload;

enum {
    UPLOAD_FIELDS = 64,         /* fields of a form at most */
    UPLOAD_TEXT = 64 << 10,     /* bytes of all texts at most */
    UPLOAD_IN_MEMORY = 8 << 20, /* bytes of a body from which the recording goes into a file */
};

/* content_type, length: of the request's header.  The recording is the part called `file`. */
LINNET_MUST_CHECK int upload_open(struct upload **out, const char *content_type, size_t length, struct message *msg);
void upload_close(struct upload *u);

LINNET_MUST_CHECK int upload_feed(struct upload *u, const char *bytes, size_t n, struct message *msg);
LINNET_MUST_CHECK int upload_end(struct upload *u, struct message *msg); /* the body ends here */

/* The fields in their order, until one of NULL: *name gets its name. The upload's. */
const char *upload_text(const struct upload *u, int i, const char **name);
int upload_has_file(const struct upload *u);

int upload_take_file(struct upload *u); /* a descriptor of the recording, the caller's; < 0: none came */

#endif
