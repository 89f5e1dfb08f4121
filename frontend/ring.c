/* SPDX-License-Identifier: Apache-2.0
 * ring.c - samples from one thread to another without locks.
 *
 * Two counters that only grow: the writer owns n_written, the reader n_read.  Storing a counter with release and
 * loading the other's with acquire makes the samples visible before the count that covers them, and a place free before
 * it is written again. */
#include "frontend/ring.h"

#include <string.h>

#include "base/mem.h"

int ring_open(struct ring *r, size_t min_size, struct message *msg)
{
    size_t size = 1;
    while (size < min_size && size <= (size_t)1 << 40)
        size *= 2;
    r->data = mem_array(size, sizeof *r->data);
    if (r->data == NULL)
        return fail_memory(msg);
    r->size = size;
    atomic_init(&r->n_written, 0);
    atomic_init(&r->n_read, 0);
    return LINNET_OK;
}

void ring_close(struct ring *r)
{
    mem_free(r->data);
    r->data = NULL;
}

size_t ring_write(struct ring *r, const float *samples, size_t n)
{
    size_t at = atomic_load_explicit(&r->n_written, memory_order_relaxed);
    size_t room = r->size - (at - atomic_load_explicit(&r->n_read, memory_order_acquire));
    if (n > room)
        n = room;
    size_t i = at & (r->size - 1), n_first = n < r->size - i ? n : r->size - i;
    if (n > 0) {
        memcpy(r->data + i, samples, n_first * sizeof *samples);
        memcpy(r->data, samples + n_first, (n - n_first) * sizeof *samples);
    }
    atomic_store_explicit(&r->n_written, at + n, memory_order_release);
    return n;
}

size_t ring_held(struct ring *r)
{
    return atomic_load_explicit(&r->n_written, memory_order_acquire) -
           atomic_load_explicit(&r->n_read, memory_order_relaxed);
}

size_t ring_read(struct ring *r, float *samples, size_t max)
{
    size_t at = atomic_load_explicit(&r->n_read, memory_order_relaxed), n = ring_held(r);
    if (n > max)
        n = max;
    size_t i = at & (r->size - 1), n_first = n < r->size - i ? n : r->size - i;
    if (n > 0) {
        memcpy(samples, r->data + i, n_first * sizeof *samples);
        memcpy(samples + n_first, r->data, (n - n_first) * sizeof *samples);
    }
    atomic_store_explicit(&r->n_read, at + n, memory_order_release);
    return n;
}
