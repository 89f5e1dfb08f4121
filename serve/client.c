/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/client.h"

#include <jansson.h>
#include <libwebsockets.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/server.h"

enum { SAMPLES = 4096 /* converted at a time */, HANG_UP_S = 5 /* for the client to close its end */ };

/* What a stream has for its client: one that was stopped is not the client's any more. */
struct session {
    struct client *client;
};

/* ---- holders ---- */

static void let_go(struct client *c)
{
    if (atomic_fetch_sub(&c->n_holders, 1) > 1)
        return;
    pthread_mutex_destroy(&c->lock);
    outbox_close(&c->outbox);
    buffer_free(&c->incoming);
    mem_free(c->state);
    mem_free(c);
}

int client_open(struct client **out, struct server *s, const struct protocol *p, struct lws *wsi, struct message *msg)
{
    struct client *c = mem_array(1, sizeof *c);
    if (c == NULL)
        return fail_memory(msg);
    *c = (struct client){.server = s, .protocol = p, .connection = wsi, .heard_s = clock_s()};
    atomic_init(&c->n_holders, 1);
    atomic_init(&c->is_ending, 0);
    pthread_mutex_init(&c->lock, NULL);
    atomic_init(&c->status, LWS_CLOSE_STATUS_NORMAL);
    c->state = mem_array(1, p->state_size > 0 ? p->state_size : 1);
    int rc = c->state == NULL ? fail_memory(msg) : outbox_open(&c->outbox, msg);
    if (rc < 0) {
        pthread_mutex_destroy(&c->lock);
        mem_free(c->state);
        mem_free(c);
        return rc;
    }
    c->next = s->clients;
    if (c->next != NULL)
        c->next->before = c;
    s->clients = c;
    *out = c;
    return LINNET_OK;
}

void client_close(struct client *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    client_stop(c);
    if (c->protocol->close != NULL)
        c->protocol->close(c);
    pthread_mutex_unlock(&c->lock);
    if (c->next != NULL)
        c->next->before = c->before;
    *(c->before != NULL ? &c->before->next : &c->server->clients) = c->next;
    c->connection = NULL;
    let_go(c);
}

/* ---- what the stream tells ---- */

/* RFC 6455, 7.4.1, and the registry of it. */
static int status_of(int code)
{
    enum { TRY_AGAIN_LATER = 1013 };
    switch (code) {
    case LINNET_E_BUSY:
        return TRY_AGAIN_LATER;
    case LINNET_E_ARGUMENT:
    case LINNET_E_FORMAT:
    case LINNET_E_STATE:
        return LWS_CLOSE_STATUS_POLICY_VIOLATION;
    case LINNET_E_CANCELLED:
        return LWS_CLOSE_STATUS_GOINGAWAY;
    default:
        return LWS_CLOSE_STATUS_UNEXPECTED_CONDITION;
    }
}

/* Tells the client, and ends it: with the lock. */
static void end_failed(struct client *c, int code, const char *why)
{
    struct message msg;
    atomic_store(&c->status, status_of(code));
    if (c->protocol->failed != NULL)
        (void)c->protocol->failed(c, code, why, &msg); /* who cannot be told is ended all the same */
    client_end(c);
}

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct session *session = arg;
    struct client *c = session->client;
    pthread_mutex_lock(&c->lock);
    int is_stopped = c->session != session;
    int rc = is_stopped ? fail(msg, LINNET_E_CANCELLED, "stopped") : c->protocol->event(c, e, msg);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

static void take_failure(void *arg, int code, const char *why)
{
    struct session *session = arg;
    struct client *c = session->client;
    pthread_mutex_lock(&c->lock);
    if (c->session == session)
        end_failed(c, code, why);
    pthread_mutex_unlock(&c->lock);
}

static void take_drained(void *arg)
{
    struct session *session = arg;
    struct client *c = session->client;
    pthread_mutex_lock(&c->lock);
    if (c->session == session)
        server_wake(c->server);
    pthread_mutex_unlock(&c->lock);
}

