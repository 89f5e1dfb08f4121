/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/server.h"

#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "serve/client.h"
#include "serve/guard.h"
#include "serve/http.h"
#include "serve/raw.h"
#include "serve/rehearsal.h"
#include "serve/watch.h"
#include "serve/websocket.h"

/* ---- the loop's callbacks ---- */

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    struct server *s = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        return http_callback(wsi, (int)reason, user, in, n);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        return websocket_callback(wsi, (int)reason, user, in, n);
    case LWS_CALLBACK_RAW_RX_FILE:
        return listener_accept(&s->listener, s, wsi);
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        s->report.connections++;
        return connection_open(&s->connections, wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        connection_close(&s->connections, wsi);
        return 0;
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT: libwebsockets would make a tunnel of it */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    default:
        return 0;
    }
}

/* By the name a websocket's subprotocol is chosen; without one it is the first. */
#define PROTOCOL(text)                                                                                                 \
    {                                                                                                                  \
        .name = text, .callback = callback, .per_session_data_size = sizeof(void *), .rx_buffer_size = 64 << 10        \
    }
static const struct lws_protocols protocols[] = {PROTOCOL("linnet"), PROTOCOL("realtime"), {0}};

/* ---- signals ---- */

static volatile sig_atomic_t n_signals;
static struct lws_context *volatile to_wake;

static void on_signal(int number)
{
    (void)number;
    n_signals++;
    if (to_wake != NULL)
        lws_cancel_service(to_wake);
}

static void catch_signals(struct server *s)
{
    struct sigaction action = {.sa_handler = on_signal};
    to_wake = s->context;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- running ---- */

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

int server_has_memory(const struct server *s) { return s->resident < s->most_memory; }

void server_refuse(struct server *s, enum refusal reason) { s->report.refused[reason]++; }

/* Nobody can come any more; who is here is served to the end, if that comes in time. */
static void drain(struct server *s)
{
    s->is_draining = 1;
    s->drained_s = clock_s() + s->options->drain_s;
    decoding_note(&s->options->decoding, "serving those who are here to their end, for %.0f s at most",
                  s->options->drain_s);
    listener_close(&s->listener);
    listener_close(&s->wyoming);
    for (struct request *r = s->requests; r != NULL; r = r->next)
        connection_keep(r->connection);
    for (struct client *c = s->clients, *next; c != NULL; c = next) {
        next = c->next;
        connection_keep(c->connection);
        client_warn(c, s->options->drain_s);
    }
    connections_close_idle(&s->connections);
}

static int is_over(struct server *s)
{
    enum { GRACE_S = 2 /* to take the news */ };
    if (n_signals > 0 && !s->is_draining)
        drain(s);
    return n_signals > 1 ||
           (s->is_draining && ((s->clients == NULL && s->requests == NULL) || clock_s() > s->drained_s + GRACE_S));
}

/* ---- opening ---- */

enum { OTHER_DESCRIPTORS = 128 /* of models, the loop, the process */ };

/* Descriptors for all that the limits allow, or fewer connections. */
static void fit_descriptors(struct server *s, const struct serve_options *o)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)(o->limits.connections + o->queue) + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    s->most_connections = (int)limit.rlim_cur - o->queue - OTHER_DESCRIPTORS;
    if (s->most_connections < o->limits.connections)
        decoding_note(&o->decoding, "the system allows %llu open files: %d connections at most",
                      (unsigned long long)limit.rlim_cur, s->most_connections);
}

static char last_error[200]; /* what libwebsockets said when it was to begin */

static void keep_error(int level, const char *line)
{
    (void)level;
    if (last_error[0] == '\0')
        snprintf(last_error, sizeof last_error, "%.*s", (int)strcspn(line, "\n"), line);
}

static void drop_error(int level, const char *line)
{
    (void)level;
    (void)line;
}

static double at_most(double most, double value) { return value < most ? value : most; }

static int open_context(struct server *s, struct message *msg)
{
    const struct serve_options *o = s->options;
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = s,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6 | (o->certificate != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .ssl_cert_filepath = o->certificate,
        .ssl_private_key_filepath = o->key,
        .alpn = "http/1.1",
        .server_string = "linnet",
        .timeout_secs = (unsigned)at_most(20, o->idle_s),         /* for which a body may pause */
        .timeout_secs_ah_idle = (unsigned)at_most(10, o->idle_s), /* in which the head has to come */
        .keepalive_timeout = 30,                                  /* between requests */
        .pt_serv_buf_size = 64 << 10,                             /* bytes that are read at a time */
        .max_http_header_data = 16 << 10,                         /* other programs of the same host leave cookies */
        .gid = -1,
        .uid = -1,
    };
    lws_set_log_level(LLL_ERR, keep_error);
    s->context = lws_create_context(&info);
    lws_set_log_level(LLL_ERR, drop_error);
    if (s->context != NULL)
        return LINNET_OK;
    if (o->certificate != NULL)
        return fail(msg, LINNET_E_FORMAT, "no usable certificate and key in %s and %s: %s", o->certificate, o->key,
                    last_error);
    return fail(msg, LINNET_E_IO, "the network cannot be used: %s", last_error);
}

