/* SPDX-License-Identifier: Apache-2.0
 * transcripts.c - a list of utterances with their text.
 *
 * Ids and texts are copied into one buffer, as offsets first because the buffer moves while it grows. */
#include "score/transcripts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "score/entries.h"

struct offsets {
    size_t id, text;
    int line;
};

struct reading {
    struct entries entries;
    enum entry_field field; /* that is wanted as the text */
    struct offsets *at;
    int n, room;
    struct transcripts result;
};

static int add(struct reading *r, const struct entry *e)
{
    struct buffer *bytes = &r->result.bytes;
    const char *id = e->at[ENTRY_ID], *text = e->at[r->field];
    int rc = MEM_GROW(r->at, r->room, r->n + 1);
    if (rc < 0)
        return rc;
    struct offsets *o = &r->at[r->n];
    o->line = e->line;
    o->id = bytes->n;
    if ((rc = buffer_append(bytes, id, strlen(id) + 1)) < 0)
        return rc;
    o->text = bytes->n;
    rc = buffer_append(bytes, text, strlen(text) + 1);
    r->n += rc == 0;
    return rc;
}

int transcripts_complain(struct transcripts *t, const struct message *why)
{
    const int most = 1000; /* nobody reads more, and a file that is no text has as many as it has lines */
    return t->n_problems++ < most ? buffer_printf(&t->problems, "%s\n", why->text) : 0;
}

static int read_entries(struct reading *r, struct message *msg)
{
    struct entry entry;
    struct message why = {""};
    int rc;
    while ((rc = entries_next(&r->entries, &entry, &why)) != 0) {
        if (rc > 0)
            rc = add(r, &entry);
        else if (rc == LINNET_E_FORMAT)
            rc = transcripts_complain(&r->result, &why);
        if (rc < 0)
            return fail_memory(msg);
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct transcript *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Of several with an id the first is kept. */
static int drop_doubles(struct reading *r)
{
    struct transcripts *t = &r->result;
    int n = 0, rc = 0;
    for (int i = 0; rc == 0 && i < t->n; i++) {
        if (n == 0 || strcmp(t->at[n - 1].id, t->at[i].id) != 0) {
            t->at[n++] = t->at[i];
            continue;
        }
        struct message why;
        r->entries.lines.number = t->at[i].line;
        lines_fail(&r->entries.lines, &why, "utterance '%.200s' is there twice, in line %d too", t->at[i].id,
                   t->at[n - 1].line);
        rc = transcripts_complain(t, &why);
    }
    t->n = n;
    return rc;
}

static int finish(struct reading *r, struct message *msg)
{
    struct transcripts *t = &r->result;
    t->at = mem_array((size_t)r->n, sizeof *t->at);
    if (t->at == NULL)
        return fail_memory(msg);
    for (t->n = 0; t->n < r->n; t->n++) {
        const struct offsets *o = &r->at[t->n];
        t->at[t->n] = (struct transcript){t->bytes.data + o->id, t->bytes.data + o->text, o->line};
    }
    qsort(t->at, (size_t)t->n, sizeof *t->at, by_id);
    return drop_doubles(r) < 0 ? fail_memory(msg) : 0;
}

static int read_file(struct transcripts *t, const char *path, enum entries_use use, enum entry_field field,
                     struct message *msg)
{
    struct reading r = {.field = field, .result.bytes.max = SIZE_MAX / 4};
    int rc = entries_open(&r.entries, path, use, msg);
    if (rc == 0)
        rc = read_entries(&r, msg);
    if (rc == 0)
        rc = finish(&r, msg);
    if (rc == 0)
        *t = r.result;
    else
        transcripts_close(&r.result);
    entries_close(&r.entries);
    mem_free(r.at);
    return rc;
}

int transcripts_read(struct transcripts *t, const char *path, struct message *msg)
{
    return read_file(t, path, ENTRIES_TEXTS, ENTRY_TEXT, msg);
}

int transcripts_read_speakers(struct transcripts *t, const char *path, struct message *msg)
{
    return read_file(t, path, ENTRIES_SPEAKERS, ENTRY_SPEAKER, msg);
}

int transcripts_read_paths(struct transcripts *t, const char *path, struct message *msg)
{
    return read_file(t, path, ENTRIES_RECORDINGS, ENTRY_PATH, msg);
}

int transcripts_check(const struct transcripts *t, struct message *msg)
{
    const char *first = buffer_text(&t->problems);
    return t->n_problems == 0 ? 0 : fail(msg, LINNET_E_FORMAT, "%.*s", (int)strcspn(first, "\n"), first);
}

void transcripts_close(struct transcripts *t)
{
    mem_free(t->at);
    buffer_free(&t->bytes);
    buffer_free(&t->problems);
    *t = (struct transcripts){0};
}

static int has_id(const void *id, const void *item) { return strcmp(id, ((const struct transcript *)item)->id); }

const char *transcripts_text(const struct transcripts *t, const char *id)
{
    const struct transcript *found = t->n > 0 ? bsearch(id, t->at, (size_t)t->n, sizeof *t->at, has_id) : NULL;
    return found != NULL ? found->text : NULL;
}
