/* SPDX-License-Identifier: Apache-2.0
 * request.h - requests to a Hugging Face hub, by libcurl. */
#ifndef LINNET_BIN_HUB_REQUEST_H
#define LINNET_BIN_HUB_REQUEST_H

#include "base/buffer.h"
#include "bin/hub.h"

struct requests; /* a connection, used again */

LINNET_MUST_CHECK int requests_open(struct requests **out, struct message *msg);
void requests_close(struct requests *r); /* NULL is fine */

/* Appends what is at the path below the hub's address.  The message of a failure says what to do. */
LINNET_MUST_CHECK int requests_text(struct requests *r, const char *path, struct buffer *out, struct message *msg);

/* What is at the path, written to an open file. */
struct requests_file {
    int fd;
    uint64_t n, n_bytes; /* that are there, and that there are to be; n tells it when the call has failed, too */
    int may_pass;        /* out: the failure is one of those that pass, such as a broken connection */
};

LINNET_MUST_CHECK int requests_file(struct requests *r, const char *path, struct requests_file *file,
                                    const struct hub_watch *watch, struct message *msg);

#endif
