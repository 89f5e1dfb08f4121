/* SPDX-License-Identifier: Apache-2.0
 * json_writer.h - strings and numbers of JSON. */
#ifndef LINNET_BASE_JSON_WRITER_H
#define LINNET_BASE_JSON_WRITER_H

#include "base/buffer.h"

/* Appends text [n bytes] in quotes: everything escaped that must be, broken UTF-8 replaced. */
int json_write_string(struct buffer *out, const char *text, size_t n) __attribute__((warn_unused_result));
int json_write_text(struct buffer *out, const char *text) __attribute__((warn_unused_result)); /* up to its NUL */

/* Appends a number with at most so many decimals, zeros at the end left out; null for what JSON has no number for. */
int json_write_number(struct buffer *out, double value, int decimals) __attribute__((warn_unused_result));

#endif
