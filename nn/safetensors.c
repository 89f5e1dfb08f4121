/* SPDX-License-Identifier: Apache-2.0
 * safetensors.c - reading safetensors files, single or in parts.
 *
 * A file is 8 bytes of header length (little-endian), a JSON object {name: {"dtype", "shape", "data_offsets": [begin,
 * end]}, "__metadata__": {key: text}}, and the data.  As the format's description demands, the tensors must cover the
 * data exactly, without holes and without overlap; then no two names can share bytes and nothing can hide.  A tensor
 * whose bytes do not lie at a multiple of its type's size (writers other than Hugging Face's may do that) is copied. */
#include "nn/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/file_map.h"
#include "base/mem.h"

#define MAX_HEADER 100000000u /* bytes, as in the reference implementation */
#define MAX_PARTS 10000

struct part {
    char *path;
    json_t *header; /* owns the names */
    struct file_map file;
    size_t data; /* where the data starts */
};

struct entry {
    struct tensor tensor;
    int i_part;
    void *copy; /* the data when it had to be moved, or NULL */
};

struct safetensors {
    struct part *parts;
    int n_parts, parts_room;
    struct entry *entries; /* sorted by name */
    size_t n_entries;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->tensor.name, ((const struct entry *)b)->tensor.name);
}

static int by_data(const void *a, const void *b)
{
    const struct tensor *x = &((const struct entry *)a)->tensor, *y = &((const struct entry *)b)->tensor;
    uintptr_t u = (uintptr_t)x->data, v = (uintptr_t)y->data;
    if (u != v)
        return u < v ? -1 : 1;
    return (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes); /* empty ones first */
}

static int read_header(struct part *p, struct message *msg)
{
    json_error_t error;
    struct cursor at = {p->file.data, p->file.data + p->file.size, 0};
    uint64_t length = cursor_number(&at, 8);
    if (at.bad)
        return fail(msg, LINNET_E_FORMAT, "%s: too short for a safetensors file", p->path);
    if (length > MAX_HEADER || length > p->file.size - 8)
        return fail(msg, LINNET_E_FORMAT, "%s: header of %llu bytes in a file of %zu: not a safetensors file, or cut",
                    p->path, (unsigned long long)length, p->file.size);
    p->data = 8 + (size_t)length;
    p->header = json_loadb((const char *)p->file.data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (p->header == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: header: %s", p->path, error.text);
    if (!json_is_object(p->header))
        return fail(msg, LINNET_E_FORMAT, "%s: header is not an object", p->path);
    json_t *meta = json_object_get(p->header, "__metadata__"), *value;
    const char *key;
    if (meta != NULL && !json_is_object(meta))
        return fail(msg, LINNET_E_FORMAT, "%s: __metadata__ is not an object", p->path);
    json_object_foreach(meta, key, value)
    {
        if (!json_is_string(value))
            return fail(msg, LINNET_E_FORMAT, "%s: __metadata__ of %s is not text", p->path, key);
    }
    return 0;
}

static int read_entry(const struct part *p, const char *name, json_t *item, struct entry *e, struct message *msg)
{
    struct tensor *t = &e->tensor;
    const char *type = json_string_value(json_object_get(item, "dtype"));
    json_t *shape = json_object_get(item, "shape"), *offsets = json_object_get(item, "data_offsets");
    size_t n_bytes, n_data = p->file.size - p->data;

    if (type == NULL || !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: incomplete entry", p->path, name);
    if (dtype_find(type, &t->dtype) < 0)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: unknown type %.40s", p->path, name, type);
    if (json_array_size(shape) > TENSOR_MAX_DIMS)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: %zu dimensions", p->path, name, json_array_size(shape));
    t->n_dims = (int)json_array_size(shape);
    for (int i = 0; i < t->n_dims; i++) {
        json_t *dim = json_array_get(shape, (size_t)i);
        t->shape[i] = json_is_integer(dim) ? json_integer_value(dim) : -1;
    }
    if (tensor_measure(t->dtype, t->n_dims, t->shape, &n_bytes) < 0)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: impossible shape", p->path, name);
    json_t *b = json_array_get(offsets, 0), *e_end = json_array_get(offsets, 1);
    json_int_t begin = json_is_integer(b) ? json_integer_value(b) : -1;
    json_int_t end = json_is_integer(e_end) ? json_integer_value(e_end) : -1;
    if (begin < 0 || end < begin || (uint64_t)end > n_data)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: bytes %lld to %lld of %zu: file is cut or wrong", p->path,
                    name, (long long)begin, (long long)end, n_data);
    if ((uint64_t)(end - begin) != n_bytes)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: %lld bytes where its shape needs %zu", p->path, name,
                    (long long)(end - begin), n_bytes);
    t->name = name;
    t->data = p->file.data + p->data + begin;
    t->n_bytes = n_bytes;
    return 0;
}

/* Sorts n entries of one part by place and checks that they cover the data exactly. */
static int check_cover(const struct part *p, struct entry *entries, size_t n, struct message *msg)
{
    qsort(entries, n, sizeof *entries, by_data);
    const unsigned char *at = p->file.data + p->data;
    for (size_t i = 0; i < n; i++) {
        const struct tensor *t = &entries[i].tensor;
        if ((const unsigned char *)t->data != at)
            return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: %s", p->path, t->name,
                        (const unsigned char *)t->data < at ? "overlaps another one" : "has a hole before it");
        at += t->n_bytes;
    }
    if (at != p->file.data + p->file.size)
        return fail(msg, LINNET_E_FORMAT, "%s: %zu bytes after the last tensor", p->path,
                    (size_t)(p->file.data + p->file.size - at));
    return 0;
}