/* The certificate's files, before libwebsockets looks at what is in them. */
static int check_files(const struct serve_options *o, struct message *msg)
{
    if ((o->certificate == NULL) != (o->key == NULL))
        return fail(msg, LINNET_E_ARGUMENT, "--certificate and --key go together");
    const char *const paths[] = {o->certificate, o->key};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && paths[i] != NULL; i++) {
        struct buffer b = {0};
        int rc = file_read(paths[i], 1 << 20, &b, msg);
        buffer_free(&b);
        if (rc < 0)
            return rc;
    }
    return LINNET_OK;
}

/* All that can be wrong with the network is, before models are opened. */
static int open_network(struct server *s, struct message *msg)
{
    const struct serve_options *o = s->options;
    int rc = check_files(o, msg);
    if (rc >= 0)
        rc = listener_open(&s->listener, o->host, o->port, msg);
    const struct guard_options guard = {.token_file = o->token_file,
                                        .no_token = o->no_token,
                                        .origins = o->origins.items,
                                        .n_origins = o->origins.n,
                                        .host = o->host,
                                        .is_loopback = s->listener.is_loopback,
                                        .has_tls = o->certificate != NULL};
    if (rc >= 0)
        rc = guard_open(&s->guard, &guard, msg);
    if (rc >= 0 && o->wyoming_port >= 0)
        rc = raw_open(s, msg);
    fit_descriptors(s, o);
    return rc < 0 ? rc : open_context(s, msg);
}

/* Makes what streams of a model share before anybody waits for it.  A model that cannot be streamed serves files. */
static void open_each_once(const struct serve_models *models)
{
    struct message why;
    for (int i = 0; i < models->n; i++) {
        const struct serve_request plain = {.model = &models->at[i]};
        linnet_stream *stream = NULL;
        if (serve_models_open_stream(&stream, &plain, 1, &why) >= 0)
            linnet_stream_close(stream);
    }
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
    else if (rc >= 0)
        open_each_once(&s->models);
    return rc < 0 ? rc : live_scheduler_open(&s->live, &live, &s->models, msg);
}

static int open_files(struct server *s, struct message *msg)
{
    const struct files_options files = {.most_waiting = s->options->queue, .most_s = s->options->file_s};
    return files_open(&s->files, &files, &s->models, msg);
}

static int start(struct server *s, struct message *msg)
{
    const struct serve_options *o = s->options;
    int rc = watch_open(&s->watch, s, msg);
    if (rc >= 0)
        rc = listener_start(&s->listener, lws_get_vhost_by_name(s->context, "default"), msg);
    if (rc >= 0 && o->wyoming_port >= 0)
        rc = raw_start(s, msg);
    if (rc < 0)
        return rc;
    catch_signals(s);
    int is_six = strchr(o->host, ':') != NULL;
    decoding_note(&o->decoding, "serving %s on %s://%s%s%s:%d/", s->models.at[0].name,
                  o->certificate != NULL ? "https" : "http", is_six ? "[" : "", o->host, is_six ? "]" : "",
                  s->listener.port);
    return rc;
}

/* Threads that decode wake the loop: they end before what wakes it. */
static void close_all(struct server *s)
{
    to_wake = NULL;
    for (struct client *c = s->clients; c != NULL; c = c->next)
        client_drop(c);
    files_close(s->files);
    live_scheduler_close(s->live);
    watch_close(s->watch);
    listener_close(&s->listener);
    listener_close(&s->wyoming);
    if (s->context != NULL)
        lws_context_destroy(s->context);
    serve_models_close(&s->models);
    guard_close(s->guard);
}

int serve_run(const struct serve_options *o, char *const *names, int n, struct message *msg)
{
    struct server s = {.options = o};
    int rc = open_network(&s, msg);
    if (rc >= 0 && (rc = serve_models_open(&s.models, &o->decoding, names, n, msg)) >= 0 &&
        (rc = open_live(&s, msg)) >= 0 && (rc = open_files(&s, msg)) >= 0 && (rc = start(&s, msg)) >= 0)
        while (!is_over(&s) && lws_service(s.context, 0) >= 0)
            wake(&s);
    close_all(&s);
    return rc;
}
