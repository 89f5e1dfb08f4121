/* SPDX-License-Identifier: Apache-2.0
 * listener.c - libwebsockets could listen itself, but would tell no reason when it cannot, takes one address, and
 * cannot stop before it ends. */
#include "serve/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/connection.h"
#include "serve/server.h"

/* ---- opening ---- */

static int is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static void set_port(struct sockaddr *a, int port)
{
    if (a->sa_family == AF_INET)
        ((struct sockaddr_in *)(void *)a)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)(void *)a)->sin6_port = htons((uint16_t)port);
}

static int port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        return 0;
    return ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&a)->sin_port
                                        : ((struct sockaddr_in6 *)(void *)&a)->sin6_port);
}

/* Returns the socket, or -1 and errno. */
static int bind_to(const struct addrinfo *a)
{
    int yes = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int is_bad = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
                 (a->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) < 0) ||
                 bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0;
    if (!is_bad)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* An address that this machine does not have is left out where there are others. */
static int bind_all(struct listener *l, const char *host, int port, const struct addrinfo *addresses,
                    struct message *msg)
{
    int error = EADDRNOTAVAIL;
    for (const struct addrinfo *a = addresses; a != NULL && l->n < LISTENER_MOST; a = a->ai_next) {
        set_port(a->ai_addr, l->port);
        int fd = bind_to(a);
        if (fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
            error = errno;
            continue;
        }
        if (fd < 0)
            return fail(msg, LINNET_E_IO, "cannot listen on %s, port %d: %s", host, port, strerror(errno));
        l->fds[l->n++] = fd;
        l->port = port_of(fd);
        l->is_loopback &= is_loopback(a->ai_addr);
    }
    return l->n > 0 ? LINNET_OK
                    : fail(msg, LINNET_E_IO, "cannot listen on %s, port %d: %s", host, port, strerror(error));
}

int listener_open(struct listener *l, const char *host, int port, struct message *msg)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses;
    int error = getaddrinfo(host, NULL, &hints, &addresses);
    if (error != 0)
        return fail(msg, LINNET_E_ARGUMENT, "cannot listen on %s: %s", host, gai_strerror(error));
    l->port = port;
    l->is_loopback = 1;
    int rc = bind_all(l, host, port, addresses, msg);
    freeaddrinfo(addresses);
    if (rc < 0)
        listener_close(l);
    return rc;
}

int listener_start(struct listener *l, struct lws_vhost *vhost, struct message *msg)
{
    for (int i = 0; i < l->n; i++) {
        lws_sock_file_fd_type fd = {.filefd = l->fds[i]};
        l->wsis[i] = lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, NULL, NULL);
        if (l->wsis[i] == NULL)
            return fail_memory(msg);
    }
    return LINNET_OK;
}

void listener_close(struct listener *l)
{
    for (int i = 0; i < l->n; i++)
        if (l->wsis[i] != NULL)
            lws_set_timeout(l->wsis[i], PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        else
            close(l->fds[i]);
    l->n = 0;
}

/* ---- those who come ---- */

/* A peer that is gone without a word is noticed within two minutes. */
static void set_options(int fd)
{
    const int yes = 1, idle_s = 60, interval_s = 15, n = 4;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof n);
}

/* There is no room even to read what it wants. */
static void turn_away(const struct listener *l, struct server *s, int fd)
{
    static const char words[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";
    if (l->protocol == NULL && s->options->certificate == NULL)
        (void)!send(fd, words, sizeof words - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

int listener_accept(struct listener *l, struct server *s, struct lws *wsi)
{
    enum { AT_A_TIME = 16 /* others have their turn between */ };
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    unsigned type = LWS_ADOPT_SOCKET | (l->protocol == NULL ? LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL : 0u);
    for (int i = 0; i < AT_A_TIME; i++) {
        struct sockaddr_storage address;
        socklen_t n = sizeof address;
        lws_sock_file_fd_type fd = {
            .sockfd = accept4(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (fd.sockfd < 0)
            break;
        if (!connections_have_room(&s->connections, s->most_connections, &s->options->limits,
                                   (struct sockaddr *)&address)) {
            server_refuse(s, REFUSED_CONNECTIONS);
            turn_away(l, s, fd.sockfd);
            continue;
        }
        set_options(fd.sockfd);
        (void)!lws_adopt_descriptor_vhost(vhost, (lws_adoption_type)type, fd, l->protocol, NULL);
    }
    return 0;
}