static int align_entry(struct entry *e, struct message *msg)
{
    if ((uintptr_t)e->tensor.data % dtype_size(e->tensor.dtype) == 0)
        return 0;
    e->copy = mem_array(e->tensor.n_bytes, 1);
    if (e->copy == NULL)
        return fail_memory(msg);
    memcpy(e->copy, e->tensor.data, e->tensor.n_bytes);
    e->tensor.data = e->copy;
    return 0;
}

/* Opens the file at path as the next part and adds its tensors, unsorted. */
static int add_part(struct safetensors *f, const char *path, struct message *msg)
{
    int i_part = f->n_parts, rc;
    const char *name;
    json_t *item;
    if (MEM_GROW(f->parts, f->parts_room, i_part + 1) < 0)
        return fail_memory(msg);
    struct part *p = &f->parts[i_part];
    f->n_parts++; /* close cleans it up from here on */
    p->path = mem_string(path);
    if (p->path == NULL)
        return fail_memory(msg);
    if ((rc = file_map_open(&p->file, (const char *const[]){path}, 1, msg)) < 0 || (rc = read_header(p, msg)) < 0)
        return rc;
    size_t n = json_object_size(p->header) - (json_object_get(p->header, "__metadata__") != NULL);
    struct entry *all = mem_resize(f->entries, f->n_entries, f->n_entries + n, sizeof *all);
    if (all == NULL)
        return fail_memory(msg);
    f->entries = all;
    struct entry *mine = all + f->n_entries;
    size_t i = 0;
    json_object_foreach(p->header, name, item)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        mine[i].i_part = i_part;
        if ((rc = read_entry(p, name, item, &mine[i++], msg)) < 0)
            return rc;
    }
    if ((rc = check_cover(p, mine, n, msg)) < 0)
        return rc;
    f->n_entries += n;
    for (i = 0; i < n; i++)
        if ((rc = align_entry(&mine[i], msg)) < 0)
            return rc;
    return 0;
}

static int sort_entries(struct safetensors *f, struct message *msg)
{
    if (f->n_entries > 0)
        qsort(f->entries, f->n_entries, sizeof *f->entries, by_name);
    for (size_t i = 1; i < f->n_entries; i++)
        if (by_name(&f->entries[i - 1], &f->entries[i]) == 0)
            return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: also in %s", f->parts[f->entries[i].i_part].path,
                        f->entries[i].tensor.name, f->parts[f->entries[i - 1].i_part].path);
    return 0;
}

