/* SPDX-License-Identifier: Apache-2.0
 * request.h - a request over HTTP and its reply.
 *
 * A reply is made once, by any thread: at once (request_reply), or begun (request_begin) and then put piece by piece
 * into the request's outbox, whose end is that of the reply.  A request is there until its connection has let go of it
 * and so has everybody who holds it. */
#ifndef LINNET_SERVE_REQUEST_H
#define LINNET_SERVE_REQUEST_H

#include <stdatomic.h>

#include "serve/outbox.h"

struct buffer;
struct lws;
struct request;
struct server;

/* What is done with requests of one kind.  Those functions that are not there are not called; < 0, with msg, makes the
 * reply an error, unless one was made. */
struct route {
    const char *method, *path; /* a path that ends in / stands for all below it, but / for itself alone */
    int is_public;             /* nobody needs a token for it */
    int (*handle)(struct request *r, struct message *msg); /* the request is there, a body to its end; replies, later */
    /* Of a body, which POST has: its head has come; each piece. */
    int (*open)(struct request *r, struct message *msg);
    int (*body)(struct request *r, const char *bytes, size_t n, struct message *msg);
    void (*gone)(struct request *r);    /* no more reply is wanted: what works on it may end; always called */
    void (*release)(struct request *r); /* frees r->state; by any thread, nobody holds r any more */
};

struct request {
    struct server *server;
    const struct route *route; /* NULL: none fits */
    char method[8], path[256], query[1024], content_type[256];
    size_t length;        /* of the body, as declared */
    void *state;          /* the route's */
    struct outbox outbox; /* the body of the reply */
    /* the head of the reply: of who makes it, then the loop's thread's */
    int status;
    const char *type;
    long long reply_length; /* < 0: the connection's end is that of the reply */
    char headers[1024];     /* more of it: "name:", NUL, "value", NUL... */
    size_t n_headers;
    atomic_int is_answered; /* the head is made */
    atomic_int n_holders;
    /* the loop's thread's: */
    struct lws *connection;        /* NULL once it is gone */
    struct request *next, *before; /* of the server's */
    double begun_s, heard_s;       /* clock: when it began, when something came or went last */
    size_t n_received;             /* bytes of the body */
    int is_whole;                  /* the body has come */
    int is_refused;                /* what is still to come of the body is dropped, then the connection is closed */
    int has_begun, is_sent;        /* the head of the reply is sent; all of it is */
    struct outbox_message *sending;
    size_t n_sent, n_written; /* bytes of it, and of the body */
};

/* One more header of the reply, before it is made: refused where name or value are not one line. */
LINNET_MUST_CHECK int request_header(struct request *r, const char *name, const char *value, struct message *msg);

/* A whole reply.  type: "application/json", or NULL without a body; it is not copied. */
LINNET_MUST_CHECK int request_reply(struct request *r, int status, const char *type, const void *body, size_t n,
                                    struct message *msg);

/* Its head alone: then pieces are put, and the end. */
LINNET_MUST_CHECK int request_begin(struct request *r, int status, const char *type, struct message *msg);
LINNET_MUST_CHECK int request_put(struct request *r, const void *bytes, size_t n, struct message *msg);
void request_end(struct request *r);

/* An error, as an object of the OpenAI API where the path is one of it, else as text.  code ("model_not_found") and
 * param (the field that is wrong) may be NULL. */
LINNET_MUST_CHECK int request_refuse(struct request *r, int status, const char *code, const char *param,
                                     const char *why, struct message *msg);
int request_status_of(int code); /* of HTTP, for a LINNET_E_* */

/* The error object alone, for who writes it elsewhere. */
LINNET_MUST_CHECK int request_write_error(struct buffer *out, int status, const char *code, const char *param,
                                          const char *why);

void request_hold(struct request *r);
void request_let_go(struct request *r);

#endif
