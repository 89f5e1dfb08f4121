/* SPDX-License-Identifier: Apache-2.0
 * http.h - requests and their replies: a table of routes, each a function that is called once the request is there.
 *
 * A reply is made at once (request_reply) or begun (request_begin) and then put piece by piece, by any thread, into the
 * request's outbox, whose end is that of the reply. */
#ifndef LINNET_SERVE_HTTP_H
#define LINNET_SERVE_HTTP_H

#include <stdatomic.h>

#include "serve/outbox.h"

struct lws;
struct server;

struct request {
    struct server *server;
    struct lws *connection;        /* the loop's thread's; NULL once it is gone */
    struct request *next, *before; /* of the server's */
    const struct route *route;
    char method[8], path[256], query[1024];
    struct outbox outbox; /* the body of the reply */
    atomic_int n_holders; /* the connection, and who makes the reply */
    double heard_s;
    int has_begun;
};

struct route {
    const char *method, *path; /* a path that ends in / stands for all below it */
    int (*handle)(struct request *r, struct message *msg);
};

/* A whole reply.  type: "application/json". */
LINNET_MUST_CHECK int request_reply(struct request *r, int status, const char *type, const void *body, size_t n,
                                    struct message *msg);

/* Its header alone. */
LINNET_MUST_CHECK int request_begin(struct request *r, int status, const char *type, struct message *msg);

/* libwebsockets' callback for what has to do with HTTP. */
int http_callback(struct lws *wsi, int reason, void **user, void *in, size_t n);
void http_wake(struct server *s); /* the loop's thread: somebody has put something into an outbox */

#endif
