/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/server.h"

#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>

#include "serve/client.h"
#include "serve/http.h"
#include "serve/rehearsal.h"
#include "serve/websocket.h"

/* ---- the loop's callbacks ---- */

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        return http_callback(wsi, (int)reason, user, in, n);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        return websocket_callback(wsi, (int)reason, user, in, n);
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT: libwebsockets would make a tunnel of it */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = callback, .per_session_data_size = sizeof(void *), .rx_buffer_size = 64 << 10}, {0}};

/* ---- running ---- */

static volatile sig_atomic_t n_signals;
static struct lws_context *volatile to_wake;

static void on_signal(int number)
{
    (void)number;
    n_signals++;
    if (to_wake != NULL)
        lws_cancel_service(to_wake);
}

void server_wake(struct server *s)
{
    if (atomic_exchange(&s->wakes, 1) == 0)
        lws_cancel_service(s->context);
}

static void wake(struct server *s)
{
    if (atomic_exchange(&s->wakes, 0) == 0)
        return;
    http_wake(s);
    websocket_wake(s);
}

static int is_over(struct server *s)
{
    s->is_draining = n_signals > 0;
    return n_signals > 1 || (s->is_draining && s->clients == NULL && s->requests == NULL);
}

static int listen_on(struct server *s, struct message *msg)
{
    const struct lws_context_creation_info info = {
        .port = s->options->port,
        .iface = s->options->host,
        .protocols = protocols,
        .alpn = "http/1.1",
        .timeout_secs = 20,               /* of a head or a body that stops */
        .pt_serv_buf_size = 64 << 10,     /* bytes that are read at a time */
        .max_http_header_data = 16 << 10, /* other programs of the same host leave cookies */
        .user = s,
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_DISABLE_IPV6,
        .gid = -1,
        .uid = -1,
    };
    lws_set_log_level(LLL_ERR, NULL);
    s->context = lws_create_context(&info);
    if (s->context == NULL)
        return fail(msg, LINNET_E_IO, "cannot listen on %s, port %d", s->options->host, s->options->port);
    return LINNET_OK;
}

static int open_live(struct server *s, struct message *msg)
{
    struct linnet_model_info info = {.size = sizeof info};
    int rc = linnet_model_info(s->models.at[0].decoding.model, &info);
    const struct live_options live = {.n_threads = info.n_threads,
                                      .share = 0.8,
                                      .late_s = 1,
                                      .max_streams = s->options->max_streams,
                                      .stream_s = s->options->stream_s,
                                      .backlog_s = 30};
    if (rc >= 0 && live.max_streams == 0)
        rc = rehearsal_run(&s->models, live.n_threads, msg);
    return rc < 0 ? rc : live_scheduler_open(&s->live, &live, &s->models, msg);
}

static int open_files(struct server *s, struct message *msg)
{
    const struct files_options files = {.most_waiting = 1000};
    return files_open(&s->files, &files, &s->models, msg);
}

static void catch_signals(struct server *s)
{
    struct sigaction action = {.sa_handler = on_signal};
    to_wake = s->context;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Threads that decode wake the loop: they end before what wakes it. */
static void close_all(struct server *s)
{
    for (struct client *c = s->clients; c != NULL; c = c->next)
        client_drop(c);
    files_close(s->files);
    live_scheduler_close(s->live);
    if (s->context != NULL)
        lws_context_destroy(s->context);
}

int serve_run(const struct serve_options *o, char *const *names, int n, struct message *msg)
{
    struct server s = {.options = o};
    int rc = serve_models_open(&s.models, &o->decoding, names, n, msg);
    if (rc >= 0 && (rc = open_live(&s, msg)) >= 0 && (rc = open_files(&s, msg)) >= 0 &&
        (rc = listen_on(&s, msg)) >= 0) {
        catch_signals(&s);
        decoding_note(&o->decoding, "serving %s on http://%s:%d/", s.models.at[0].name, o->host,
                      lws_get_vhost_listen_port(lws_get_vhost_by_name(s.context, "default")));
        while (!is_over(&s) && lws_service(s.context, 0) >= 0)
            wake(&s);
    }
    to_wake = NULL;
    close_all(&s);
    serve_models_close(&s.models);
    return rc;
}
