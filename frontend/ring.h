/* SPDX-License-Identifier: Apache-2.0
 * ring.h - samples from one thread to another without locks.
 *
 * One thread writes, one reads; neither ever waits.  What does not fit is not written, and the writer learns how much
 * that is. */
#ifndef LINNET_FRONTEND_RING_H
#define LINNET_FRONTEND_RING_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"

struct ring {
    float *data;
    size_t size;                          /* a power of two */
    _Alignas(64) atomic_size_t n_written; /* since it was opened; wraps; each on its own cache line */
    _Alignas(64) atomic_size_t n_read;
};

int ring_open(struct ring *r, size_t min_size, struct message *msg) LINNET_MUST_CHECK;
void ring_close(struct ring *r);

size_t ring_write(struct ring *r, const float *samples, size_t n); /* how many fitted */
size_t ring_read(struct ring *r, float *samples, size_t max);      /* how many there were */
size_t ring_held(struct ring *r);                                  /* for the reader: how many are there at least */

#endif
