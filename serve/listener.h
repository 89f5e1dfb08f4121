/* SPDX-License-Identifier: Apache-2.0
 * listener.h - the sockets that connections come in by: one for each address of a name. */
#ifndef LINNET_SERVE_LISTENER_H
#define LINNET_SERVE_LISTENER_H

#include "base/status.h"

struct lws;
struct lws_vhost;
struct server;

enum { LISTENER_MOST = 8 /* sockets */ };

/* Zeroed may be closed. */
struct listener {
    int fds[LISTENER_MOST]; /* [n] */
    struct lws *wsis[LISTENER_MOST];
    int n, port;
    int is_loopback;      /* nobody reaches it from another machine */
    const char *protocol; /* of its connections, in the vhost; NULL: HTTP */
};

/* Takes the port (0: a free one) of all addresses of the host. */
LINNET_MUST_CHECK int listener_open(struct listener *l, const char *host, int port, struct message *msg);

/* From now on connections are taken, and belong to that vhost: the loop's thread. */
LINNET_MUST_CHECK int listener_start(struct listener *l, struct lws_vhost *vhost, struct message *msg);
void listener_close(struct listener *l); /* nobody can connect any more */

/* libwebsockets' callback: somebody is at a socket of the listener. */
int listener_accept(struct listener *l, struct server *s, struct lws *wsi);

#endif
