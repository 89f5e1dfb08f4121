/* SPDX-License-Identifier: Apache-2.0
 * hypotheses.c - the lines of hyp.txt, hyp.jsonl and stats.jsonl, put together by utterance.
 *
 * Files are kept as they were read, with a NUL for the end of each line and after each id of hyp.txt. */
#include "bin/hypotheses.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "base/mem.h"

#define MAX_BYTES ((size_t)1 << 30)

/* ---- reading ---- */

/* The file's bytes, none where it is no file (as /dev/full). */
static int read_file(struct hypotheses *h, const char *folder, const char *name, struct buffer **out,
                     struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct stat s;
    int rc = file_in(path, folder, name, msg);
    if (rc >= 0 && MEM_GROW(h->files, h->room_files, h->n_files + 1) < 0)
        rc = fail_memory(msg);
    if (rc < 0)
        return rc;
    *out = &h->files[h->n_files++];
    **out = (struct buffer){0};
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? file_read(path, MAX_BYTES, *out, msg) : LINNET_OK;
}

/* Cuts the line at *at off; NULL: there is no whole one. */
static char *next_line(const struct buffer *b, size_t *at)
{
    char *line = b->data != NULL ? b->data + *at : NULL;
    char *end = line != NULL ? memchr(line, '\n', b->n - *at) : NULL;
    if (end == NULL)
        return NULL;
    *end = '\0';
    *at = (size_t)(end + 1 - b->data);
    return line;
}

static int read_texts(struct hypotheses *h, const struct buffer *b)
{
    size_t at = 0;
    for (char *line; (line = next_line(b, &at)) != NULL;) {
        if (MEM_GROW(h->at, h->room, h->n + 1) < 0)
            return LINNET_E_MEMORY;
        char *text = line + strcspn(line, " ");
        if (*text == ' ')
            *text++ = '\0';
        h->at[h->n++] = (struct hypothesis){.id = line, .text = text};
    }
    return LINNET_OK;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct hypothesis *)a)->id, ((const struct hypothesis *)b)->id);
}

/* Sorts those from `from` on. */
static int sort(struct hypotheses *h, int from, struct message *msg)
{
    if (h->n > from)
        qsort(h->at + from, (size_t)(h->n - from), sizeof *h->at, by_id);
    for (int i = from + 1; i < h->n; i++)
        if (by_id(&h->at[i - 1], &h->at[i]) == 0)
            return fail(msg, LINNET_E_FORMAT, "utterance '%.200s' is there twice", h->at[i].id);
    return LINNET_OK;
}

static struct hypothesis *find(const struct hypotheses *h, int from, const char *id)
{
    const struct hypothesis wanted = {.id = id};
    int n = h->n - from;
    return n > 0 ? bsearch(&wanted, h->at + from, (size_t)n, sizeof *h->at, by_id) : NULL;
}

/* The utterance that a line of JSON is of, among those from `from` on, or NULL. */
static struct hypothesis *owner(const struct hypotheses *h, int from, const char *line)
{
    struct json_reader r;
    const char *text;
    size_t n;
    char id[1024];
    struct hypothesis *found = NULL;
    json_reader_open(&r, line, strlen(line));
    if (json_enter(&r, '{') == 0 && json_key(&r, &text, &n) > 0 && n == strlen("utt") && memcmp(text, "utt", n) == 0 &&
        json_text(&r, &text, &n) == 0 && n < sizeof id) {
        memcpy(id, text, n);
        id[n] = '\0';
        found = find(h, from, id);
    }
    json_reader_close(&r);
    return found;
}

static int read_json(struct hypotheses *h, int from, const char *folder, const struct buffer *b, struct message *msg)
{
    size_t at = 0;
    for (const char *line; (line = next_line(b, &at)) != NULL;) {
        struct hypothesis *one = owner(h, from, line);
        if (one == NULL || one->json != NULL)
            return fail(msg, LINNET_E_FORMAT, "%s/hyp.jsonl: has '%.100s...', of which hyp.txt has no line of its own",
                        folder, line);
        one->json = line;
    }
    for (int i = from; i < h->n; i++)
        if (h->at[i].json == NULL)
            return fail(msg, LINNET_E_FORMAT, "%s/hyp.jsonl: lacks '%.200s', which hyp.txt has", folder, h->at[i].id);
    return LINNET_OK;
}

static void read_stats(const struct hypotheses *h, int from, const struct buffer *b)
{
    size_t at = 0;
    for (const char *line; (line = next_line(b, &at)) != NULL;) {
        struct hypothesis *one = owner(h, from, line);
        if (one != NULL)
            one->stats = line;
    }
}

int hypotheses_read(struct hypotheses *h, const char *folder, struct message *msg)
{
    struct buffer *b;
    int from = h->n, rc;
    if ((rc = read_file(h, folder, "hyp.txt", &b, msg)) < 0)
        return rc;
    if (read_texts(h, b) < 0)
        return fail_memory(msg);
    if ((rc = sort(h, from, msg)) < 0)
        return fail_in(msg, rc, folder);
    if ((rc = read_file(h, folder, "hyp.jsonl", &b, msg)) < 0 || (rc = read_json(h, from, folder, b, msg)) < 0 ||
        (rc = read_file(h, folder, "stats.jsonl", &b, msg)) < 0)
        return rc;
    read_stats(h, from, b);
    return LINNET_OK;
}

int hypotheses_sort(struct hypotheses *h, struct message *msg) { return sort(h, 0, msg); }

const struct hypothesis *hypotheses_find(const struct hypotheses *h, const char *id) { return find(h, 0, id); }

void hypotheses_close(struct hypotheses *h)
{
    for (int i = 0; i < h->n_files; i++)
        buffer_free(&h->files[i]);
    mem_free(h->files);
    mem_free(h->at);
    *h = (struct hypotheses){0};
}

/* ---- writing ---- */

static int write_file(const char *folder, const char *name, const struct buffer *b, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc = file_in(path, folder, name, msg);
    return rc < 0 ? rc : file_write(path, buffer_text(b), b->n, msg);
}

int hypotheses_write(const struct hypotheses *h, const char *folder, struct message *msg)
{
    struct buffer txt = {0}, json = {0}, stats = {0};
    int rc = LINNET_OK;
    for (int i = 0; i < h->n && rc >= 0; i++) {
        const struct hypothesis *one = &h->at[i];
        if ((rc = buffer_printf(&txt, "%s%s%s\n", one->id, *one->text != '\0' ? " " : "", one->text)) >= 0 &&
            (rc = buffer_printf(&json, "%s\n", one->json)) >= 0 && one->stats != NULL)
            rc = buffer_printf(&stats, "%s\n", one->stats);
    }
    if (rc < 0)
        fail_memory(msg);
    else if ((rc = write_file(folder, "stats.jsonl", &stats, msg)) >= 0 &&
             (rc = write_file(folder, "hyp.jsonl", &json, msg)) >= 0)
        rc = write_file(folder, "hyp.txt", &txt, msg);
    buffer_free(&txt);
    buffer_free(&json);
    buffer_free(&stats);
    return rc;
}
