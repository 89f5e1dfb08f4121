/* SPDX-License-Identifier: Apache-2.0
 * live.h - live streams: audio comes from one thread, is decoded by the threads of a scheduler, and events go out.
 *
 * A scheduler has a thread for each processor.  Streams with audio wait in one line for a thread that decodes some of
 * it: first comes whose audio has waited longest.  Audio that comes faster than it is spoken counts as if it came in
 * its time, so that who plays a file has what the others leave.  A stream is taken on only if a second in which all
 * speak (cost.h) fits into a second of the processors, and nobody is late now, as where other programs take the
 * processors: who is accepted is served in time, and who is not is told at once. */
#ifndef LINNET_SERVE_LIVE_H
#define LINNET_SERVE_LIVE_H

#include <stddef.h>

#include "serve/histogram.h"
#include "serve/models.h"

struct live;
struct live_scheduler;

struct live_options {
    int n_threads;
    double share;     /* of all processors that busy streams may take */
    int max_streams;  /* so many, whatever they cost; 0: as many as fit */
    double late_s;    /* audio that waits so long is late: nobody is taken on meanwhile; 0: any time will do */
    double stream_s;  /* the longest recording; 0: any */
    double backlog_s; /* audio of a stream that may wait, before its reader is asked to stop */
};

/* Whom a stream tells.  event and failed are called by threads of the scheduler, never two at once for a stream, and
 * `drained` too; release last of all, by any thread.  None of them may wait. */
struct live_sink {
    int (*event)(void *arg, const linnet_event *event, struct message *msg); /* < 0: the stream fails */
    void (*failed)(void *arg, int code, const char *why);                    /* nothing but release follows */
    void (*drained)(void *arg);                                              /* audio may come again */
    int (*is_blocked)(void *arg); /* events would pile up: the stream waits; live_wake when that is over */
    void (*release)(void *arg);
    void *arg;
};

/* What the streams do now, and did, for reports. */
struct live_facts {
    int n_streams;
    double busy;      /* what a second in which all speak takes, of what it may */
    double backlog_s; /* audio that waits, of all streams */
    double audio_s, compute_s;
    unsigned long n_started, n_refused, n_failed;
    struct histogram partials, finals; /* from the coming of the audio that showed an event until it was told */
};

/* For streams of these models, which must outlive it. */
LINNET_MUST_CHECK int live_scheduler_open(struct live_scheduler **out, const struct live_options *o,
                                          const struct serve_models *models, struct message *msg);
void live_scheduler_close(struct live_scheduler *s); /* all its streams must be closed */
void live_scheduler_facts(struct live_scheduler *s, struct live_facts *facts);

/* LINNET_E_BUSY: there is no room.  After a failure sink->release is not called. */
#define LINNET_E_BUSY (-100)
LINNET_MUST_CHECK int live_open(struct live **out, struct live_scheduler *s, const struct serve_request *r,
                                const struct live_sink *sink, struct message *msg);

/* Takes samples; returns 1 when so many wait that no more should come until `drained`, else 0.  By one thread at a
 * time, as all that follows. */
LINNET_MUST_CHECK int live_feed(struct live *l, const float *samples, size_t n, struct message *msg);

/* The recording ends here: its last events come, LINNET_EVENT_END the last.  What is fed then is another recording,
 * whose times begin at 0. */
LINNET_MUST_CHECK int live_finish(struct live *l, struct message *msg);

const char *live_decoder(const struct live *l); /* the name of what decodes it */

int live_is_full(struct live *l); /* no more audio should come now */
int live_is_busy(struct live *l); /* some of it is not decoded yet */
void live_wake(struct live *l);   /* what blocked it is over */
void live_close(struct live *l);  /* drops what was not decoded; its sink may be called until it is released */

#endif
