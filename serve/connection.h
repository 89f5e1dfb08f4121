/* SPDX-License-Identifier: Apache-2.0
 * connection.h - the connections that are there, and how many come from each address: the loop's thread's.
 *
 * An address is one of IPv4, or the first half of one of IPv6, which is what one household has.  This machine's own are
 * not limited: a proxy before the server has one too. */
#ifndef LINNET_SERVE_CONNECTION_H
#define LINNET_SERVE_CONNECTION_H

#include "base/status.h"

struct lws;
struct sockaddr;
struct visitor; /* an address */

struct limits {
    int connections, connections_per_address, streams_per_address;
    double memory_mb; /* of the process; 0: three quarters of the machine's */
    double message_mb;
};

struct connection {
    struct lws *wsi;
    struct visitor *visitor;
    struct connection *next, *before;
    int is_kept;
};

struct connections {
    struct connection *first;
    struct visitor *visitors;
    int n;
};

/* most: of all addresses. */
int connections_have_room(const struct connections *c, int most, const struct limits *limits,
                          const struct sockaddr *address);

/* The connection is there, or gone.  The first fails for memory only. */
LINNET_MUST_CHECK int connection_open(struct connections *c, struct lws *wsi);
void connection_close(struct connections *c, struct lws *wsi);

/* Another stream over that connection: 0 where its address has too many. */
int connection_add_stream(struct lws *wsi, const struct limits *limits);
void connection_remove_stream(struct lws *wsi);

/* While the server ends: somebody is served over this one; closes those of whom that was not said. */
void connection_keep(struct lws *wsi);
void connections_close_idle(struct connections *c);

#endif
