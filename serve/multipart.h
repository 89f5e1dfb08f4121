/* SPDX-License-Identifier: Apache-2.0
 * multipart.h - multipart/form-data (RFC 7578, RFC 2046), taken apart as it comes: the body may be cut anywhere, and
 * nothing of a part's data is kept. */
#ifndef LINNET_SERVE_MULTIPART_H
#define LINNET_SERVE_MULTIPART_H

#include <stddef.h>

#include "base/status.h"

enum {
    MULTIPART_BOUNDARY = 70, /* characters at most, RFC 2046 */
    MULTIPART_HEADER = 2048, /* bytes of a part's header at most */
    MULTIPART_NAME = 128,    /* bytes of a part's name at most */
};

/* Whom the parts are told.  < 0, with msg, ends it. */
struct multipart_sink {
    int (*begin)(void *arg, const char *name, int is_file, struct message *msg); /* is_file: it has a file name */
    int (*data)(void *arg, const char *bytes, size_t n, struct message *msg);
    int (*end)(void *arg, struct message *msg);
    void *arg;
};

struct multipart {
    struct multipart_sink sink;
    char delimiter[4 + MULTIPART_BOUNDARY + 1]; /* CR LF "--" and the boundary */
    size_t n_delimiter, n_matched;              /* bytes of it that have come */
    char header[MULTIPART_HEADER];              /* of the part, what came; then of the line after a delimiter */
    size_t n_header;
    enum { MULTIPART_PREAMBLE, MULTIPART_LINE, MULTIPART_HEAD, MULTIPART_DATA, MULTIPART_OVER } state;
};

/* content_type: the header's value, "multipart/form-data; boundary=..." */
LINNET_MUST_CHECK int multipart_open(struct multipart *m, const char *content_type, const struct multipart_sink *sink,
                                     struct message *msg);
LINNET_MUST_CHECK int multipart_feed(struct multipart *m, const char *bytes, size_t n, struct message *msg);

/* The body ends here: fails if it is not whole. */
LINNET_MUST_CHECK int multipart_end(const struct multipart *m, struct message *msg);

#endif
