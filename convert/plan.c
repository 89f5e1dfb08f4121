/* SPDX-License-Identifier: Apache-2.0
 * plan.c - from a checkpoint's tensors to a model's. */
#include "convert/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/half.h"
#include "nn/safetensors.h"

void plan_close(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        mem_free(p->items[i].made);
    mem_free(p->items);
    *p = (struct plan){0};
}

static struct plan_item *new_item(struct plan *p, const char *name, int n_dims, const int64_t shape[])
{
    if (MEM_GROW(p->items, p->room, (int)p->n + 1) < 0)
        return NULL;
    struct plan_item *item = &p->items[p->n++];
    snprintf(item->name, sizeof item->name, "%s", name);
    item->n_dims = n_dims;
    memcpy(item->shape, shape, (size_t)n_dims * sizeof *shape);
    return item;
}

static int without_ones(int n_dims, const int64_t shape[])
{
    while (n_dims > 1 && shape[n_dims - 1] == 1)
        n_dims--;
    return n_dims;
}

int plan_add_part(struct plan *p, const char *name, const char *source, int n_dims, const int64_t shape[],
                  struct plan_part part, struct message *msg)
{
    char found[160], wanted[160];
    int64_t whole[TENSOR_MAX_DIMS];
    const struct tensor *t = checkpoint_find(p->checkpoint, source);
    if (t == NULL)
        return fail(msg, LINNET_E_MODEL, "%s: no tensor %s", checkpoint_path(p->checkpoint), source);
    memcpy(whole, shape, (size_t)n_dims * sizeof *shape);
    whole[0] *= part.n;
    int n = without_ones(n_dims, whole);
    if (without_ones(t->n_dims, t->shape) != n || memcmp(t->shape, whole, (size_t)n * sizeof *whole) != 0)
        return fail(msg, LINNET_E_MODEL, "%s: tensor %s is %s, expected %s", checkpoint_path(p->checkpoint), source,
                    tensor_shape_text(t->n_dims, t->shape, found, sizeof found),
                    tensor_shape_text(n_dims, whole, wanted, sizeof wanted));
    struct plan_item *item = new_item(p, name, n_dims, shape);
    if (item == NULL)
        return fail_memory(msg);
    item->source = t;
    item->first = tensor_elements(t) / (size_t)part.n * (size_t)part.i;
    return 0;
}

int plan_add(struct plan *p, const char *name, const char *source, int n_dims, const int64_t shape[],
             struct message *msg)
{
    return plan_add_part(p, name, source, n_dims, shape, (struct plan_part){0, 1}, msg);
}

int plan_add_made(struct plan *p, const char *name, int n_dims, const int64_t shape[], float *numbers,
                  struct message *msg)
{
    struct plan_item *item = new_item(p, name, n_dims, shape);
    if (item == NULL) {
        mem_free(numbers);
        return fail_memory(msg);
    }
    item->made = numbers;
    return 0;
}

static enum dtype item_type(const struct plan_item *item, enum dtype matrix_type)
{
    enum dtype own = item->source != NULL ? item->source->dtype : DTYPE_F32;
    return matrix_type != N_DTYPES && item->n_dims > 1 ? matrix_type : own;
}

enum { BLOCK = 1024 }; /* numbers that are floats at once */

/* n numbers of `from` from element `first` on, as type to. */
static void convert_numbers(const struct tensor *from, size_t first, size_t n, enum dtype to, void *out)
{
    if (from->dtype == to) {
        memcpy(out, (const char *)from->data + first * dtype_size(to), n * dtype_size(to));
        return;
    }
    float x[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t size = n - at < BLOCK ? n - at : BLOCK;
        tensor_to_f32(from, first + at, size, x);
        for (size_t i = 0; i < size; i++)
            if (to == DTYPE_F16)
                ((uint16_t *)out)[at + i] = half_f32_to_f16(x[i]);
            else if (to == DTYPE_BF16)
                ((uint16_t *)out)[at + i] = half_f32_to_bf16(x[i]);
            else
                ((float *)out)[at + i] = x[i];
    }
}

/* A number that is infinite or none is a sign of a broken checkpoint, or does not fit into the type asked for. */
static int check_finite(const struct tensor *t, const char *file, struct message *msg)
{
    size_t n = tensor_elements(t);
    if (t->dtype != DTYPE_F16 && t->dtype != DTYPE_BF16 && t->dtype != DTYPE_F32)
        return 0;
    float x[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t size = n - at < BLOCK ? n - at : BLOCK;
        tensor_to_f32(t, at, size, x);
        for (size_t i = 0; i < size; i++)
            if (!(x[i] - x[i] == 0))
                return fail(msg, LINNET_E_MODEL, "%s: tensor %s has numbers that are not finite as %s", file, t->name,
                            dtype_name(t->dtype));
    }
    return 0;
}

static int write_item(const struct plan *p, size_t i, enum dtype matrix_type, struct safetensors_writer *w,
                      struct message *msg)
{
    const struct plan_item *item = &p->items[i];
    struct tensor in = {.dtype = DTYPE_F32, .data = item->made}, out = {.name = item->name};
    void *read = NULL, *converted = NULL;
    int rc = 0;
    out.dtype = item_type(item, matrix_type);
    if ((rc = tensor_measure(out.dtype, item->n_dims, item->shape, &out.n_bytes)) < 0)
        return fail(msg, rc, "tensor %s: impossible shape", item->name);
    if (item->source != NULL) {
        in = *item->source;
        in.data = read = mem_array(in.n_bytes, 1);
        rc = read == NULL ? fail_memory(msg) : checkpoint_read(p->checkpoint, item->source, read, msg);
    }
    if (rc == 0) {
        out.data = converted = mem_array(out.n_bytes, 1);
        if (converted == NULL)
            rc = fail_memory(msg);
    }
    if (rc == 0) {
        convert_numbers(&in, item->first, tensor_elements(&out), out.dtype, converted);
        rc = check_finite(&out, p->checkpoint != NULL ? checkpoint_path(p->checkpoint) : "model", msg);
    }
    if (rc == 0)
        rc = safetensors_writer_put(w, (int)i, out.data, out.n_bytes, msg);
    mem_free(read);
    mem_free(converted);
    return rc;
}

int plan_write(const struct plan *p, const char *path, enum dtype matrix_type, struct message *msg)
{
    struct safetensors_writer *w = NULL;
    int rc = safetensors_writer_open(&w, path, msg);
    if (rc < 0)
        return rc;
    rc = safetensors_writer_meta(w, "format", "pt", msg);
    for (size_t i = 0; i < p->n && rc >= 0; i++)
        rc = safetensors_writer_declare(w, p->items[i].name, item_type(&p->items[i], matrix_type), p->items[i].n_dims,
                                        p->items[i].shape, msg);
    for (size_t i = 0; i < p->n && rc >= 0; i++)
        rc = write_item(p, i, matrix_type, w, msg);
    if (rc < 0) {
        safetensors_writer_abort(w);
        return rc;
    }
    return safetensors_writer_close(w, msg);
}
