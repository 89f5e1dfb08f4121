/* SPDX-License-Identifier: Apache-2.0
 * data_list.c - a list of utterances: JSON lines, a table, or paths (score/entries.h).
 *
 * Strings are copied into one buffer, as offsets first because the buffer moves while it grows.  Of several entries
 * with an id the first is kept. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bin/data_set.h"
#include "score/entries.h"

enum { NONE = 0 }; /* offset of what is not there: the buffer begins with a NUL */

struct item {
    size_t id, path, text;
    struct data_utterance u; /* its times; later all of it */
    int line;
};

struct reading {
    struct data_set *set;
    struct entries entries;
    struct item *at; /* [n] */
    int n, room;
};

static int complain(struct reading *r, int line, const char *id, const char *what)
{
    struct message why;
    r->entries.lines.number = line;
    lines_fail(&r->entries.lines, &why, "'%.200s' %s", id, what);
    return transcripts_complain(&r->set->recordings, &why);
}

static int put(struct buffer *bytes, const char *text, size_t *at)
{
    *at = text != NULL ? bytes->n : NONE;
    return text != NULL ? buffer_append(bytes, text, strlen(text) + 1) : LINNET_OK;
}

static int add(struct reading *r, const struct entry *e)
{
    struct buffer *bytes = &r->set->bytes;
    struct item one = {.line = e->line};
    const char *what = data_set_times(&one.u, e->at[ENTRY_START], e->at[ENTRY_END]);
    int rc;
    if (what != NULL)
        return complain(r, e->line, e->at[ENTRY_ID], what);
    if ((rc = MEM_GROW(r->at, r->room, r->n + 1)) < 0 || (rc = put(bytes, e->at[ENTRY_ID], &one.id)) < 0 ||
        (rc = put(bytes, e->at[ENTRY_PATH], &one.path)) < 0 || (rc = put(bytes, e->at[ENTRY_TEXT], &one.text)) < 0)
        return rc;
    r->at[r->n++] = one;
    return LINNET_OK;
}

/* A list of tar files that hold recordings and texts. */
static int is_of_shards(const struct entry *e)
{
    const char *path = e->at[ENTRY_PATH];
    return file_has_suffix(path, ".tar") || file_has_suffix(path, ".tar.gz") || file_has_suffix(path, ".tgz");
}

static int read_entries(struct reading *r, const char *path, struct message *msg)
{
    struct entry entry;
    struct message why = {""};
    int rc;
    while ((rc = entries_next(&r->entries, &entry, &why)) != 0) {
        if (rc > 0 && is_of_shards(&entry))
            return fail(msg, LINNET_E_UNSUPPORTED,
                        "%s: names tar files, as a list of shards: a raw list is needed, a line {\"key\": ..., "
                        "\"wav\": ..., \"txt\": ...} for each utterance",
                        path);
        if (rc > 0)
            rc = add(r, &entry);
        else if (rc == LINNET_E_FORMAT)
            rc = transcripts_complain(&r->set->recordings, &why);
        if (rc < 0)
            return fail_memory(msg);
    }
    return LINNET_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = strcmp(x->u.id, y->u.id);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int finish(struct reading *r)
{
    struct data_set *d = r->set;
    const char *bytes = buffer_text(&d->bytes);
    char twice[80];
    int rc = LINNET_OK;
    d->at = mem_array((size_t)r->n, sizeof *d->at);
    if (d->at == NULL)
        return LINNET_E_MEMORY;
    for (int i = 0; i < r->n; i++) {
        struct item *one = &r->at[i];
        one->u.id = bytes + one->id;
        one->u.path = bytes + one->path;
        one->u.text = one->text != NONE ? bytes + one->text : NULL;
    }
    if (r->n > 0)
        qsort(r->at, (size_t)r->n, sizeof *r->at, by_id);
    for (int i = 0, kept = 0; i < r->n && rc >= 0; i++) {
        if (i == 0 || strcmp(r->at[kept].u.id, r->at[i].u.id) != 0) {
            d->at[d->n++] = r->at[i].u;
            kept = i;
            continue;
        }
        snprintf(twice, sizeof twice, "is there twice, in line %d too", r->at[kept].line);
        rc = complain(r, r->at[i].line, r->at[i].u.id, twice);
    }
    return rc;
}

/* Something else read as a list, such as a recording, names no file at all. */
static int names_a_file(const struct data_set *d)
{
    char path[FILE_MAX_PATH];
    for (int i = 0; i < d->n; i++)
        if (data_set_find(d, &d->at[i], path, sizeof path, NULL) >= 0 && file_exists(path))
            return 1;
    return 0;
}

int data_list_read(struct data_set *d, const char *path, struct message *msg)
{
    struct reading r = {.set = d};
    d->times_from = "the list";
    d->bytes.max = SIZE_MAX / 4;
    int rc = entries_open(&r.entries, path, ENTRIES_FILES, msg);
    if (rc >= 0 && buffer_append(&d->bytes, "", 1) < 0)
        rc = fail_memory(msg);
    if (rc >= 0 && (rc = read_entries(&r, path, msg)) >= 0 && finish(&r) < 0)
        rc = fail_memory(msg);
    if (rc >= 0 && d->n == 0) {
        rc = fail(msg, LINNET_E_FORMAT, "%s: no utterance in it that can be used; --data takes %s", path,
                  DATA_SET_FORMATS);
    } else if (rc >= 0 && !names_a_file(d)) {
        transcripts_close(&d->recordings); /* no news of a file that is no list */
        rc =
            fail(msg, LINNET_E_FORMAT, "%s: names no recording that is there; --data takes %s", path, DATA_SET_FORMATS);
    }
    entries_close(&r.entries);
    mem_free(r.at);
    return rc;
}
