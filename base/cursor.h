/* SPDX-License-Identifier: Apache-2.0
 * cursor.h - untrusted bytes in order: little-endian numbers, never read past the end.
 *
 * What is missing reads as zero and sets `bad`, which stays set: take several values, then look at it once. */
#ifndef LINNET_BASE_CURSOR_H
#define LINNET_BASE_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const unsigned char *at, *end;
    int bad;
};

static inline size_t cursor_left(const struct cursor *c) { return c->bad ? 0 : (size_t)(c->end - c->at); }

/* The next n bytes, or NULL. */
static inline const unsigned char *cursor_bytes(struct cursor *c, uint64_t n)
{
    if (c->bad || n > (uint64_t)(c->end - c->at)) {
        c->bad = 1;
        return NULL;
    }
    const unsigned char *bytes = c->at;
    c->at += n;
    return bytes;
}

/* An unsigned number of n bytes, 1 to 8. */
static inline uint64_t cursor_number(struct cursor *c, int n)
{
    const unsigned char *bytes = cursor_bytes(c, (uint64_t)n);
    uint64_t value = 0;
    for (int i = n - 1; i >= 0 && bytes != NULL; i--)
        value = value << 8 | bytes[i];
    return value;
}

static inline unsigned cursor_u8(struct cursor *c) { return (unsigned)cursor_number(c, 1); }
static inline unsigned cursor_u16(struct cursor *c) { return (unsigned)cursor_number(c, 2); }
static inline uint32_t cursor_u32(struct cursor *c) { return (uint32_t)cursor_number(c, 4); }
static inline int32_t cursor_i32(struct cursor *c) { return (int32_t)(uint32_t)cursor_number(c, 4); }

#endif
