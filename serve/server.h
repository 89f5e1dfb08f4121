/* SPDX-License-Identifier: Apache-2.0
 * server.h - `linnet serve`: one process, models that all share, any number of clients.
 *
 * One thread, the loop's, does all that has to do with the network (libwebsockets, whose functions but
 * lws_cancel_service belong to it).  Decoding is done elsewhere: live streams by live.h, files by files.h.  What those
 * threads have to say they put into a client's outbox (outbox.h), and wake the loop. */
#ifndef LINNET_SERVE_SERVER_H
#define LINNET_SERVE_SERVER_H

#include <stdatomic.h>

#include "bin/decoding.h"
#include "bin/options.h"
#include "serve/connection.h"
#include "serve/files.h"
#include "serve/listener.h"
#include "serve/live.h"
#include "serve/models.h"
#include "serve/report.h"

struct serve_options {
    struct decoding_options decoding;
    const char *host; /* address to listen on */
    int port, max_streams, upload_mb, queue;
    int wyoming_port; /* < 0: none */
    double stream_s, file_s, idle_s, drain_s;
    const char *token_file, *certificate, *key;
    struct option_list origins;
    int no_token;
    struct limits limits;
};

struct guard;
struct lws_context;
struct watch;

struct server {
    const struct serve_options *options;
    struct serve_models models;
    struct live_scheduler *live;
    struct files *files;
    struct lws_context *context;
    atomic_int wakes;         /* how often a thread has put something into an outbox since the loop looked */
    int is_draining;          /* nobody new is taken on */
    double drained_s;         /* clock: when that must be over */
    struct client *clients;   /* that are connected, the loop's */
    struct request *requests; /* the same */
    struct listener listener, wyoming;
    struct guard *guard;
    struct watch *watch;
    struct connections connections; /* the loop's */
    int most_connections;
    struct report report;         /* the loop's */
    double resident, most_memory; /* bytes of the process, and from which on nobody new is served */
};

/* Serves until SIGTERM or SIGINT: then those who are connected are served to their end; a second signal ends at once.
 * names [n]: more models, beside that of the options. */
LINNET_MUST_CHECK int serve_run(const struct serve_options *o, char *const *names, int n, struct message *msg);

void server_wake(struct server *s); /* by any thread: there is something in an outbox */

/* The loop's thread's: */
int server_has_memory(const struct server *s);
void server_refuse(struct server *s, enum refusal reason); /* somebody was not served */

#endif
