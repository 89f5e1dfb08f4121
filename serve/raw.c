/* SPDX-License-Identifier: Apache-2.0
 * raw.c - a virtual host whose connections have libwebsockets' raw role: bytes in, bytes out, in the same loop. */
#include "serve/raw.h"

#include <libwebsockets.h>

#include "serve/client.h"
#include "serve/server.h"

static int open_client(struct lws *wsi, void **user)
{
    struct server *s = lws_context_user(lws_get_context(wsi));
    struct message msg;
    struct client *c;
    s->report.connections++;
    if (connection_open(&s->connections, wsi) < 0 || client_open(&c, s, &wyoming_protocol, wsi, &msg) < 0)
        return -1;
    *user = c;
    client_opened(c, "");
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    struct server *s = lws_context_user(lws_get_context(wsi));
    struct client *c = user != NULL ? *(void **)user : NULL;
    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        return listener_accept(&s->wyoming, s, wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        connection_close(&s->connections, wsi);
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
        return open_client(wsi, user);
    case LWS_CALLBACK_RAW_RX:
        if (c != NULL && !atomic_load(&c->is_ending))
            client_binary(c, in, n);
        return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return c != NULL ? client_send(c) : 0;
    case LWS_CALLBACK_RAW_CLOSE:
        client_close(c);
        if (c != NULL)
            *(void **)user = NULL;
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "wyoming", .callback = callback, .per_session_data_size = sizeof(void *), .rx_buffer_size = 64 << 10},
    {0}};

int raw_open(struct server *s, struct message *msg)
{
    const struct serve_options *o = s->options;
    int rc = listener_open(&s->wyoming, o->host, o->wyoming_port, msg);
    s->wyoming.protocol = protocols[0].name;
    if (rc >= 0 && !s->wyoming.is_loopback && !o->no_token)
        rc = fail(msg, LINNET_E_ARGUMENT, "--wyoming: the protocol knows no tokens; --no-token serves all who reach %s",
                  o->host);
    return rc;
}

int raw_start(struct server *s, struct message *msg)
{
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .vhost_name = "wyoming",
        .options = LWS_SERVER_OPTION_DISABLE_IPV6,
    };
    struct lws_vhost *host = lws_create_vhost(s->context, &info);
    int rc = host == NULL ? fail_memory(msg) : listener_start(&s->wyoming, host, msg);
    if (rc >= 0)
        decoding_note(&s->options->decoding, "serving Wyoming on tcp://%s:%d", s->options->host, s->wyoming.port);
    return rc;
}
