/* SPDX-License-Identifier: Apache-2.0
 * events.h - the queue between a decoder, which says things, and the caller, who takes them. */
#ifndef LINNET_DECODERS_COMMON_EVENTS_H
#define LINNET_DECODERS_COMMON_EVENTS_H

#include "base/status.h"

struct event_node;

/* Zeroed is empty. */
struct events {
    struct event_node *first, *last;
    struct event_node *taken; /* what the caller looks at: lives until the next call */
    char language[16];        /* of the last event that had one, or "" */
};

/* Appends a deep copy of the event. */
LINNET_MUST_CHECK int events_push(struct events *q, const linnet_event *event, struct message *msg);
int events_pop(struct events *q, linnet_event *event); /* 1 and the oldest event, or 0 */
void events_forget(struct events *q);                  /* releases what the caller looked at */
void events_clear(struct events *q);

#endif
