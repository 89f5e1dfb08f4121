/* SPDX-License-Identifier: Apache-2.0
 * json_writer.c - strings and numbers of JSON. */
#include "base/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int write_escaped(struct buffer *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *short_form = strchr(from, c);
    if (c != '\0' && short_form != NULL)
        return buffer_printf(out, "\\%c", to[short_form - from]);
    return buffer_printf(out, "\\u%04x", c);
}

int json_write_string(struct buffer *out, const char *text, size_t n)
{
    int rc = buffer_append(out, "\"", 1);
    for (size_t at = 0, from = 0; rc == 0 && at <= n; at++) { /* stretches between what must be escaped */
        int plain = at < n && (unsigned char)text[at] >= 0x20 && text[at] != '"' && text[at] != '\\';
        if (plain)
            continue;
        rc = utf8_append(out, text + from, at - from);
        if (rc == 0 && at < n)
            rc = write_escaped(out, (unsigned char)text[at]);
        from = at + 1;
    }
    return rc == 0 ? buffer_append(out, "\"", 1) : rc;
}

int json_write_text(struct buffer *out, const char *text) { return json_write_string(out, text, strlen(text)); }

int json_write_number(struct buffer *out, double value, int decimals)
{
    char text[400];
    if (!isfinite(value))
        return buffer_puts(out, "null");
    int n = snprintf(text, sizeof text, "%.*f", decimals, value);
    if (strchr(text, '.') != NULL) {
        while (text[n - 1] == '0')
            n--;
        n -= text[n - 1] == '.';
    }
    text[n] = '\0';
    return buffer_puts(out, strcmp(text, "-0") == 0 ? "0" : text);
}
