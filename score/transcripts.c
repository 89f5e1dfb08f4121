/* SPDX-License-Identifier: Apache-2.0
 * transcripts.c - a file of utterances with their text.
 *
 * Ids and texts are copied into one buffer, as offsets first because the buffer moves while it grows. */
#include "score/transcripts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)

struct offsets {
    size_t id, text;
};

struct reading {
    struct offsets *at;
    int n, room;
    struct buffer bytes;
};

/* Appends the n bytes as a string and tells where it begins. */
static int keep(struct reading *r, const char *text, size_t n, size_t *offset)
{
    *offset = r->bytes.n;
    int rc = buffer_append(&r->bytes, text, n);
    return rc == 0 ? buffer_append(&r->bytes, "", 1) : rc;
}

static int add(struct reading *r, const char *id, size_t n_id, const char *text, size_t n_text)
{
    int rc = MEM_GROW(r->at, r->room, r->n + 1);
    if (rc < 0 || (rc = keep(r, id, n_id, &r->at[r->n].id)) < 0)
        return rc;
    rc = keep(r, text, n_text, &r->at[r->n].text);
    r->n += rc == 0;
    return rc;
}

/* "utt-id words" */
static int add_plain(struct reading *r, const char *line, size_t n)
{
    size_t n_id = 0, text;
    while (n_id < n && line[n_id] != ' ' && line[n_id] != '\t')
        n_id++;
    for (text = n_id; text < n && (line[text] == ' ' || line[text] == '\t'); text++)
        ;
    return add(r, line, n_id, line + text, n - text);
}

static const json_t *first_of(const json_t *object, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_is_string(json_object_get(object, *names)))
            return json_object_get(object, *names);
    return NULL;
}

static int add_json(struct reading *r, const char *line, size_t n, struct message *msg)
{
    static const char *const ids[] = {"utt", "id", "key", "file", NULL}, *const texts[] = {"text", "txt", NULL};
    json_error_t error;
    json_t *object = json_loadb(line, n, 0, &error);
    if (object == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s", error.text);
    const json_t *id = first_of(object, ids), *text = first_of(object, texts);
    int rc = id == NULL || text == NULL ? fail(msg, LINNET_E_FORMAT, "no \"%s\"", id == NULL ? "utt\" or \"id" : "text")
                                        : add(r, json_string_value(id), json_string_length(id), json_string_value(text),
                                              json_string_length(text));
    json_decref(object);
    return rc;
}

static int read_lines(struct reading *r, const struct buffer *file, const char *path, struct message *msg)
{
    const char *at = buffer_text(file), *end = at + file->n;
    int is_json = *at == '{';
    for (int line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        size_t n = (size_t)(stop - at);
        while (n > 0 && (at[n - 1] == '\r' || at[n - 1] == ' ' || at[n - 1] == '\t'))
            n--;
        if (n > 0) {
            int rc = is_json ? add_json(r, at, n, msg) : add_plain(r, at, n);
            if (rc == LINNET_E_MEMORY)
                return fail_memory(msg);
            if (rc < 0) {
                char where[4200];
                snprintf(where, sizeof where, "%s:%d", path, line);
                return fail_in(msg, rc, where);
            }
        }
        at = stop + 1;
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct transcript *)a)->id, ((const struct transcript *)b)->id);
}

static int finish(struct transcripts *t, struct reading *r, const char *path, struct message *msg)
{
    struct transcripts done = {.at = mem_array((size_t)r->n, sizeof *done.at), .n = r->n, .bytes = r->bytes};
    if (done.at == NULL)
        return fail_memory(msg);
    for (int i = 0; i < r->n; i++)
        done.at[i] = (struct transcript){done.bytes.data + r->at[i].id, done.bytes.data + r->at[i].text};
    qsort(done.at, (size_t)done.n, sizeof *done.at, by_id);
    for (int i = 1; i < done.n; i++)
        if (by_id(&done.at[i - 1], &done.at[i]) == 0) {
            int rc = fail(msg, LINNET_E_FORMAT, "%s: utterance '%s' is there twice", path, done.at[i].id);
            mem_free(done.at);
            return rc;
        }
    r->bytes = (struct buffer){0};
    *t = done;
    return 0;
}

int transcripts_read(struct transcripts *t, const char *path, struct message *msg)
{
    struct reading r = {0};
    struct buffer file = {0};
    int rc = file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, MAX_FILE_BYTES, &file, msg);
    if (rc == 0)
        rc = read_lines(&r, &file, path, msg);
    if (rc == 0)
        rc = finish(t, &r, path, msg);
    buffer_free(&file);
    buffer_free(&r.bytes);
    mem_free(r.at);
    return rc;
}

void transcripts_close(struct transcripts *t)
{
    mem_free(t->at);
    buffer_free(&t->bytes);
    *t = (struct transcripts){0};
}

const char *transcripts_text(const struct transcripts *t, const char *id)
{
    struct transcript wanted = {id, NULL};
    const struct transcript *found = t->n > 0 ? bsearch(&wanted, t->at, (size_t)t->n, sizeof *t->at, by_id) : NULL;
    return found != NULL ? found->text : NULL;
}
