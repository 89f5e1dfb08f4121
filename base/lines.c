/* SPDX-License-Identifier: Apache-2.0
 * lines.c - the file is read whole and cut where its lines end; UTF-16 becomes UTF-8 first. */
#include "base/lines.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/unicode.h"
#include "base/utf8.h"

#define MARK "\xEF\xBB\xBF" /* U+FEFF in UTF-8 */

static uint32_t unit_at(const struct buffer *b, size_t at, int is_big)
{
    const unsigned char *bytes = (const unsigned char *)b->data + at;
    return (uint32_t)(is_big ? bytes[0] << 8 | bytes[1] : bytes[1] << 8 | bytes[0]);
}

/* Appends a code point of UTF-16; half a pair as bytes that are no UTF-8, for the error of its line. */
static int append_code(struct buffer *out, uint32_t code)
{
    char bytes[4];
    if (code >= 0xD800 && code < 0xE000)
        return buffer_append(out, "\xFF", 1);
    return buffer_append(out, bytes, utf8_encode(code, bytes));
}

static int from_utf16(struct buffer *text, int is_big)
{
    struct buffer out = {.max = 2 * text->n}; /* three bytes for two are the most */
    int rc = 0;
    for (size_t at = 2; rc == 0 && at + 1 < text->n; at += 2) {
        uint32_t code = unit_at(text, at, is_big), low = 0;
        if (code >= 0xD800 && code < 0xDC00 && at + 3 < text->n)
            low = unit_at(text, at + 2, is_big);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at += 2;
        }
        rc = append_code(&out, code);
    }
    if (rc == 0 && text->n % 2 == 1)
        rc = append_code(&out, 0xD800);
    if (rc < 0) {
        buffer_free(&out);
        return rc;
    }
    buffer_free(text);
    *text = out;
    text->max = 0;
    return 0;
}

int lines_open(struct lines *l, const char *path, size_t max, struct message *msg)
{
    struct lines fresh = {.path = strcmp(path, "-") == 0 ? "/dev/stdin" : path, .any_bytes = l->any_bytes};
    int rc = file_read(fresh.path, max, &fresh.text, msg);
    const char *text = buffer_text(&fresh.text);
    if (rc == 0 && fresh.text.n >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0) &&
        (rc = from_utf16(&fresh.text, *text == '\xFE')) < 0)
        fail_memory(msg);
    if (rc < 0)
        lines_close(&fresh);
    else
        *l = fresh;
    return rc;
}

void lines_close(struct lines *l)
{
    buffer_free(&l->text);
    *l = (struct lines){0};
}

int lines_fail(const struct lines *l, struct message *msg, const char *format, ...)
{
    char why[sizeof msg->text];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return fail(msg, LINNET_E_FORMAT, "%.*s:%d: %s", (int)sizeof why / 2, l->path, l->number, why);
}

/* Bytes of the byte order mark at text, or 0. */
static size_t mark_at(const char *text, size_t n)
{
    return n >= strlen(MARK) && memcmp(text, MARK, strlen(MARK)) == 0 ? strlen(MARK) : 0;
}

/* Cuts the line off; returns what follows its end. */
static size_t end_line(struct buffer *b, size_t at, size_t *end)
{
    size_t i = at;
    while (i < b->n && b->data[i] != '\n' && b->data[i] != '\r')
        i++;
    *end = i;
    size_t next = i + 1 + (i + 1 < b->n && b->data[i] == '\r' && b->data[i + 1] == '\n');
    if (i < b->n)
        b->data[i] = '\0';
    return next < b->n ? next : b->n;
}

static int check(const struct lines *l, const struct line *line, struct message *msg)
{
    size_t good = utf8_valid(line->text, line->n);
    if (memchr(line->text, '\0', line->n) != NULL)
        return lines_fail(l, msg, "holds a NUL byte: this is no text, or UTF-16 without a byte order mark");
    if (good < line->n && !l->any_bytes)
        return lines_fail(l, msg,
                          "byte 0x%02X is no UTF-8; if the file is in another encoding: iconv -f latin1 -t utf-8",
                          (unsigned char)line->text[good]);
    return 1;
}

int lines_next(struct lines *l, struct line *line, struct message *msg)
{
    size_t from = l->at, end;
    if (from >= l->text.n)
        return 0;
    l->at = end_line(&l->text, from, &end);
    l->number++;
    if (l->number == 1)
        from += mark_at(l->text.data + from, end - from);
    *line = (struct line){l->text.data + from, end - from};
    return check(l, line, msg);
}

/* Bytes of the blank at text, or 0. */
static size_t blank_at(const char *text, size_t n)
{
    uint32_t code = 0;
    size_t size = n > 0 ? utf8_next(text, n, &code) : 0;
    return unicode_is_blank(code) ? size : 0;
}

/* And byte order marks, which joined files have anywhere. */
static void skip_blanks(struct line *line)
{
    for (size_t size; (size = blank_at(line->text, line->n) + mark_at(line->text, line->n)) > 0; line->n -= size)
        line->text += size;
}

void line_trim(struct line *line)
{
    size_t end = 0;
    skip_blanks(line);
    for (size_t at = 0; at < line->n;) {
        size_t blank = blank_at(line->text + at, line->n - at);
        uint32_t code;
        at += blank > 0 ? blank : utf8_next(line->text + at, line->n - at, &code);
        end = blank > 0 ? end : at;
    }
    line->n = end;
    line->text[end] = '\0';
}

void line_cut_word(struct line *line, struct line *word)
{
    size_t n = 0, size = 0;
    uint32_t code;
    while (n < line->n && (size = blank_at(line->text + n, line->n - n)) == 0)
        n += utf8_next(line->text + n, line->n - n, &code);
    *word = (struct line){line->text, n};
    line->text += n;
    line->n -= n;
    skip_blanks(line);
    word->text[n] = '\0';
}
