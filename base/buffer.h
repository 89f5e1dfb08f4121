/* SPDX-License-Identifier: Apache-2.0
 * buffer.h - bytes that grow, up to a maximum.
 *
 * A zeroed struct is an empty buffer with the default maximum (BUFFER_MAX).  The bytes always end in a NUL that is not
 * counted, so data is a string wherever the bytes hold none; data is NULL until something is appended. */
#ifndef LINNET_BASE_BUFFER_H
#define LINNET_BASE_BUFFER_H

#include <stddef.h>

#define BUFFER_MAX ((size_t)1 << 30)

struct buffer {
    char *data;
    size_t n, size; /* bytes used, bytes allocated */
    size_t max;     /* 0: BUFFER_MAX */
};

/* 0, LINNET_E_MEMORY when memory is out or LINNET_E_FORMAT when the maximum would be passed; then nothing changes. */
int buffer_append(struct buffer *b, const void *bytes, size_t n) __attribute__((warn_unused_result));
int buffer_puts(struct buffer *b, const char *text) __attribute__((warn_unused_result));
int buffer_printf(struct buffer *b, const char *format, ...) __attribute__((warn_unused_result, format(printf, 2, 3)));
int buffer_reserve(struct buffer *b, size_t n) __attribute__((warn_unused_result)); /* room for n bytes more */

void buffer_cut(struct buffer *b, size_t n);     /* keeps the first n bytes */
const char *buffer_text(const struct buffer *b); /* data, or "" when nothing was appended */
void buffer_free(struct buffer *b);              /* and is empty again */

/* Writes in a row until one fails: each step is skipped once rc is set. */
#define THEN(call)                                                                                                     \
    if (rc == 0)                                                                                                       \
    rc = (call)

#endif
