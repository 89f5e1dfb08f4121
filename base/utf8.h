/* SPDX-License-Identifier: Apache-2.0
 * utf8.h - UTF-8, byte by byte.
 *
 * Bytes that are no UTF-8 read as U+FFFD, one for each longest start of a character that was broken off (what Unicode
 * recommends and Python does), so that any bytes can be read. */
#ifndef LINNET_BASE_UTF8_H
#define LINNET_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define UTF8_REPLACEMENT 0xFFFDu

/* The code point at the start of bytes [n], n > 0; returns how many bytes it took, at least 1. */
size_t utf8_next(const char *bytes, size_t n, uint32_t *code);

/* Writes the code point (U+FFFD for what is none) and returns how many bytes it took. */
size_t utf8_encode(uint32_t code, char bytes[4]);

size_t utf8_valid(const char *bytes, size_t n); /* bytes of the longest prefix that is UTF-8 */
size_t utf8_count(const char *bytes, size_t n); /* code points, broken ones included */

/* How many bytes at the end are the start of a character that further bytes may complete: 0 to 3. */
size_t utf8_unfinished(const char *bytes, size_t n);

/* Appends bytes with everything broken replaced. */
int utf8_append(struct buffer *b, const char *bytes, size_t n) __attribute__((warn_unused_result));

#endif
