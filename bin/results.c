/* SPDX-License-Identifier: Apache-2.0
 * results.c - lines appended one by one, so that they outlive an interruption. */
#include "bin/results.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_BYTES ((size_t)1 << 30)

/* ---- resuming ---- */

/* Bytes of the first *n whole lines, or of as many as there are: *n becomes their number. */
static size_t whole_lines(const struct buffer *b, int *n)
{
    const char *start = buffer_text(b), *at = start, *end;
    int i = 0;
    for (; i < *n && (end = memchr(at, '\n', b->n - (size_t)(at - start))) != NULL; i++)
        at = end + 1;
    *n = i;
    return (size_t)(at - start);
}

static int read_old(const char *path, struct buffer *b, struct message *msg)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? file_read(path, MAX_BYTES, b, msg) : LINNET_OK;
}

static int cut(const char *path, const struct buffer *b, size_t n, struct message *msg)
{
    if (b->n > n && truncate(path, (off_t)n) < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
    return LINNET_OK;
}

/* Cuts both files to the lines that both have. */
static int even_out(const char *txt, const char *jsonl, struct message *msg)
{
    struct buffer a = {0}, b = {0};
    int n = INT32_MAX, rc;
    if ((rc = read_old(txt, &a, msg)) >= 0 && (rc = read_old(jsonl, &b, msg)) >= 0) {
        whole_lines(&a, &n);
        size_t n_b = whole_lines(&b, &n), n_a = whole_lines(&a, &n);
        if ((rc = cut(txt, &a, n_a, msg)) >= 0)
            rc = cut(jsonl, &b, n_b, msg);
    }
    buffer_free(&a);
    buffer_free(&b);
    return rc;
}

/* Cuts a last line that is none off. */
static int end_line(const char *path, struct message *msg)
{
    struct buffer b = {0};
    int n = INT32_MAX, rc = read_old(path, &b, msg);
    if (rc >= 0)
        rc = cut(path, &b, whole_lines(&b, &n), msg);
    buffer_free(&b);
    return rc;
}

/* Keeps other runs out of the folder until it is closed; file systems without locks keep out nobody. */
static int lock_folder(struct results *r, struct message *msg)
{
    r->lock = opendir(r->folder);
    return r->lock != NULL && flock(dirfd(r->lock), LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK
               ? fail(msg, LINNET_E_IO, "%s: another run is writing into it", r->folder)
               : LINNET_OK;
}

struct paths {
    char stats[FILE_MAX_PATH], jsonl[FILE_MAX_PATH], txt[FILE_MAX_PATH];
};

static int name_files(struct paths *p, const char *folder, struct message *msg)
{
    int rc;
    if ((rc = file_in(p->stats, folder, "stats.jsonl", msg)) < 0 ||
        (rc = file_in(p->jsonl, folder, "hyp.jsonl", msg)) < 0)
        return rc;
    return file_in(p->txt, folder, "hyp.txt", msg);
}

int results_open(struct results *r, const char *folder, struct message *msg)
{
    struct paths p;
    int rc;
    r->folder = folder;
    if ((rc = name_files(&p, folder, msg)) < 0 || (rc = file_make_folder(folder, msg)) < 0 ||
        (rc = lock_folder(r, msg)) < 0 || (rc = even_out(p.txt, p.jsonl, msg)) < 0 || (rc = end_line(p.stats, msg)) < 0)
        return rc;
    return hypotheses_read(&r->before, folder, msg);
}

/* ---- writing ---- */

static int open_one(FILE **f, const char *path, struct message *msg)
{
    *f = fopen(path, "a");
    return *f != NULL ? LINNET_OK : fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
}

int results_begin(struct results *r, struct message *msg)
{
    struct paths p;
    int rc;
    if ((rc = name_files(&p, r->folder, msg)) < 0 || (rc = open_one(&r->stats, p.stats, msg)) < 0 ||
        (rc = open_one(&r->jsonl, p.jsonl, msg)) < 0)
        return rc;
    return open_one(&r->txt, p.txt, msg);
}

int results_add(struct results *r, const struct hypothesis *h, struct message *msg)
{
    if (fprintf(r->stats, "%s\n", h->stats) < 0 || fflush(r->stats) != 0 || fprintf(r->jsonl, "%s\n", h->json) < 0 ||
        fflush(r->jsonl) != 0 || fprintf(r->txt, "%s%s%s\n", h->id, *h->text != '\0' ? " " : "", h->text) < 0 ||
        fflush(r->txt) != 0)
        return fail(msg, LINNET_E_IO, "%s: %s", r->folder, strerror(errno));
    return LINNET_OK;
}

static void close_files(struct results *r)
{
    FILE **const files[] = {&r->stats, &r->jsonl, &r->txt};
    for (int i = 0; i < 3; i++) {
        if (*files[i] != NULL)
            fclose(*files[i]);
        *files[i] = NULL;
    }
}

/* What earlier runs left out, and was done now, stands at the end. */
static int is_in_order(const char *path)
{
    struct buffer b = {0};
    int is_good = read_old(path, &b, NULL) >= 0;
    const char *at = buffer_text(&b), *next;
    for (; is_good && (next = strchr(at, '\n')) != NULL && next[1] != '\0'; at = next + 1)
        is_good = strcmp(at, next + 1) < 0;
    buffer_free(&b);
    return is_good;
}

int results_end(struct results *r, struct message *msg)
{
    struct hypotheses all = {0};
    struct paths p;
    int rc = name_files(&p, r->folder, msg);
    close_files(r);
    if (rc >= 0 && !is_in_order(p.txt) && (rc = hypotheses_read(&all, r->folder, msg)) >= 0)
        rc = hypotheses_write(&all, r->folder, msg);
    hypotheses_close(&all);
    return rc;
}

void results_close(struct results *r)
{
    close_files(r);
    hypotheses_close(&r->before);
    if (r->lock != NULL)
        closedir(r->lock);
    *r = (struct results){0};
}
