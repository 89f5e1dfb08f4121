/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/client.h"

#include <jansson.h>
#include <libwebsockets.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/server.h"

enum { SAMPLES = 4096 /* converted at a time */ };

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

int client_start(struct client *c, const struct serve_request *r, struct message *msg)
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
    c->rate_hz = r->sample_rate_hz;
    c->n_odd = 0;
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

static float sample_of(enum client_encoding encoding, const unsigned char *b)
{
    if (encoding == CLIENT_S16LE)
        return (float)(int16_t)(uint16_t)(b[0] | b[1] << 8) / 32768.0f;
    uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int client_audio(struct client *c, enum client_encoding encoding, const unsigned char *bytes, size_t n,
                 struct message *msg)
{
    float samples[SAMPLES];
    size_t size = encoding == CLIENT_S16LE ? 2 : 4, n_samples = 0;
    int rc = LINNET_OK;
    if (c->live == NULL)
        return fail(msg, LINNET_E_STATE, "audio came before the stream was started");
    for (size_t i = 0; i < n && rc >= 0; i++) {
        c->odd[c->n_odd++] = bytes[i];
        if (c->n_odd < size)
            continue;
        samples[n_samples++] = sample_of(encoding, c->odd);
        c->n_odd = 0;
        if (n_samples == SAMPLES) {
            rc = live_feed(c->live, samples, n_samples, msg);
            n_samples = 0;
        }
    }
    if (rc >= 0 && n_samples > 0)
        rc = live_feed(c->live, samples, n_samples, msg);
    return rc < 0 ? rc : LINNET_OK;
}

int client_finish(struct client *c, struct message *msg)
{
    c->n_odd = 0;
    if (c->live == NULL)
        return fail(msg, LINNET_E_STATE, "no stream has been started");
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

void client_read_on(struct client *c)
{
    if (c->is_held && (c->live == NULL || !live_is_full(c->live)))
        c->is_held = lws_rx_flow_control(c->connection, 1) != 0;
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