static int is_blocked(void *arg)
{
    const struct session *session = arg;
    return outbox_is_high(&session->client->outbox);
}

static void take_release(void *arg)
{
    struct session *session = arg;
    let_go(session->client);
    mem_free(session);
}

/* ---- for protocols ---- */

static int open_session(struct client *c, const struct serve_request *r, struct message *msg)
{
    struct session *session = mem_array(1, sizeof *session);
    if (session == NULL)
        return fail_memory(msg);
    session->client = c;
    const struct live_sink sink = {take_event, take_failure, take_drained, is_blocked, take_release, session};
    int rc = live_open(&c->live, c->server->live, r, &sink, msg);
    if (rc < 0) {
        mem_free(session);
        return rc;
    }
    atomic_fetch_add(&c->n_holders, 1);
    c->session = session;
    return LINNET_OK;
}

int client_start(struct client *c, const struct serve_request *r, enum samples_encoding encoding, int n_channels,
                 struct message *msg)
{
    if (c->live != NULL)
        return fail(msg, LINNET_E_STATE, "the stream has started already");
    if (c->server->is_draining)
        return fail(msg, LINNET_E_BUSY, "the server is about to end");
    if (!server_has_memory(c->server)) {
        server_refuse(c->server, REFUSED_MEMORY);
        return fail(msg, LINNET_E_BUSY, "the server has no more memory: try again later");
    }
    if (!connection_add_stream(c->connection, &c->server->options->limits)) {
        server_refuse(c->server, REFUSED_ADDRESS);
        return fail(msg, LINNET_E_BUSY, "there are too many streams from this address");
    }
    int rc = open_session(c, r, msg);
    if (rc < 0) {
        connection_remove_stream(c->connection);
        return rc;
    }
    samples_open(&c->samples, encoding, n_channels);
    return rc;
}

void client_stop(struct client *c)
{
    c->session = NULL;
    if (c->live != NULL)
        connection_remove_stream(c->connection);
    live_close(c->live);
    c->live = NULL;
}

void client_drop(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    client_stop(c);
    pthread_mutex_unlock(&c->lock);
}

void client_done(struct client *c)
{
    atomic_store(&c->is_done, 1);
    server_wake(c->server);
}

int client_audio(struct client *c, const unsigned char *bytes, size_t n, struct message *msg)
{
    float samples[SAMPLES];
    size_t n_samples;
    int rc = LINNET_OK;
    if (c->live == NULL)
        return fail(msg, LINNET_E_STATE, "audio came before the stream was started");
    while (rc >= 0 && (n_samples = samples_take(&c->samples, &bytes, &n, samples, SAMPLES)) > 0)
        rc = live_feed(c->live, samples, n_samples, msg);
    return rc < 0 ? rc : LINNET_OK;
}

int client_finish(struct client *c, struct message *msg)
{
    if (c->live == NULL)
        return fail(msg, LINNET_E_STATE, "no stream has been started");
    samples_open(&c->samples, c->samples.encoding, c->samples.n_channels);
    int rc = live_finish(c->live, msg);
    return rc < 0 ? rc : LINNET_OK;
}

static int put(struct client *c, int rc)
{
    if (rc >= 0)
        server_wake(c->server);
    return rc;
}

int client_put(struct client *c, const char *text, size_t n, struct message *msg)
{
    return put(c, outbox_put(&c->outbox, text, n, msg));
}

int client_put_binary(struct client *c, const void *bytes, size_t n, struct message *msg)
{
    return put(c, outbox_put_binary(&c->outbox, bytes, n, msg));
}

int client_put_json(struct client *c, json_t *message, struct message *msg)
{
    char *text = message != NULL ? json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    int rc = text != NULL ? client_put(c, text, strlen(text), msg) : fail_memory(msg);
    free(text);
    json_decref(message);
    return rc;
}

void client_end(struct client *c)
{
    atomic_store(&c->is_ending, 1);
    outbox_end(&c->outbox);
    server_wake(c->server);
}

