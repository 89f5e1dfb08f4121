/* SPDX-License-Identifier: Apache-2.0
 * torch_writer.h - makes PyTorch checkpoints for tests: pickles put together by hand, in archives made by libzip. */
#ifndef LINNET_TESTS_SUPPORT_TORCH_WRITER_H
#define LINNET_TESTS_SUPPORT_TORCH_WRITER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/buffer.h"
#include "nn/tensor.h"

struct torch_writer {
    struct buffer pickle;
    zip_t *zip;
    int n_storages;
};

static inline void torch_put(struct torch_writer *w, const void *bytes, size_t n)
{
    if (buffer_append(&w->pickle, bytes, n) < 0)
        abort();
}

#define TORCH_PUTS(w, text) torch_put(w, text, sizeof(text) - 1)

static inline void torch_number(struct torch_writer *w, int64_t value) /* BININT */
{
    char bytes[5] = {'J', (char)value, (char)(value >> 8), (char)(value >> 16), (char)(value >> 24)};
    torch_put(w, bytes, 5);
}

static inline void torch_text(struct torch_writer *w, const char *text) /* BINUNICODE */
{
    size_t n = strlen(text);
    char bytes[5] = {'X', (char)n, (char)(n >> 8), 0, 0};
    torch_put(w, bytes, 5);
    torch_put(w, text, n);
}

static inline void torch_file(struct torch_writer *w, const char *name, const void *data, size_t n)
{
    void *copy = malloc(n + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, data, n);
    zip_source_t *source = zip_source_buffer(w->zip, copy, n, 1);
    zip_int64_t i = zip_file_add(w->zip, name, source, 0);
    if (i < 0 || zip_set_file_compression(w->zip, (zip_uint64_t)i, ZIP_CM_STORE, 0) < 0)
        abort();
}

/* A view of a storage: elements offset, offset + stride ... of n_elements. */
struct torch_view {
    const char *class; /* of the storage */
    const void *data;
    size_t n_bytes;
    int64_t n_elements, offset;
    int n_dims;
    int64_t shape[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS];
};

/* A whole storage, and the call that makes a view of it. */
static inline void torch_put_view(struct torch_writer *w, const struct torch_view *v)
{
    char key[16], name[32];
    snprintf(key, sizeof key, "%d", w->n_storages++);
    snprintf(name, sizeof name, "t/data/%s", key);
    torch_file(w, name, v->data, v->n_bytes);
    TORCH_PUTS(w, "ctorch._utils\n_rebuild_tensor_v2\n((");
    torch_text(w, "storage");
    TORCH_PUTS(w, "ctorch\n");
    torch_put(w, v->class, strlen(v->class));
    TORCH_PUTS(w, "\n");
    torch_text(w, key);
    torch_text(w, "cpu");
    torch_number(w, v->n_elements);
    TORCH_PUTS(w, "tQ");
    torch_number(w, v->offset);
    for (int i = 0; i < 2; i++) {
        TORCH_PUTS(w, "(");
        for (int d = 0; d < v->n_dims; d++)
            torch_number(w, i == 0 ? v->shape[d] : v->stride[d]);
        TORCH_PUTS(w, "t");
    }
    TORCH_PUTS(w, "\x89"
                  "ccollections\nOrderedDict\n)RtR");
}

static inline void torch_tensor(struct torch_writer *w, const struct tensor *t)
{
    struct torch_view v = {.class = t->dtype == DTYPE_F16   ? "HalfStorage"
                                    : t->dtype == DTYPE_I64 ? "LongStorage"
                                                            : "FloatStorage",
                           .data = t->data,
                           .n_bytes = t->n_bytes,
                           .n_elements = (int64_t)tensor_elements(t),
                           .n_dims = t->n_dims};
    int64_t n = 1;
    for (int d = t->n_dims - 1; d >= 0; d--) {
        v.shape[d] = t->shape[d];
        v.stride[d] = n;
        n *= t->shape[d];
    }
    torch_put_view(w, &v);
}

static inline void torch_open(struct torch_writer *w, const char *path)
{
    int error;
    *w = (struct torch_writer){.zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &error)};
    if (w->zip == NULL)
        abort();
    TORCH_PUTS(w, "\x80\x02");
}

static inline void torch_close(struct torch_writer *w) /* the pickle's STOP included */
{
    TORCH_PUTS(w, ".");
    torch_file(w, "t/data.pkl", w->pickle.data, w->pickle.n);
    if (zip_close(w->zip) < 0)
        abort();
    buffer_free(&w->pickle);
}

#endif
