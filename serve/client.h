/* SPDX-License-Identifier: Apache-2.0
 * client.h - somebody who speaks a live protocol: a table of functions for what comes and what is to be told.
 *
 * open, text, binary and close are called by the loop's thread, event by one that decodes, failed by either: never two
 * at once for a client, and none for a stream that was stopped.  What they have to say goes through client_put, which
 * any thread may call.  A client is there until its connection and its streams have all let go of it. */
#ifndef LINNET_SERVE_CLIENT_H
#define LINNET_SERVE_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "serve/live.h"
#include "serve/outbox.h"
#include "serve/samples.h"

struct json_t;
struct lws;
struct server;
struct client;
struct session;

struct protocol {
    const char *name;  /* for reports: "wenet" */
    const char *path;  /* of its websocket: "/v1/stream"; NULL: none, its bytes come over a plain connection */
    size_t state_size; /* of client->state */
    /* Any may be NULL.  < 0 ends the connection: if msg says why, after `failed`. */
    int (*open)(struct client *c, const char *query, struct message *msg); /* "a=b&c=d", as it came, or "" */
    int (*text)(struct client *c, const char *text, size_t n, struct message *msg);
    int (*binary)(struct client *c, const unsigned char *bytes, size_t n, struct message *msg);
    int (*event)(struct client *c, const linnet_event *e, struct message *msg);
    int (*failed)(struct client *c, int code, const char *why, struct message *msg); /* tells the client */
    int (*ending)(struct client *c, double end_s, struct message *msg); /* the server ends: tells the client */
    void (*close)(struct client *c);                                    /* frees what state holds */
};

struct client {
    struct server *server;
    const struct protocol *protocol;
    pthread_mutex_t lock; /* held while a function of the protocol runs */
    void *state;          /* the protocol's own, zeroed at first */
    struct outbox outbox;
    atomic_int n_holders;    /* its connection, and its streams */
    atomic_int is_ending;    /* what comes is of no interest any more */
    atomic_int status;       /* that the connection is closed with */
    atomic_int is_done;      /* as client_done says */
    struct session *session; /* of the stream that is open: with the lock */
    /* the loop's thread's: */
    struct live *live; /* NULL: no stream */
    struct samples samples;
    struct lws *connection;
    struct client *next, *before; /* of the server's */
    struct buffer incoming;       /* of a message that came in part */
    double heard_s;               /* clock: when something came or went last */
    int is_held;                  /* nothing is read, until its stream has room */
    int is_hung_up;               /* nothing more is sent, and the client should close */
};

/* ---- for protocols ---- */

/* Opens the stream, for audio of r->sample_rate_hz. */
LINNET_MUST_CHECK int client_start(struct client *c, const struct serve_request *r, enum samples_encoding encoding,
                                   int n_channels, struct message *msg);

/* Audio, as bytes come: a sample may be cut. */
LINNET_MUST_CHECK int client_audio(struct client *c, const unsigned char *bytes, size_t n, struct message *msg);
LINNET_MUST_CHECK int client_finish(struct client *c, struct message *msg); /* as live_finish */
void client_stop(struct client *c); /* closes its stream, dropping what was not decoded; another may be started */
void client_done(struct client *c); /* by an event that is the stream's last: the loop closes it soon */

LINNET_MUST_CHECK int client_put(struct client *c, const char *text, size_t n, struct message *msg);
LINNET_MUST_CHECK int client_put_json(struct client *c, struct json_t *message, struct message *msg); /* takes it */
LINNET_MUST_CHECK int client_put_binary(struct client *c, const void *bytes, size_t n, struct message *msg);
void client_end(struct client *c); /* the connection closes after the last message */

/* ---- for connections ---- */

LINNET_MUST_CHECK int client_open(struct client **out, struct server *s, const struct protocol *p, struct lws *wsi,
                                  struct message *msg);
void client_close(struct client *c);                           /* the connection is gone */
void client_drop(struct client *c);                            /* client_stop, when no function of the protocol runs */
void client_fail(struct client *c, int code, const char *why); /* tells the client, and ends it */
void client_warn(struct client *c, double end_s);    /* the server ends, and with it the client after that time */
LINNET_MUST_CHECK int client_send(struct client *c); /* the next message may be written; < 0: close the connection */
void client_wake(struct client *c);                  /* something has happened to its stream or its outbox */

/* Calls the protocol, and ends the client where that fails.  When its stream has enough, nothing more is read of the
 * connection before it has room again. */
void client_opened(struct client *c, const char *query);
void client_text(struct client *c, const char *text, size_t n);
void client_binary(struct client *c, const unsigned char *bytes, size_t n);

/* Those of websockets are in websocket.c's table. */
extern const struct protocol stream_protocol, wenet_protocol, realtime_protocol, wyoming_protocol;

#endif