void client_fail(struct client *c, int code, const char *why)
{
    pthread_mutex_lock(&c->lock);
    client_stop(c);
    end_failed(c, code, why);
    pthread_mutex_unlock(&c->lock);
    c->heard_s = clock_s();
}

void client_warn(struct client *c, double end_s)
{
    struct message msg;
    pthread_mutex_lock(&c->lock);
    int rc = c->protocol->ending != NULL ? c->protocol->ending(c, end_s, &msg) : LINNET_OK;
    pthread_mutex_unlock(&c->lock);
    if (rc < 0)
        client_fail(c, LINNET_E_CANCELLED, "the server ends");
}

/* ---- what the connection tells ---- */

/* After the last message.  To close a plain connection of which something is unread would take back what the client
 * has not read yet: it is asked to close it. */
static int hang_up(struct client *c)
{
    if (c->protocol->path != NULL) {
        lws_close_reason(c->connection, (enum lws_close_status)atomic_load(&c->status), NULL, 0);
        return -1;
    }
    if (!c->is_hung_up) {
        shutdown(lws_get_socket_fd(c->connection), SHUT_WR);
        lws_set_timeout(c->connection, PENDING_TIMEOUT_USER_REASON_BASE, HANG_UP_S);
    }
    c->is_hung_up = 1;
    return 0;
}

int client_send(struct client *c)
{
    int is_ended, is_websocket = c->protocol->path != NULL;
    struct outbox_message *m = outbox_take(&c->outbox, &is_ended);
    if (m == NULL)
        return is_ended ? hang_up(c) : 0;
    c->server->report.bytes_out += m->n;
    enum lws_write_protocol how = !is_websocket ? LWS_WRITE_RAW : m->is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    int n = lws_write(c->connection, (unsigned char *)m->bytes, m->n, how);
    outbox_free_message(m);
    c->heard_s = clock_s();
    if (n < 0)
        return -1;
    if (c->live != NULL && outbox_is_empty(&c->outbox))
        live_wake(c->live);
    lws_callback_on_writable(c->connection);
    return 0;
}

/* If its stream has room again. */
static void read_on(struct client *c)
{
    if (c->is_held && (c->live == NULL || !live_is_full(c->live)))
        c->is_held = lws_rx_flow_control(c->connection, 1) != 0;
}

void client_wake(struct client *c)
{
    if (atomic_exchange(&c->is_done, 0) != 0)
        client_drop(c);
    read_on(c);
    if (!outbox_is_empty(&c->outbox))
        lws_callback_on_writable(c->connection);
}

/* After a call of the protocol, which returned rc: lets go of the lock. */
static void leave(struct client *c, int rc, const struct message *msg)
{
    c->heard_s = clock_s();
    if (rc < 0)
        client_stop(c);
    if (rc < 0 && msg->text[0] != '\0')
        end_failed(c, rc, msg->text);
    else if (rc < 0)
        client_end(c);
    pthread_mutex_unlock(&c->lock);
    if (c->live != NULL && !c->is_held && live_is_full(c->live))
        c->is_held = lws_rx_flow_control(c->connection, 0) == 0;
}

void client_opened(struct client *c, const char *query)
{
    struct message msg = {""};
    pthread_mutex_lock(&c->lock);
    leave(c, c->protocol->open != NULL ? c->protocol->open(c, query, &msg) : LINNET_OK, &msg);
}

void client_text(struct client *c, const char *text, size_t n)
{
    struct message msg = {""};
    pthread_mutex_lock(&c->lock);
    leave(c,
          c->protocol->text != NULL ? c->protocol->text(c, text, n, &msg)
                                    : fail(&msg, LINNET_E_ARGUMENT, "text is not expected here"),
          &msg);
}

void client_binary(struct client *c, const unsigned char *bytes, size_t n)
{
    struct message msg = {""};
    pthread_mutex_lock(&c->lock);
    leave(c,
          c->protocol->binary != NULL ? c->protocol->binary(c, bytes, n, &msg)
                                      : fail(&msg, LINNET_E_ARGUMENT, "binary data are not expected here"),
          &msg);
}
