/* SPDX-License-Identifier: Apache-2.0
 * backlog.h - audio of a live stream that has come and is not decoded yet, with the ends of recordings between. */
#ifndef LINNET_SERVE_BACKLOG_H
#define LINNET_SERVE_BACKLOG_H

#include <stddef.h>

#include "base/status.h"

/* An end takes as much room as so many samples, and no block is smaller: memory is bounded by n_waiting. */
enum { BACKLOG_LEAST = 1024 };

struct backlog {
    struct backlog_block *first, *last;
    size_t n_waiting; /* samples */
};

/* What is to be decoded next: samples that came together, or the end of a recording. */
struct backlog_piece {
    const float *samples;
    size_t n;
    int is_end;
    double came_s; /* clock */
};

/* Appends samples; n == 0: an end. */
LINNET_MUST_CHECK int backlog_add(struct backlog *b, const float *samples, size_t n, double now_s, struct message *msg);

/* The oldest samples, `most` at most, valid until they are taken: 1, or 0 when nothing waits.  Others may be appended
 * meanwhile. */
int backlog_peek(const struct backlog *b, size_t most, struct backlog_piece *piece);
void backlog_take(struct backlog *b, const struct backlog_piece *piece); /* what peek gave last */
void backlog_clear(struct backlog *b);

#endif
