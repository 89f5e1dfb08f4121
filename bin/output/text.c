/* SPDX-License-Identifier: Apache-2.0
 * text.c - texts on one line, times in milliseconds. */
#include "bin/output/text.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"

int text_append(struct buffer *out, const char *text)
{
    size_t n = strlen(text), from = out->n;
    for (; n > 0 && strchr(" \t\r\n", *text) != NULL; n--)
        text++;
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
        n--;
    int rc = utf8_append(out, text, n);
    for (size_t i = from; rc == 0 && i < out->n; i++)
        if (strchr("\t\r\n", out->data[i]) != NULL)
            out->data[i] = ' ';
    return rc;
}

int text_is_blank(const char *text) { return text[strspn(text, " \t\r\n")] == '\0'; }

int text_needs_space(const char *before, size_t n, const char *after)
{
    uint32_t last = ' ', first = ' ';
    size_t at = n;
    while (at > 0 && ((unsigned char)before[--at] & 0xC0) == 0x80)
        ;
    if (n > 0)
        utf8_next(before + at, n - at, &last);
    if (after[0] != '\0')
        utf8_next(after, strlen(after), &first);
    return last != ' ' && first != ' ' && last < 0x2E80 && first < 0x2E80;
}

int text_append_time(struct buffer *out, double s, int has_hours, char point)
{
    long long ms = text_milliseconds(s), hours = ms / 3600000;
    int rc = has_hours || hours > 0 ? buffer_printf(out, "%02lld:", hours) : 0;
    if (rc < 0)
        return rc;
    return buffer_printf(out, "%02lld:%02lld%c%03lld", ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

long long text_milliseconds(double s) { return s > 0 && s < 1e12 ? llrint(s * 1000) : 0; }
