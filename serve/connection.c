/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/connection.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

enum { MOST_BYTES = 8 };

struct visitor {
    struct visitor *next;
    unsigned char address[MOST_BYTES]; /* IPv4: 4 bytes and zeros */
    int family, n_connections, n_streams;
};

/* ---- addresses ---- */

/* Returns whether it is another machine's. */
static int read_address(struct visitor *v, const struct sockaddr *a)
{
    memset(v, 0, sizeof *v);
    v->family = a->sa_family;
    if (a->sa_family == AF_INET) {
        memcpy(v->address, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
        return v->address[0] != 127;
    }
    if (a->sa_family != AF_INET6)
        return 0;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    memcpy(v->address, six, MOST_BYTES);
    return !IN6_IS_ADDR_LOOPBACK(six);
}

static struct visitor *find(const struct connections *c, const struct visitor *wanted)
{
    struct visitor *v = c->visitors;
    while (v != NULL && (v->family != wanted->family || memcmp(v->address, wanted->address, MOST_BYTES) != 0))
        v = v->next;
    return v;
}

/* Its peer's; NULL: this machine's, or out of memory. */
static struct visitor *visitor_of(struct connections *c, struct lws *wsi, int *is_out)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    struct visitor key;
    if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &n) < 0 ||
        !read_address(&key, (struct sockaddr *)&address))
        return NULL;
    struct visitor *v = find(c, &key);
    if (v == NULL && (v = mem_array(1, sizeof *v)) != NULL) {
        *v = key;
        v->next = c->visitors;
        c->visitors = v;
    }
    *is_out = v == NULL;
    return v;
}

static void let_go(struct connections *c, struct visitor *v)
{
    if (v == NULL || --v->n_connections > 0)
        return;
    struct visitor **at = &c->visitors;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    mem_free(v);
}

/* ---- connections ---- */

int connections_have_room(const struct connections *c, int most, const struct limits *limits,
                          const struct sockaddr *address)
{
    struct visitor key;
    const struct visitor *v = read_address(&key, address) ? find(c, &key) : NULL;
    return c->n < most && (v == NULL || v->n_connections < limits->connections_per_address);
}

int connection_open(struct connections *c, struct lws *wsi)
{
    int is_out = 0;
    struct connection *n = mem_array(1, sizeof *n);
    if (n == NULL)
        return LINNET_E_MEMORY;
    n->wsi = wsi;
    n->visitor = visitor_of(c, wsi, &is_out);
    if (is_out) {
        mem_free(n);
        return LINNET_E_MEMORY;
    }
    if (n->visitor != NULL)
        n->visitor->n_connections++;
    n->next = c->first;
    if (n->next != NULL)
        n->next->before = n;
    c->first = n;
    c->n++;
    lws_set_opaque_user_data(wsi, n);
    return LINNET_OK;
}

void connection_close(struct connections *c, struct lws *wsi)
{
    struct connection *n = lws_get_opaque_user_data(wsi);
    if (n == NULL)
        return;
    if (n->next != NULL)
        n->next->before = n->before;
    *(n->before != NULL ? &n->before->next : &c->first) = n->next;
    c->n--;
    let_go(c, n->visitor);
    lws_set_opaque_user_data(wsi, NULL);
    mem_free(n);
}

void connection_keep(struct lws *wsi)
{
    struct connection *n = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    if (n != NULL)
        n->is_kept = 1;
}

void connections_close_idle(struct connections *c)
{
    for (struct connection *n = c->first; n != NULL; n = n->next)
        if (!n->is_kept)
            lws_set_timeout(n->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* ---- streams ---- */

int connection_add_stream(struct lws *wsi, const struct limits *limits)
{
    struct connection *n = lws_get_opaque_user_data(wsi);
    if (n == NULL || n->visitor == NULL)
        return 1;
    if (n->visitor->n_streams >= limits->streams_per_address)
        return 0;
    n->visitor->n_streams++;
    return 1;
}

void connection_remove_stream(struct lws *wsi)
{
    struct connection *n = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    if (n != NULL && n->visitor != NULL)
        n->visitor->n_streams--;
}
