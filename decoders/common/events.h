/* SPDX-License-Identifier: Apache-2.0
 * events.h - the queue between a decoder, which pushes events, and the caller, who pops them. */
#ifndef LINNET_DECODERS_COMMON_EVENTS_H
#define LINNET_DECODERS_COMMON_EVENTS_H

#include "base/status.h"

struct calibration;
struct event_node;

/* Zeroed is empty. */
struct events {
    struct event_node *first, *last;
    struct event_node *popped;             /* what the caller has: lives until the next call */
    char language[16];                     /* of the last event that had one, or "" */
    const struct calibration *calibration; /* of words that are pushed; NULL: they are copied as they are */
};

/* Appends a deep copy of the event, with calibrated confidences. */
LINNET_MUST_CHECK int events_push(struct events *q, const linnet_event *event, struct message *msg);
int events_pop(struct events *q, linnet_event *event); /* 1 and the oldest event, or 0 */
void events_release(struct events *q);                 /* releases what was popped */
void events_clear(struct events *q);

#endif
