/* SPDX-License-Identifier: Apache-2.0
 * safetensors_writer.c - writing safetensors files atomically.
 *
 * Tensors of whole cache lines come first, so that each lies at a multiple of 64, and then the others by falling size
 * of their type, so that each lies at a multiple of that; among equals, as declared.  The header is padded with spaces
 * so that the data starts at a multiple of 64.  It comes first in the file and needs all the shapes: hence declare
 * before put. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "nn/safetensors.h"

#define LINE 64           /* bytes of a cache line */
#define MAX_LEFTOVERS 100 /* temporary files of this path and process number that an earlier crash left */

struct planned {
    json_t *item; /* borrowed from the header */
    size_t size;  /* of an element */
    size_t n_bytes;
    off_t begin; /* in the file, once the header is written */
    int is_written;
};

struct safetensors_writer {
    char *path, *temporary;
    int fd; /* -1: none */
    json_t *header, *meta;
    struct planned *planned;
    int n_planned, n_room, n_written;
    int has_header; /* has been written: nothing more may be declared */
};

int safetensors_writer_open(struct safetensors_writer **out, const char *path, struct message *msg)
{
    int rc = LINNET_OK;
    size_t room = strlen(path) + 32;
    struct safetensors_writer *w = mem_array(1, sizeof *w);
    if (w == NULL)
        return fail_memory(msg);
    w->fd = -1;
    w->path = mem_string(path);
    w->temporary = mem_array(room, 1);
    w->header = json_object();
    w->meta = json_object();
    if (w->path == NULL || w->temporary == NULL || w->header == NULL || w->meta == NULL)
        rc = fail_memory(msg);
    for (int i = 0; rc >= 0 && i < MAX_LEFTOVERS && w->fd < 0;
         i++) { /* not mkstemp: its files are private, a model is not */
        snprintf(w->temporary, room, "%s.%ld-%d", path, (long)getpid(), i);
        w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd < 0 && errno != EEXIST)
            break;
    }
    if (rc >= 0 && w->fd < 0) {
        rc = fail(msg, LINNET_E_IO, "%s: cannot be made: %s", path, strerror(errno));
        w->temporary[0] = '\0';
    }
    if (rc < 0)
        safetensors_writer_abort(w);
    else
        *out = w;
    return rc;
}

int safetensors_writer_meta(struct safetensors_writer *w, const char *key, const char *value, struct message *msg)
{
    json_t *text = json_string(value);
    if (w->has_header || text == NULL || json_object_set_new(w->meta, key, text) < 0)
        return fail(msg, LINNET_E_ARGUMENT, "%s: metadata %s is not UTF-8 text or comes too late", w->path, key);
    return 0;
}

static json_t *entry_json(enum dtype dtype, int n_dims, const int64_t shape[])
{
    json_t *sizes = json_array();
    for (int i = 0; i < n_dims; i++)
        if (json_array_append_new(sizes, json_integer(shape[i])) < 0) {
            json_decref(sizes);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:[i,i]}", "dtype", dtype_name(dtype), "shape", sizes, "data_offsets", 0, 0);
}

int safetensors_writer_declare(struct safetensors_writer *w, const char *name, enum dtype dtype, int n_dims,
                               const int64_t shape[], struct message *msg)
{
    size_t n_bytes;
    if (w->has_header)
        return fail(msg, LINNET_E_STATE, "%s: tensor %s declared after data was put", w->path, name);
    if (strcmp(name, "__metadata__") == 0 || json_object_get(w->header, name) != NULL)
        return fail(msg, LINNET_E_ARGUMENT, "%s: tensor %s is there already", w->path, name);
    if (tensor_measure(dtype, n_dims, shape, &n_bytes) < 0)
        return fail(msg, LINNET_E_ARGUMENT, "%s: tensor %s: impossible shape", w->path, name);
    if (MEM_GROW(w->planned, w->n_room, w->n_planned + 1) < 0)
        return fail_memory(msg);
    json_t *item = entry_json(dtype, n_dims, shape);
    if (item == NULL)
        return fail_memory(msg);
    if (json_object_set_new(w->header, name, item) < 0)
        return fail(msg, LINNET_E_ARGUMENT, "%s: tensor name is not UTF-8 text", w->path);
    w->planned[w->n_planned] = (struct planned){.item = item, .size = dtype_size(dtype), .n_bytes = n_bytes};
    return w->n_planned++;
}

static int write_at(const struct safetensors_writer *w, const void *data, size_t n, off_t at, struct message *msg)
{
    const char *from = data;
    while (n > 0) {
        ssize_t m = pwrite(w->fd, from, n < (1u << 30) ? n : 1u << 30, at);
        if (m < 0 && errno == EINTR)
            continue;
        if (m <= 0)
            return fail(msg, LINNET_E_IO, "%s: cannot write: %s", w->path, m < 0 ? strerror(errno) : "no progress");
        from += m;
        n -= (size_t)m;
        at += m;
    }
    return 0;
}

