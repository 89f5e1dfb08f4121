/* SPDX-License-Identifier: Apache-2.0
 * text.h - what several output formats do with texts and times, as OpenAI's program does it. */
#ifndef LINNET_BIN_OUTPUT_TEXT_H
#define LINNET_BIN_OUTPUT_TEXT_H

#include "base/buffer.h"

/* Appends text without blanks around it, as valid UTF-8 on one line: tabs and line ends become spaces. */
int text_append(struct buffer *out, const char *text);
int text_is_blank(const char *text);

long long text_milliseconds(double s); /* rounded; 0 for what is no time */

#endif