int safetensors_open(struct safetensors **out, const char *path, struct message *msg)
{
    int rc;
    struct safetensors *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    if ((rc = add_part(f, path, msg)) < 0 || (rc = sort_entries(f, msg)) < 0) {
        safetensors_close(f);
        return rc;
    }
    *out = f;
    return 0;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The different file names of a weight map, sorted, into names [json_object_size(map)]. */
static int part_names(json_t *map, const char *index, const char **names, size_t *n_names, struct message *msg)
{
    const char *tensor;
    json_t *value;
    size_t n = 0, m = 0;
    json_object_foreach(map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (name == NULL || name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
            return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: its file is not a plain file name", index, tensor);
        names[n++] = name;
    }
    if (n > 0)
        qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            names[m++] = names[i];
    if (m == 0 || m > MAX_PARTS)
        return fail(msg, LINNET_E_FORMAT, "%s: names %zu files", index, m);
    *n_names = m;
    return 0;
}

/* Every tensor must be in the file that the index names for it. */
static int check_index(const struct safetensors *f, json_t *map, const char *index, struct message *msg)
{
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        const struct tensor *t = safetensors_find(f, name);
        const char *file = json_string_value(value), *found = NULL;
        if (t != NULL)
            found = strrchr(f->parts[((const struct entry *)(const void *)t)->i_part].path, '/') + 1;
        if (found == NULL || strcmp(found, file) != 0)
            return fail(msg, LINNET_E_FORMAT, "%s: tensor %s is not in %s", index, name, file);
    }
    return 0;
}

static int open_parts(struct safetensors **out, const char *dir, const char *index, json_t *map, struct message *msg)
{
    struct safetensors *f = NULL;
    size_t n_names = 0;
    int rc;
    const char **names = mem_array(json_object_size(map) + 1, sizeof *names);
    if (names == NULL)
        return fail_memory(msg);
    if ((rc = part_names(map, index, names, &n_names, msg)) < 0)
        goto done;
    if ((f = mem_array(1, sizeof *f)) == NULL)
        rc = fail_memory(msg);
    for (size_t i = 0; i < n_names && rc == 0; i++) {
        char path[FILE_MAX_PATH];
        if ((rc = file_in(path, dir, names[i], msg)) == 0)
            rc = add_part(f, path, msg);
    }
    if (rc == 0 && (rc = sort_entries(f, msg)) == 0 && (rc = check_index(f, map, index, msg)) == 0) {
        *out = f;
        f = NULL;
    }
done:
    safetensors_close(f);
    mem_free(names);
    return rc;
}

int safetensors_open_dir(struct safetensors **out, const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    json_error_t error;
    int rc = file_in(path, dir, "model.safetensors.index.json", msg);
    if (rc < 0)
        return rc;
    char *suffix = path + strlen(path) - strlen(".index.json");
    *suffix = '\0';
    if (access(path, F_OK) == 0)
        return safetensors_open(out, path, msg);
    *suffix = '.';
    if (access(path, F_OK) != 0)
        return fail(msg, LINNET_E_IO, "%s: no model.safetensors in it", dir);
    json_t *index = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (index == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: %s", path, error.text);
    json_t *map = json_object_get(index, "weight_map");
    rc = json_is_object(map) ? open_parts(out, dir, path, map, msg)
                             : fail(msg, LINNET_E_FORMAT, "%s: no weight_map", path);
    json_decref(index);
    return rc;
}

void safetensors_close(struct safetensors *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_entries; i++)
        mem_free(f->entries[i].copy);
    for (int i = 0; i < f->n_parts; i++) {
        struct part *p = &f->parts[i];
        file_map_close(&p->file);
        json_decref(p->header);
        mem_free(p->path);
    }
    mem_free(f->entries);
    mem_free(f->parts);
    mem_free(f);
}

size_t safetensors_count(const struct safetensors *f) { return f->n_entries; }

const struct tensor *safetensors_at(const struct safetensors *f, size_t i) { return &f->entries[i].tensor; }

const struct tensor *safetensors_find(const struct safetensors *f, const char *name)
{
    struct entry key = {.tensor.name = name};
    struct entry *e = f->n_entries == 0 ? NULL : bsearch(&key, f->entries, f->n_entries, sizeof key, by_name);
    return e != NULL ? &e->tensor : NULL;
}

int safetensors_get(const struct safetensors *f, const char *name, int n_dims, const int64_t shape[],
                    const struct tensor **out, struct message *msg)
{
    char found[160], wanted[160];
    const struct tensor *t = safetensors_find(f, name);
    if (t == NULL)
        return fail(msg, LINNET_E_MODEL, "%s: no tensor %s", f->parts[0].path, name);
    if (!tensor_has_shape(t, n_dims, shape))
        return fail(msg, LINNET_E_MODEL, "%s: tensor %s is %s, expected %s",
                    f->parts[((const struct entry *)(const void *)t)->i_part].path, name,
                    tensor_shape_text(t->n_dims, t->shape, found, sizeof found),
                    tensor_shape_text(n_dims, shape, wanted, sizeof wanted));
    *out = t;
    return 0;
}

const char *safetensors_metadata(const struct safetensors *f, const char *key)
{
    const char *text = NULL;
    for (int i = 0; i < f->n_parts && text == NULL; i++)
        text = json_string_value(json_object_get(json_object_get(f->parts[i].header, "__metadata__"), key));
    return text;
}

void safetensors_release(const struct safetensors *f, const struct tensor *t)
{
    const struct entry *e = (const struct entry *)(const void *)t;
    const struct part *p = &f->parts[e->i_part];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (e->copy != NULL || p->file.mapped == NULL)
        return;
    size_t begin = (size_t)((const unsigned char *)t->data - p->file.data), end = begin + t->n_bytes;
    begin = (begin + page - 1) / page * page; /* whole pages only: the edges belong to neighbours too */
    end = end / page * page;
    if (begin < end)
        (void)madvise((char *)p->file.mapped + begin, end - begin, MADV_DONTNEED); /* advice: no harm when it fails */
}
