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

long long text_milliseconds(double s) { return s > 0 && s < 1e12 ? llrint(s * 1000) : 0; }
