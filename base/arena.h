/* SPDX-License-Identifier: Apache-2.0
 * arena.h - scratch memory that is sized once and given out by moving a pointer.
 *
 * A forward step takes its temporaries from an arena that was sized when the stream opened, so it allocates nothing and
 * cannot fail for memory.  Not for several threads at once. */
#ifndef LINNET_BASE_ARENA_H
#define LINNET_BASE_ARENA_H

#include <stddef.h>

struct arena {
    char *data;
    size_t size, used, peak; /* bytes */
};

int arena_open(struct arena *a, size_t size) __attribute__((warn_unused_result)); /* 0 or LINNET_E_MEMORY */
void arena_close(struct arena *a);

/* n * size bytes, aligned to 64, not zeroed.  Asking for more than there is is a mistake in the program: aborts in a
 * debug build, returns NULL otherwise. */
void *arena_take(struct arena *a, size_t n, size_t size);

static inline size_t arena_mark(const struct arena *a) { return a->used; }
static inline void arena_release(struct arena *a, size_t mark) { a->used = mark; }

/* What arena_take(n, size) uses up: for sizing. */
static inline size_t arena_need(size_t n, size_t size) { return (n * size + 63) / 64 * 64; }

#endif
