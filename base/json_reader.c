/* SPDX-License-Identifier: Apache-2.0
 * json_reader.c - JSON read in order.
 *
 * Skipping counts brackets outside strings and does not check what is between them. */
#include "base/json_reader.h"

#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/utf8.h"

void json_reader_open(struct json_reader *r, const char *bytes, size_t n)
{
    *r = (struct json_reader){.start = bytes, .at = bytes, .end = bytes + n};
}

void json_reader_close(struct json_reader *r) { buffer_free(&r->text); }

static int bad(struct json_reader *r)
{
    if (r->bad == 0)
        r->bad = LINNET_E_FORMAT;
    return -1;
}

char json_peek(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
    return r->at < r->end && !r->bad ? *r->at : '\0';
}

static int take(struct json_reader *r, char wanted)
{
    if (json_peek(r) != wanted)
        return bad(r);
    r->at++;
    return 0;
}

int json_enter(struct json_reader *r, char open)
{
    r->first = 1;
    return take(r, open);
}

int json_item(struct json_reader *r)
{
    char c = json_peek(r);
    if (c == '}' || c == ']') {
        r->at++;
        r->first = 0;
        return 0;
    }
    if (!r->first && take(r, ',') < 0)
        return -1;
    r->first = 0;
    return json_peek(r) != '\0' ? 1 : bad(r);
}

int json_key(struct json_reader *r, const char **key, size_t *n)
{
    int more = json_item(r);
    if (more <= 0)
        return more;
    return json_text(r, key, n) < 0 || take(r, ':') < 0 ? -1 : 1;
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* What follows a backslash at r->at, as UTF-8 into out; returns the number of bytes or 0 when it is nothing. */
static size_t unescape(struct json_reader *r, char out[4])
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->end ? *r->at++ : '\0';
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    if (known != NULL) {
        out[0] = to[known - from];
        return 1;
    }
    int32_t code = c == 'u' ? hex4(r->at, r->end) : -1;
    if (code < 0)
        return 0;
    r->at += 4;
    if (code >= 0xD800 && code < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        int32_t low = hex4(r->at + 2, r->end);
        if (low >= 0xDC00 && low < 0xE000) {
            r->at += 6;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return utf8_encode((uint32_t)code, out);
}

static const char *string_stop(const char *at, const char *end)
{
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}

static int keep(struct json_reader *r, const char *bytes, size_t n)
{
    int rc = buffer_append(&r->text, bytes, n);
    if (rc < 0)
        r->bad = rc;
    return rc;
}

int json_text(struct json_reader *r, const char **text, size_t *n)
{
    if (take(r, '"') < 0)
        return -1;
    const char *from = r->at;
    r->at = string_stop(r->at, r->end);
    if (r->at < r->end && *r->at == '"') { /* without escapes: not copied */
        *text = from;
        *n = (size_t)(r->at++ - from);
        return 0;
    }
    buffer_cut(&r->text, 0);
    for (;;) {
        if (keep(r, from, (size_t)(r->at - from)) < 0 || r->at >= r->end)
            return bad(r);
        if (*r->at++ == '"')
            break;
        char bytes[4];
        size_t size = unescape(r, bytes);
        if (size == 0 || keep(r, bytes, size) < 0)
            return bad(r);
        from = r->at;
        r->at = string_stop(r->at, r->end);
    }
    *text = r->text.data;
    *n = r->text.n;
    return 0;
}

int json_int(struct json_reader *r, long long *value)
{
    int negative = json_peek(r) == '-';
    if (negative)
        r->at++;
    long long v = 0;
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - from < 18)
        v = v * 10 + (*r->at++ - '0');
    if (r->at == from || (r->at < r->end && strchr("0123456789.eE", *r->at) != NULL))
        return bad(r);
    *value = negative ? -v : v;
    return 0;
}

static int skip_string(struct json_reader *r)
{
    r->at = string_stop(r->at + 1, r->end);
    while (r->end - r->at >= 2 && *r->at == '\\')
        r->at = string_stop(r->at + 2, r->end);
    if (r->at >= r->end || *r->at != '"')
        return bad(r);
    r->at++;
    return 0;
}

int json_skip(struct json_reader *r)
{
    size_t depth = 0;
    for (;;) {
        char c = json_peek(r);
        if (c == '\0')
            return bad(r);
        if (c == '"') {
            if (skip_string(r) < 0)
                return -1;
        } else if (c == '{' || c == '[') {
            depth++;
            r->at++;
            continue;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return bad(r);
            depth--;
            r->at++;
        } else if (depth > 0 && (c == ',' || c == ':')) {
            r->at++;
            continue;
        } else {
            const char *from = r->at;
            while (r->at < r->end && strchr(",:]} \n\t\r\"[{", *r->at) == NULL)
                r->at++;
            if (r->at == from)
                return bad(r);
        }
        if (depth == 0) {
            r->first = 0;
            return 0;
        }
    }
}
