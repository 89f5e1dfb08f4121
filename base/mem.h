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

/* Changes an array from mem_array (or NULL) from n_old to n_new items; new ones are zero. On NULL the old one stays. */
void *mem_resize(void *array, size_t n_old, size_t n_new, size_t size) __attribute__((warn_unused_result));

void mem_free(void *array);

char *mem_string(const char *text) __attribute__((malloc, warn_unused_result));             /* copy of a string */
char *mem_string_n(const char *text, size_t n) __attribute__((malloc, warn_unused_result)); /* first n bytes + NUL */

#endif
