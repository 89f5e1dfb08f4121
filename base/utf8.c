/* SPDX-License-Identifier: Apache-2.0
 * utf8.c - UTF-8, byte by byte.
 *
 * The first two bytes decide whether a sequence can be well formed (no surrogates, nothing past U+10FFFF, no longer
 * form than needed); after them any continuation byte will do. */
#include "base/utf8.h"

#include "base/status.h"

/* Length of the sequence that starts with byte, 0 when none does. */
static size_t length_of(unsigned char byte)
{
    return byte < 0x80 ? 1 : byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0;
}

static int second_is_good(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

/* Bytes of the sequence at the start that are good, and in *length how many there should be. */
static size_t good_bytes(const unsigned char *s, size_t n, size_t *length)
{
    *length = length_of(s[0]);
    if (*length == 0)
        return 0;
    size_t i = 1;
    while (i < *length && i < n && (i == 1 ? second_is_good(s[0], s[1]) : (s[i] & 0xC0) == 0x80))
        i++;
    return i;
}

size_t utf8_next(const char *bytes, size_t n, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)bytes;
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t length, good = good_bytes(s, n, &length);
    if (length == 0 || good < length) {
        *code = UTF8_REPLACEMENT;
        return good > 0 ? good : 1;
    }
    uint32_t c = s[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | (s[i] & 0x3F);
    *code = c;
    return length;
}

size_t utf8_encode(uint32_t code, char bytes[4])
{
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        code = UTF8_REPLACEMENT;
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3F));
    bytes[0] = (char)((0xF00u >> n & 0xFF) | code);
    return n;
}

size_t utf8_valid(const char *bytes, size_t n)
{
    size_t at = 0;
    while (at < n) {
        size_t length, good = good_bytes((const unsigned char *)bytes + at, n - at, &length);
        if (length == 0 || good < length)
            break;
        at += length;
    }
    return at;
}

size_t utf8_count(const char *bytes, size_t n)
{
    size_t count = 0;
    uint32_t code;
    for (size_t at = 0; at < n; count++)
        at += utf8_next(bytes + at, n - at, &code);
    return count;
}

size_t utf8_unfinished(const char *bytes, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        size_t length, good = good_bytes((const unsigned char *)bytes + n - back, back, &length);
        if (length > back && good == back)
            return back;
    }
    return 0;
}

int utf8_append(struct buffer *b, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t good = utf8_valid(bytes, n);
        int rc = buffer_append(b, bytes, good);
        if (rc == 0 && good < n) {
            uint32_t code;
            good += utf8_next(bytes + good, n - good, &code);
            rc = buffer_append(b, "\xEF\xBF\xBD", 3);
        }
        if (rc < 0)
            return rc;
        bytes += good;
        n -= good;
    }
    return 0;
}
