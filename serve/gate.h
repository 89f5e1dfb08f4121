/* SPDX-License-Identifier: Apache-2.0
 * gate.h - what a request has to pass before anything is done for it, and what its reply says about that. */
#ifndef LINNET_SERVE_GATE_H
#define LINNET_SERVE_GATE_H

#include "base/status.h"

struct lws;
struct request;
struct server;

enum {
    GATE_PUBLIC = 1, /* needs no token */
    GATE_WORK = 2,   /* the server has to do something for it, which it may have no room for */
};

/* 0: it may go on; or the status to refuse it with, and why. */
int gate_check(struct server *s, struct lws *wsi, int kind, const char **why);

/* Adds what goes with that status (0: none yet) and the request's origin to the head of its reply. */
LINNET_MUST_CHECK int gate_add_headers(struct request *r, int status, struct message *msg);

/* A connection is to become another; is_known: there is a protocol for its path.  0: it may, or goes on as it is; < 0:
 * it has been told why not, and is to be closed. */
int gate_upgrade(struct server *s, struct lws *wsi, char *to, int is_known);

#endif
