/* SPDX-License-Identifier: Apache-2.0
 * mem.h - the only place that allocates.
 *
 * Products are checked, memory is zeroed and aligned to 64 bytes (a cache line and an AVX-512 register).  With
 * LINNET_FAIL_ALLOC=n in the environment the n-th allocation of the process returns NULL, and only that one: tests walk
 * through every failure with it. */
#ifndef LINNET_BASE_MEM_H
#define LINNET_BASE_MEM_H

#include <stddef.h>

/* n * size zeroed bytes; NULL when the product wraps or memory is out.  n == 0 gives a valid pointer. For mem_free. */
void *mem_array(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* The same, for room of which most may stay unused: takes memory page by page as it is written to, where mem_array asks
 * for pages of 2 MB. */
void *mem_sparse(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* Changes an array from mem_array (or NULL) from n_old to n_new items; new ones are zero. On NULL the old one stays. */
void *mem_resize(void *array, size_t n_old, size_t n_new, size_t size) __attribute__((warn_unused_result));

/* The arrays of a struct in one block: each field gets n zeroed items, on a boundary of 64 bytes.  Returns the block,
 * which mem_free releases with all of them, or NULL.
 *
 *     s->block = MEM_PARTS(MEM_PART(s->x, n_rows * d), MEM_PART(s->scores, n_keys)); */
struct mem_part {
    void *field; /* address of the pointer */
    size_t n, size;
};
void *mem_parts(const struct mem_part *parts, size_t n_parts) __attribute__((warn_unused_result));
#define MEM_PART(field, n)                                                                                             \
    {                                                                                                                  \
        &(field), n, sizeof *(field)                                                                                   \
    }
#define MEM_PARTS(...)                                                                                                 \
    mem_parts((const struct mem_part[]){__VA_ARGS__},                                                                  \
              sizeof((const struct mem_part[]){__VA_ARGS__}) / sizeof(struct mem_part))

/* Makes room for n items of `size` bytes in *array, which has room for *room: 0, or LINNET_E_MEMORY and no change.  It
 * grows by half at least, so that adding one after the other costs little. */
int mem_grow(void **array, int *room, int n, size_t size) __attribute__((warn_unused_result));
#define MEM_GROW(array, room, n) mem_grow((void **)&(array), &(room), n, sizeof *(array))

void mem_free(void *array);

char *mem_string(const char *text) __attribute__((malloc, warn_unused_result));             /* copy of a string */
char *mem_string_n(const char *text, size_t n) __attribute__((malloc, warn_unused_result)); /* first n bytes + NUL */

#endif
