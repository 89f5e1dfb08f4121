/* SPDX-License-Identifier: Apache-2.0
 * buffer.c - bytes that grow. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"

int buffer_reserve(struct buffer *b, size_t n)
{
    size_t max = b->max != 0 ? b->max : BUFFER_MAX;
    if (n > max || b->n > max - n)
        return LINNET_E_FORMAT;
    size_t need = b->n + n + 1;
    if (need <= b->size)
        return 0;
    size_t size = b->size < 128 ? 256 : b->size * 2;
    if (size < need)
        size = need;
    char *data = mem_resize(b->data, b->size, size, 1);
    if (data == NULL)
        return LINNET_E_MEMORY;
    b->data = data;
    b->size = size;
    return 0;
}

int buffer_append(struct buffer *b, const void *bytes, size_t n)
{
    int rc = buffer_reserve(b, n);
    if (rc < 0)
        return rc;
    if (n > 0)
        memcpy(b->data + b->n, bytes, n);
    b->n += n;
    b->data[b->n] = '\0';
    return 0;
}

int buffer_puts(struct buffer *b, const char *text) { return buffer_append(b, text, strlen(text)); }

int buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return LINNET_E_ARGUMENT;
    int rc = buffer_reserve(b, (size_t)n);
    if (rc < 0)
        return rc;
    va_start(args, format);
    vsnprintf(b->data + b->n, (size_t)n + 1, format, args);
    va_end(args);
    b->n += (size_t)n;
    return 0;
}

void buffer_cut(struct buffer *b, size_t n)
{
    if (n < b->n) {
        b->n = n;
        b->data[n] = '\0';
    }
}

const char *buffer_text(const struct buffer *b) { return b->data != NULL ? b->data : ""; }

void buffer_free(struct buffer *b)
{
    mem_free(b->data);
    b->data = NULL;
    b->n = b->size = 0;
}
