/* SPDX-License-Identifier: Apache-2.0
 * http.h - what comes over HTTP: finds the route of a request, takes its body, sends its reply. */
#ifndef LINNET_SERVE_HTTP_H
#define LINNET_SERVE_HTTP_H

#include "serve/request.h"

/* Each table is that of a file with requests of one kind, and listed in http.c. */
extern const struct route openai_routes[], page_routes[], report_routes[];

/* libwebsockets' callback for what has to do with HTTP. */
int http_callback(struct lws *wsi, int reason, void **user, void *in, size_t n);
void http_wake(struct server *s); /* the loop's thread: somebody has put something into an outbox */

#endif
