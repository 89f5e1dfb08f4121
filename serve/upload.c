/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "serve/multipart.h"

struct field {
    size_t name, value; /* where they are in texts */
};

struct upload {
    struct multipart parser;
    struct buffer texts; /* names and values, each NUL-terminated */
    struct field fields[UPLOAD_FIELDS];
    int n_fields, fd, is_in_file; /* the present part is the recording */
    size_t length;
};

/* ---- the recording ---- */

static int begin_file(struct upload *u, struct message *msg)
{
    if (u->fd >= 0)
        return fail(msg, LINNET_E_ARGUMENT, "the form has two files: one at a time");
    int is_small = u->length <= UPLOAD_IN_MEMORY;
    int fd = is_small ? memfd_create("recording", MFD_CLOEXEC) : file_open_nameless();
    if (fd < 0 && is_small)
        return fail(msg, LINNET_E_MEMORY, "no memory for the recording: %s", strerror(errno));
    if (fd < 0)
        return fail(msg, LINNET_E_IO, "no temporary file for the recording: %s", strerror(errno));
    u->fd = fd;
    return LINNET_OK;
}

static int put_file(struct upload *u, const char *bytes, size_t n, struct message *msg)
{
    if (file_write_all(u->fd, bytes, n) < 0)
        return fail(msg, LINNET_E_IO, "the recording cannot be kept: %s", strerror(errno));
    return LINNET_OK;
}

/* ---- parts ---- */

static int put_text(struct upload *u, const char *bytes, size_t n, struct message *msg)
{
    if (memchr(bytes, '\0', n) != NULL)
        return fail(msg, LINNET_E_ARGUMENT, "a field of the form holds a NUL");
    int rc = buffer_append(&u->texts, bytes, n);
    return rc == LINNET_E_FORMAT
               ? fail(msg, LINNET_E_ARGUMENT, "the fields of the form hold more than %d bytes", UPLOAD_TEXT)
           : rc < 0 ? fail_memory(msg)
                    : rc;
}

static int end_text(struct upload *u, struct message *msg)
{
    return buffer_append(&u->texts, "", 1) < 0
               ? fail(msg, LINNET_E_ARGUMENT, "the fields of the form hold more than %d bytes", UPLOAD_TEXT)
               : LINNET_OK;
}

static int begin(void *arg, const char *name, int is_file, struct message *msg)
{
    struct upload *u = arg;
    u->is_in_file = strcmp(name, "file") == 0;
    if (u->is_in_file)
        return begin_file(u, msg);
    if (is_file)
        return fail(msg, LINNET_E_ARGUMENT, "the recording must be the field `file`");
    if (u->n_fields == UPLOAD_FIELDS)
        return fail(msg, LINNET_E_ARGUMENT, "the form has more than %d fields", UPLOAD_FIELDS);
    struct field *f = &u->fields[u->n_fields];
    f->name = u->texts.n;
    int rc = put_text(u, name, strlen(name), msg);
    if (rc >= 0)
        rc = end_text(u, msg);
    f->value = u->texts.n;
    return rc;
}

static int data(void *arg, const char *bytes, size_t n, struct message *msg)
{
    struct upload *u = arg;
    return u->is_in_file ? put_file(u, bytes, n, msg) : put_text(u, bytes, n, msg);
}

static int end(void *arg, struct message *msg)
{
    struct upload *u = arg;
    if (u->is_in_file)
        return LINNET_OK;
    u->n_fields++;
    return end_text(u, msg);
}

/* ---- the whole ---- */

int upload_open(struct upload **out, const char *content_type, size_t length, struct message *msg)
{
    struct upload *u = mem_array(1, sizeof *u);
    if (u == NULL)
        return fail_memory(msg);
    const struct multipart_sink sink = {begin, data, end, u};
    u->fd = -1;
    u->length = length;
    u->texts.max = UPLOAD_TEXT;
    int rc = multipart_open(&u->parser, content_type, &sink, msg);
    if (rc < 0) {
        upload_close(u);
        return rc;
    }
    *out = u;
    return LINNET_OK;
}

void upload_close(struct upload *u)
{
    if (u == NULL)
        return;
    if (u->fd >= 0)
        close(u->fd);
    buffer_free(&u->texts);
    mem_free(u);
}

int upload_feed(struct upload *u, const char *bytes, size_t n, struct message *msg)
{
    return multipart_feed(&u->parser, bytes, n, msg);
}

int upload_end(struct upload *u, struct message *msg) { return multipart_end(&u->parser, msg); }

const char *upload_text(const struct upload *u, int i, const char **name)
{
    if (i >= u->n_fields)
        return NULL;
    *name = u->texts.data + u->fields[i].name;
    return u->texts.data + u->fields[i].value;
}

int upload_has_file(const struct upload *u) { return u->fd >= 0; }

int upload_take_file(struct upload *u)
{
    int fd = u->fd;
    u->fd = -1;
    return fd;
}
