/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/transcript.h"

#include <string.h>

#include "base/utf8.h"

#define FIRST_UNSPACED 0x2e80u /* characters from here on are those of scripts without spaces between words */

static int is_unspaced(uint32_t code) { return code >= FIRST_UNSPACED; }

static uint32_t first_of(const char *text, size_t n)
{
    uint32_t code = ' ';
    if (n > 0)
        utf8_next(text, n, &code);
    return code;
}

static uint32_t last_of(const struct buffer *b)
{
    size_t at = b->n;
    while (at > 0 && ((unsigned char)b->data[--at] & 0xc0) == 0x80)
        ;
    return first_of(buffer_text(b) + at, b->n - at);
}

/* Appends text, with a space where words would run together. */
static int append(struct buffer *b, const char *text, size_t n)
{
    uint32_t before = last_of(b), after;
    for (; b->n == 0 && n > 0 && *text == ' '; text++, n--)
        ;
    after = first_of(text, n);
    if (before != ' ' && after != ' ' && !is_unspaced(before) && !is_unspaced(after) && buffer_append(b, " ", 1) < 0)
        return LINNET_E_MEMORY;
    return buffer_append(b, text, n);
}

int transcript_take(struct transcript *t, const linnet_event *e, const char **news, size_t *n_news, struct message *msg)
{
    const char *text = e->text != NULL ? e->text : "";
    size_t n = strlen(text);
    int is_final = e->type == LINNET_EVENT_FINAL;
    if (!is_final)
        n = e->committed < n ? e->committed - utf8_unfinished(text, e->committed) : n;
    if (t->text.n > t->n_final)
        buffer_cut(&t->text, t->n_final);
    if (append(&t->text, text, n) < 0)
        return fail_memory(msg);
    t->n_final = is_final ? t->text.n : t->n_final;
    *news = buffer_text(&t->text) + (t->text.n > t->n_told ? t->n_told : t->text.n);
    *n_news = t->text.n > t->n_told ? t->text.n - t->n_told : 0;
    t->n_told += *n_news;
    return LINNET_OK;
}

const char *transcript_text(const struct transcript *t) { return buffer_text(&t->text); }

void transcript_clear(struct transcript *t)
{
    if (t->text.n > 0)
        buffer_cut(&t->text, 0);
    t->n_final = t->n_told = 0;
}

void transcript_free(struct transcript *t) { buffer_free(&t->text); }
