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

/* A whole storage, and the call that makes a view of it. */
static inline void torch_view(struct torch_writer *w, const char *class, const void *data, size_t n_bytes,
                              int64_t n_elements, int64_t offset, int n_dims, const int64_t shape[],
                              const int64_t stride[])
{
    char key[16], name[32];
    snprintf(key, sizeof key, "%d", w->n_storages++);
    snprintf(name, sizeof name, "t/data/%s", key);
    torch_file(w, name, data, n_bytes);
    TORCH_PUTS(w, "ctorch._utils\n_rebuild_tensor_v2\n((");
    torch_text(w, "storage");
    TORCH_PUTS(w, "ctorch\n");
    torch_put(w, class, strlen(class));
    TORCH_PUTS(w, "\n");
    torch_text(w, key);
    torch_text(w, "cpu");
    torch_number(w, n_elements);
    TORCH_PUTS(w, "tQ");
    torch_number(w, offset);
    for (int i = 0; i < 2; i++) {
        TORCH_PUTS(w, "(");
        for (int d = 0; d < n_dims; d++)
            torch_number(w, i == 0 ? shape[d] : stride[d]);
        TORCH_PUTS(w, "t");
    }
    TORCH_PUTS(w, "\x89" "ccollections\nOrderedDict\n)RtR");
}

static inline void torch_tensor(struct torch_writer *w, const struct tensor *t)
{
    int64_t stride[TENSOR_MAX_DIMS], n = 1;
    for (int d = t->n_dims - 1; d >= 0; d--) {
        stride[d] = n;
        n *= t->shape[d];
    }
    torch_view(w,
               t->dtype == DTYPE_F16   ? "HalfStorage"
               : t->dtype == DTYPE_I64 ? "LongStorage"
                                       : "FloatStorage",
               t->data, t->n_bytes, (int64_t)tensor_elements(t), 0, t->n_dims, t->shape, stride);
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
