/* SPDX-License-Identifier: Apache-2.0
 * arena.c - scratch memory. */
#include "base/arena.h"

#include <assert.h>

#include "base/mem.h"
#include "linnet.h"

int arena_open(struct arena *a, size_t size)
{
    a->data = mem_array(size, 1);
    a->size = a->data != NULL ? size : 0;
    a->used = a->peak = 0;
    return a->data != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

void arena_close(struct arena *a)
{
    mem_free(a->data);
    a->data = NULL;
    a->size = a->used = 0;
}

void *arena_take(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > a->size - a->used ||
        arena_need(bytes, 1) > a->size - a->used) {
        assert(0 && "arena too small");
        return NULL;
    }
    void *at = a->data + a->used;
    a->used += arena_need(bytes, 1);
    if (a->used > a->peak)
        a->peak = a->used;
    return at;
}
