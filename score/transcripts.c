/* SPDX-License-Identifier: Apache-2.0
 * transcripts.c - a file of utterances with their text.
 *
 * Ids and texts are copied into one buffer, as offsets first because the buffer moves while it grows. */
#include "score/transcripts.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/mem.h"
#include "base/unicode.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)

struct offsets {
    size_t id, text;
    int line;
};

struct reading {
    struct lines lines;
    struct offsets *at;
    int n, room;
    struct transcripts result;
};

static int add(struct reading *r, const char *id, const char *text)
{
    struct buffer *bytes = &r->result.bytes;
    int rc = MEM_GROW(r->at, r->room, r->n + 1);
    if (rc < 0)
        return rc;
    struct offsets *o = &r->at[r->n];
    o->line = r->lines.number;
    o->id = bytes->n;
    if ((rc = unicode_normalize(id, strlen(id), bytes)) < 0 || (rc = buffer_append(bytes, "", 1)) < 0)
        return rc;
    o->text = bytes->n;
    rc = buffer_append(bytes, text, strlen(text) + 1);
    r->n += rc == 0;
    return rc;
}

/* "utt-id words" */
static int add_plain(struct reading *r, struct line *line)
{
    struct line id;
    line_cut_word(line, &id);
    return add(r, id.text, line->text);
}

static const json_t *first_of(const json_t *object, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_is_string(json_object_get(object, *names)))
            return json_object_get(object, *names);
    return NULL;
}

static int add_json(struct reading *r, const struct line *line, struct message *msg)
{
    static const char *const ids[] = {"utt", "id", "key", "file", NULL}, *const texts[] = {"text", "txt", NULL};
    json_error_t error;
    json_t *object = json_loadb(line->text, line->n, 0, &error);
    if (object == NULL)
        return lines_fail(&r->lines, msg, "%s", error.text);
    const json_t *id = first_of(object, ids), *text = first_of(object, texts);
    int rc = id == NULL || text == NULL ? lines_fail(&r->lines, msg, "no \"%s\"", id == NULL ? "utt\" or \"id" : "text")
                                        : add(r, json_string_value(id), json_string_value(text));
    json_decref(object);
    return rc;
}

int transcripts_complain(struct transcripts *t, const struct message *why)
{
    const int most = 1000; /* nobody reads more, and a file that is no text has as many as it has lines */
    return t->n_problems++ < most ? buffer_printf(&t->problems, "%s\n", why->text) : 0;
}

static int read_lines(struct reading *r, struct message *msg)
{
    struct line line;
    struct message why = {""};
    int rc, is_json = -1;
    while ((rc = lines_next(&r->lines, &line, &why)) != 0) {
        if (rc > 0)
            line_trim(&line);
        if (rc > 0 && line.n == 0)
            continue;
        if (rc > 0 && is_json < 0)
            is_json = *line.text == '{';
        if (rc > 0)
            rc = is_json ? add_json(r, &line, &why) : add_plain(r, &line);
        if (rc == LINNET_E_FORMAT)
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
        r->lines.number = t->at[i].line;
        lines_fail(&r->lines, &why, "utterance '%.200s' is there twice, in line %d too", t->at[i].id,
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

static int read_file(struct transcripts *t, const char *path, int any_bytes, struct message *msg)
{
    struct reading r = {.lines.any_bytes = any_bytes, .result.bytes.max = SIZE_MAX / 4};
    int rc = lines_open(&r.lines, path, MAX_FILE_BYTES, msg);
    if (rc == 0)
        rc = read_lines(&r, msg);
    if (rc == 0)
        rc = finish(&r, msg);
    if (rc == 0)
        *t = r.result;
    else
        transcripts_close(&r.result);
    lines_close(&r.lines);
    mem_free(r.at);
    return rc;
}

int transcripts_read(struct transcripts *t, const char *path, struct message *msg)
{
    return read_file(t, path, 0, msg);
}

int transcripts_read_paths(struct transcripts *t, const char *path, struct message *msg)
{
    return read_file(t, path, 1, msg);
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
