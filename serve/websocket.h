/* SPDX-License-Identifier: Apache-2.0
 * websocket.h - clients of live protocols over websockets. */
#ifndef LINNET_SERVE_WEBSOCKET_H
#define LINNET_SERVE_WEBSOCKET_H

#include <stddef.h>

struct client;
struct lws;
struct server;

/* libwebsockets' callback for what has to do with websockets; *user is the client. */
int websocket_callback(struct lws *wsi, int reason, void **user, void *in, size_t n);
void websocket_wake(struct server *s); /* the loop's thread: somebody has put something into an outbox */

#endif
