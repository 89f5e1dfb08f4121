/* SPDX-License-Identifier: Apache-2.0
 * text.h - what several output formats do with texts and times, as OpenAI's program does it. */
#ifndef LINNET_BIN_OUTPUT_TEXT_H
#define LINNET_BIN_OUTPUT_TEXT_H

#include "base/buffer.h"

/* Appends text without blanks around it, as valid UTF-8 on one line: tabs and line ends become spaces. */
int text_append(struct buffer *out, const char *text);
int text_is_blank(const char *text);

/* True when the two texts, of which `before` has n bytes, need a space between them: neither has one, and both use the
 * spaces of alphabetic scripts (everything before the East Asian ones). */
int text_needs_space(const char *before, size_t n, const char *after);

/* Appends hours:minutes:seconds, the point and milliseconds, the hours where there are some or has_hours is set. */
int text_append_time(struct buffer *out, double s, int has_hours, char point);

long long text_milliseconds(double s); /* rounded; 0 for what is no time */

#endif
