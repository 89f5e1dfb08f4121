/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/websocket.h"

#include <libwebsockets.h>
#include <string.h>

#include "serve/client.h"
#include "serve/gate.h"
#include "serve/server.h"

static const struct protocol *const protocols[] = {&stream_protocol, &wenet_protocol, &realtime_protocol, NULL};

static const struct protocol *find(const char *path)
{
    for (const struct protocol *const *p = protocols; *p != NULL; p++)
        if ((*p)->path != NULL && strcmp((*p)->path, path) == 0)
            return *p;
    return NULL;
}

/* The path that the handshake asks for; "" for one that is too long. */
static const char *path_of(struct lws *wsi, char *path, int size)
{
    if (lws_hdr_copy(wsi, path, size, WSI_TOKEN_GET_URI) <= 0 &&
        lws_hdr_copy(wsi, path, size, WSI_TOKEN_HTTP_COLON_PATH) <= 0)
        path[0] = '\0';
    return path;
}

static int open_client(struct lws *wsi, void **user)
{
    struct server *s = lws_context_user(lws_get_context(wsi));
    char path[256], query[1024] = "";
    struct message msg;
    struct client *c;
    const struct protocol *p = find(path_of(wsi, path, sizeof path));
    if (p == NULL || client_open(&c, s, p, wsi, &msg) < 0)
        return -1;
    *user = c;
    lws_hdr_copy(wsi, query, sizeof query, WSI_TOKEN_HTTP_URI_ARGS);
    client_opened(c, query);
    return 0;
}

static int too_large(struct client *c)
{
    server_refuse(c->server, REFUSED_BODY);
    client_fail(c, LINNET_E_ARGUMENT, "the message is too large");
    atomic_store(&c->status, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
    return 0;
}

/* A message, or a part of one: audio is handed on as it comes, text when it is whole. */
static int receive(struct client *c, struct lws *wsi, const char *bytes, size_t n)
{
    int is_last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    c->server->report.bytes_in += n;
    if (atomic_load(&c->is_ending))
        return 0;
    if (lws_frame_is_binary(wsi)) {
        client_binary(c, (const unsigned char *)bytes, n);
        return 0;
    }
    if ((double)(c->incoming.n + n) > c->server->options->limits.message_mb * 1e6)
        return too_large(c);
    if (buffer_append(&c->incoming, bytes, n) < 0)
        return -1;
    if (is_last) {
        client_text(c, buffer_text(&c->incoming), c->incoming.n);
        buffer_cut(&c->incoming, 0);
    }
    return 0;
}

int websocket_callback(struct lws *wsi, int reason, void **user, void *in, size_t n)
{
    struct client *c = user != NULL ? *user : NULL;
    char path[256];
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return gate_upgrade(lws_context_user(lws_get_context(wsi)), wsi, in,
                            find(path_of(wsi, path, sizeof path)) != NULL);
    case LWS_CALLBACK_ESTABLISHED:
        return open_client(wsi, user);
    case LWS_CALLBACK_RECEIVE:
        return receive(c, wsi, in, n);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return c != NULL ? client_send(c) : 0;
    case LWS_CALLBACK_CLOSED:
        client_close(c);
        if (c != NULL)
            *user = NULL;
        return 0;
    default:
        return 0;
    }
}

void websocket_wake(struct server *s)
{
    for (struct client *c = s->clients; c != NULL; c = c->next)
        client_wake(c);
}
