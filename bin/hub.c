/* SPDX-License-Identifier: Apache-2.0
 * hub.c - a repository of the Hugging Face hub.
 *
 * A file arrives as SUM.part beside its place, so that a part is only gone on with when the hub still has that file,
 * whatever was committed there in between.  What is whole, or was whole in an earlier run, is checked by its sum. */
#include "bin/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "bin/hub/files.h"
#include "bin/hub/request.h"
#include "bin/hub/sum.h"

enum { TRIES = 4 }; /* one after the other without a byte */

struct hub {
    struct requests *requests;
    struct hub_files files;
    char repository[200];
};

/* ---- what is there ---- */

static int read_files(struct hub *h, struct message *msg)
{
    char path[400];
    struct buffer answer = {0};
    snprintf(path, sizeof path, "/api/models/%s/revision/main?blobs=true", h->repository);
    int rc = requests_text(h->requests, path, &answer, msg);
    if (rc >= 0)
        rc = hub_files_read(&h->files, &answer, msg);
    if (rc >= 0 && h->files.n_unknown > 0) { /* a hub that does not know blobs=true */
        buffer_cut(&answer, 0);
        snprintf(path, sizeof path, "/api/models/%s/tree/%s", h->repository, h->files.revision);
        if ((rc = requests_text(h->requests, path, &answer, msg)) >= 0)
            rc = hub_files_read_tree(&h->files, &answer, msg);
    }
    buffer_free(&answer);
    return rc < 0 ? fail_in(msg, rc, h->repository) : rc;
}

int hub_open(struct hub **out, const char *repository, struct message *msg)
{
    struct hub *h = mem_array(1, sizeof *h);
    if (h == NULL)
        return fail_memory(msg);
    snprintf(h->repository, sizeof h->repository, "%s", repository);
    int rc = requests_open(&h->requests, msg);
    if (rc >= 0)
        rc = read_files(h, msg);
    if (rc < 0)
        hub_close(h);
    else
        *out = h;
    return rc;
}

void hub_close(struct hub *h)
{
    if (h == NULL)
        return;
    requests_close(h->requests);
    hub_files_free(&h->files);
    mem_free(h);
}

int hub_count(const struct hub *h) { return h->files.n; }

const struct hub_file *hub_at(const struct hub *h, int i) { return &h->files.at[i]; }

const struct hub_file *hub_find(const struct hub *h, const char *name)
{
    for (int i = 0; i < h->files.n; i++)
        if (strcmp(h->files.at[i].name, name) == 0)
            return &h->files.at[i];
    return NULL;
}

/* ---- getting a file ---- */

struct target {
    char path[FILE_MAX_PATH], part[FILE_MAX_PATH];
};

static int target_of(struct target *t, const struct hub_file *file, const char *folder, struct message *msg)
{
    char name[140];
    snprintf(name, sizeof name, "%s.part", file->sum[0] != '\0' ? file->sum : file->name);
    int rc = file_in(t->path, folder, file->name, msg);
    return rc < 0 ? rc : file_in(t->part, folder, name, msg);
}

uint64_t hub_arrived(const struct hub_file *file, const char *folder)
{
    struct target t;
    struct stat st;
    if (target_of(&t, file, folder, NULL) < 0 || (stat(t.path, &st) < 0 && stat(t.part, &st) < 0))
        return 0;
    return (uint64_t)st.st_size < file->n_bytes ? (uint64_t)st.st_size : file->n_bytes;
}

/* Whether the open file has the announced size and sum. */
static int is_right(int fd, const struct hub_file *file, struct message *msg)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail(msg, LINNET_E_IO, "%s", strerror(errno));
    if ((uint64_t)st.st_size != file->n_bytes || file->sum[0] == '\0')
        return (uint64_t)st.st_size == file->n_bytes;
    return sum_is(fd, file->n_bytes, file->sum, msg);
}

/* 1: the file is there. */
static int is_there(const struct target *t, const struct hub_file *file, struct message *msg)
{
    int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = fd < 0 ? 0 : is_right(fd, file, msg);
    if (fd >= 0)
        close(fd);
    if (rc == 0 && fd >= 0)
        (void)unlink(t->path);
    return rc;
}

/* Takes up the connection again where it breaks off, with pauses. */
static int transfer(struct hub *h, const struct hub_file *file, struct requests_file *part,
                    const struct hub_watch *watch, struct message *msg)
{
    char path[600];
    int rc = LINNET_OK;
    snprintf(path, sizeof path, "/%s/resolve/%s/%s", h->repository, h->files.revision, file->name);
    for (int i = 0; part->n < part->n_bytes && i < TRIES; i++) {
        uint64_t before = part->n;
        if (i > 0)
            sleep(1);
        rc = requests_file(h->requests, path, part, watch, msg);
        if (rc < 0 && (!part->may_pass || watch->is_stopped() != 0))
            return rc;
        if (part->n > before)
            i = 0;
    }
    return rc;
}

static int finish(const struct target *t, int fd, const struct hub_file *file, struct message *msg)
{
    int rc = is_right(fd, file, msg);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        (void)unlink(t->part);
        return fail(msg, LINNET_E_FORMAT,
                    "arrived damaged: its size or sum is not what the hub says (%" PRIu64 " bytes, %s); run it again",
                    file->n_bytes, file->sum);
    }
    if (fsync(fd) < 0 || rename(t->part, t->path) < 0)
        return fail(msg, LINNET_E_IO, "cannot be written: %s", strerror(errno));
    return LINNET_OK;
}

static int get(struct hub *h, const struct hub_file *file, const struct target *t, const struct hub_watch *watch,
               struct message *msg)
{
    struct stat st;
    int rc = is_there(t, file, msg);
    if (rc != 0)
        return rc;
    struct requests_file part = {open(t->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666), 0, file->n_bytes, 0};
    if (part.fd < 0 || fstat(part.fd, &st) < 0)
        rc = fail(msg, LINNET_E_IO, "%s: %s", t->part, strerror(errno));
    else if ((uint64_t)st.st_size <= file->n_bytes)
        part.n = (uint64_t)st.st_size;
    if (rc >= 0)
        rc = transfer(h, file, &part, watch, msg);
    if (rc >= 0)
        rc = finish(t, part.fd, file, msg);
    if (part.fd >= 0)
        close(part.fd);
    return rc;
}

int hub_get(struct hub *h, const struct hub_file *file, const char *folder, const struct hub_watch *watch,
            struct message *msg)
{
    struct target t;
    char full[400];
    int rc = target_of(&t, file, folder, msg);
    if (rc < 0 || (rc = get(h, file, &t, watch, msg)) >= 0)
        return rc < 0 ? rc : LINNET_OK;
    snprintf(full, sizeof full, "%s/%s", h->repository, file->name);
    return fail_in(msg, rc, full);
}