/* Places every tensor, counted from the start of the data. */
static int place_all(struct safetensors_writer *w, struct message *msg)
{
    off_t at = 0;
    for (size_t size = LINE; size > 0; size /= 2)
        for (int i = 0; i < w->n_planned; i++) {
            struct planned *p = &w->planned[i];
            if (size != (p->n_bytes % LINE == 0 ? LINE : p->size))
                continue;
            p->begin = at;
            if (__builtin_add_overflow(at, (off_t)p->n_bytes, &at) || at > INT64_MAX / 2)
                return fail(msg, LINNET_E_ARGUMENT, "%s: too many bytes for a file", w->path);
            json_t *offsets = json_object_get(p->item, "data_offsets");
            if (json_array_set_new(offsets, 0, json_integer(p->begin)) < 0 ||
                json_array_set_new(offsets, 1, json_integer(at)) < 0)
                return fail_memory(msg);
        }
    return 0;
}

static int write_header(struct safetensors_writer *w, struct message *msg)
{
    int rc = place_all(w, msg);
    if (rc < 0)
        return rc;
    if (json_object_size(w->meta) > 0 && json_object_set(w->header, "__metadata__", w->meta) < 0)
        return fail_memory(msg);
    char *text = json_dumps(w->header, JSON_COMPACT);
    if (text == NULL)
        return fail_memory(msg);
    size_t n = strlen(text), padded = (8 + n + 63) / 64 * 64;
    char *all = mem_array(padded, 1);
    if (all != NULL) {
        for (int i = 0; i < 8; i++)
            all[i] = (char)((padded - 8) >> 8 * i);
        memcpy(all + 8, text, n);
        memset(all + 8 + n, ' ', padded - 8 - n);
        rc = write_at(w, all, padded, 0, msg);
    } else {
        rc = fail_memory(msg);
    }
    for (int i = 0; i < w->n_planned; i++)
        w->planned[i].begin += (off_t)padded;
    w->has_header = 1;
    mem_free(all);
    free(text); /* jansson's */
    return rc;
}

int safetensors_writer_put(struct safetensors_writer *w, int i_tensor, const void *data, size_t n_bytes,
                           struct message *msg)
{
    int rc;
    if (!w->has_header && (rc = write_header(w, msg)) < 0)
        return rc;
    if (i_tensor < 0 || i_tensor >= w->n_planned)
        return fail(msg, LINNET_E_ARGUMENT, "%s: tensor %d was not declared", w->path, i_tensor);
    struct planned *p = &w->planned[i_tensor];
    if (p->is_written || p->n_bytes != n_bytes)
        return fail(msg, LINNET_E_ARGUMENT, "%s: tensor %d: %zu bytes given, %zu declared%s", w->path, i_tensor,
                    n_bytes, p->n_bytes, p->is_written ? ", given before" : "");
    if ((rc = write_at(w, data, n_bytes, p->begin, msg)) < 0)
        return rc;
    p->is_written = 1;
    w->n_written++;
    return 0;
}

/* Makes the name of a renamed file as durable as its bytes. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1, slash != NULL ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems cannot; the file itself is safe */
        close(fd);
    }
}

static int publish(struct safetensors_writer *w, struct message *msg)
{
    int rc;
    if (!w->has_header && (rc = write_header(w, msg)) < 0)
        return rc;
    if (w->n_written != w->n_planned)
        return fail(msg, LINNET_E_STATE, "%s: %d of %d tensors were given", w->path, w->n_written, w->n_planned);
    if (fsync(w->fd) < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot write: %s", w->path, strerror(errno));
    rc = close(w->fd);
    w->fd = -1;
    if (rc < 0 || rename(w->temporary, w->path) < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot write: %s", w->path, strerror(errno));
    w->temporary[0] = '\0';
    sync_folder(w->path);
    return 0;
}

int safetensors_writer_close(struct safetensors_writer *w, struct message *msg)
{
    int rc = publish(w, msg);
    safetensors_writer_abort(w); /* frees; removes the temporary file if it is still there */
    return rc;
}

void safetensors_writer_abort(struct safetensors_writer *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0)
        close(w->fd);
    if (w->temporary != NULL && w->temporary[0] != '\0')
        unlink(w->temporary);
    json_decref(w->header);
    json_decref(w->meta);
    mem_free(w->planned);
    mem_free(w->path);
    mem_free(w->temporary);
    mem_free(w);
}
