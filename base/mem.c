/* SPDX-License-Identifier: Apache-2.0
 * mem.c - checked allocation. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/status.h"

#define ALIGNMENT 64

/* True when this allocation is the one that LINNET_FAIL_ALLOC asks to fail. */
static int must_fail(void)
{
    static atomic_long n_left = -2; /* -2: environment not read yet; -1: never fail */
    long left = atomic_load_explicit(&n_left, memory_order_relaxed);
    if (left == -2) {
        const char *text = getenv("LINNET_FAIL_ALLOC");
        long wanted = text != NULL ? strtol(text, NULL, 10) : -1;
        long unset = -2;
        atomic_compare_exchange_strong(&n_left, &unset, wanted > 0 ? wanted : -1);
        left = atomic_load(&n_left);
    }
    return left > 0 && atomic_fetch_sub(&n_left, 1) == 1;
}

/* Weights that are read from end to end for every token miss far fewer address translations in pages of 2 MB. */
static void use_huge_pages(uintptr_t at, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t page = (uintptr_t)2 << 20;
    uintptr_t first = (at + page - 1) / page * page, last = (at + bytes) / page * page;
    if (last > first)
        madvise((void *)first, last - first, MADV_HUGEPAGE); /* advice: nothing depends on it */
#else
    (void)at;
    (void)bytes;
#endif
}

void *mem_sparse(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT || must_fail())
        return NULL;
    bytes = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *raw = calloc(1, bytes + ALIGNMENT); /* big blocks come zeroed and untouched from the system */
    if (raw == NULL)
        return NULL;
    uintptr_t at = ((uintptr_t)raw + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    ((void **)at)[-1] = raw;
    return (void *)at;
}

void *mem_array(size_t n, size_t size)
{
    void *array = mem_sparse(n, size);
    if (array != NULL)
        use_huge_pages((uintptr_t)array, n * size);
    return array;
}

void *mem_parts(const struct mem_part *parts, size_t n_parts)
{
    size_t bytes = 0, of_part;
    for (size_t i = 0; i < n_parts; i++)
        if (__builtin_mul_overflow(parts[i].n, parts[i].size, &of_part) || of_part > SIZE_MAX / 2 - ALIGNMENT ||
            __builtin_add_overflow(bytes, (of_part + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, &bytes))
            return NULL;
    char *block = mem_array(bytes, 1);
    for (size_t i = 0, at = 0; i < n_parts && block != NULL; i++) {
        char *part = block + at;
        memcpy(parts[i].field, &part, sizeof part);
        at += (parts[i].n * parts[i].size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return block;
}

void *mem_resize(void *array, size_t n_old, size_t n_new, size_t size)
{
    void *fresh = mem_array(n_new, size);
    if (fresh == NULL)
        return NULL;
    if (array != NULL)
        memcpy(fresh, array, (n_old < n_new ? n_old : n_new) * size);
    mem_free(array);
    return fresh;
}

int mem_grow(void **array, int *room, int n, size_t size)
{
    if (n <= *room)
        return LINNET_OK;
    if (n > 1 << 29)
        return LINNET_E_MEMORY;
    int fresh_room = n > *room + *room / 2 ? n : *room + *room / 2;
    void *fresh = mem_resize(*array, (size_t)*room, (size_t)fresh_room, size);
    if (fresh == NULL)
        return LINNET_E_MEMORY;
    *array = fresh;
    *room = fresh_room;
    return LINNET_OK;
}

void mem_free(void *array)
{
    if (array != NULL)
        free(((void **)array)[-1]);
}

char *mem_string(const char *text) { return mem_string_n(text, strlen(text)); }

char *mem_string_n(const char *text, size_t n)
{
    char *copy = mem_array(n + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, n);
    return copy;
}
