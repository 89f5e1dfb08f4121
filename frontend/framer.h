/* SPDX-License-Identifier: Apache-2.0
 * framer.h - cuts a stream of samples into overlapping frames.
 *
 * Frame t is samples [t * hop, t * hop + length) of the stream, whatever the sizes in which the stream arrives.  Use:
 *
 *     while (n > 0) {
 *         size_t n_taken = framer_put(&f, samples, n);
 *         samples += n_taken, n -= n_taken;
 *         while ((frame = framer_next(&f)) != NULL) ...
 *     } */
#ifndef LINNET_FRONTEND_FRAMER_H
#define LINNET_FRONTEND_FRAMER_H

#include <stddef.h>

#include "base/status.h"

struct framer {
    float *data;
    size_t size;        /* of data, in samples */
    size_t length, hop; /* samples */
    size_t begin, end;  /* samples held: data[begin, end) */
};

int framer_open(struct framer *f, size_t length, size_t hop, struct message *msg) LINNET_MUST_CHECK; /* hop <= length */
void framer_close(struct framer *f);
void framer_reset(struct framer *f);

/* Takes some of the samples [n], at least one if n > 0 and framer_next has returned NULL; returns how many. */
size_t framer_put(struct framer *f, const float *samples, size_t n);

/* The next frame [length], valid until the next call of framer_put, or NULL when more samples are needed. */
const float *framer_next(struct framer *f);

/* How many frames there would be with n more samples. */
size_t framer_frames(const struct framer *f, size_t n);

#endif
