/* SPDX-License-Identifier: Apache-2.0
 * outbox.h - what a client is to be sent: messages in order, put by any thread and taken by the loop's. */
#ifndef LINNET_SERVE_OUTBOX_H
#define LINNET_SERVE_OUTBOX_H

#include <pthread.h>
#include <stddef.h>

#include "base/status.h"

struct outbox_message {
    struct outbox_message *next;
    size_t n;
    int is_binary;
    char *bytes; /* [n], with room for a websocket's header before them */
};

struct outbox {
    pthread_mutex_t lock;
    struct outbox_message *first, *last;
    size_t n_bytes;
    int is_ended;
};

enum {
    OUTBOX_HIGH = 256 << 10, /* bytes from which nobody should put more: the client reads too slowly */
    OUTBOX_MOST = 64 << 20,  /* bytes that are not taken: put fails */
};

LINNET_MUST_CHECK int outbox_open(struct outbox *o, struct message *msg);
void outbox_close(struct outbox *o);

/* Appends a copy of the message.  What comes after outbox_end is dropped. */
LINNET_MUST_CHECK int outbox_put(struct outbox *o, const void *bytes, size_t n, struct message *msg);
LINNET_MUST_CHECK int outbox_put_binary(struct outbox *o, const void *bytes, size_t n, struct message *msg);
void outbox_end(struct outbox *o); /* no more messages: who takes may close the connection after the last */

/* The oldest message, for outbox_free_message; NULL: there is none, and then *is_ended says whether one can come. */
struct outbox_message *outbox_take(struct outbox *o, int *is_ended);
void outbox_free_message(struct outbox_message *m);

int outbox_is_high(struct outbox *o);  /* OUTBOX_HIGH is reached */
int outbox_is_empty(struct outbox *o); /* and not ended */
int outbox_is_ended(struct outbox *o);

#endif
