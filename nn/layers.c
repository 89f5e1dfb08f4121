/* SPDX-License-Identifier: Apache-2.0
 * layers.c - reading layers from a model file. */
#include "nn/layers.h"

#include <stdio.h>

#include "base/mem.h"
#include "nn/linear_stored.h"

enum { NAME_SIZE = 200 };

#define NORM_ROWS 64 /* that are one thread's: some 10 us */

int floats_load(float **out, const struct layer_source *from, const char *name, int n_dims, const int64_t shape[])
{
    const struct tensor *t;
    int rc = safetensors_get(from->file, name, n_dims, shape, &t, from->msg);
    if (rc < 0)
        return rc;
    if (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F16 && t->dtype != DTYPE_BF16)
        return fail(from->msg, LINNET_E_MODEL, "%s: type %s is not supported", name, dtype_name(t->dtype));
    size_t n = tensor_elements(t);
    float *values = mem_array(n, sizeof *values);
    if (values == NULL)
        return fail_memory(from->msg);
    tensor_to_f32(t, 0, n, values);
    safetensors_release(from->file, t);
    *out = values;
    return LINNET_OK;
}

int layer_norm_load(struct layer_norm *l, const struct layer_source *from, const char *prefix, int n)
{
    char name[NAME_SIZE];
    const int64_t shape[] = {n};
    *l = (struct layer_norm){.n = n};
    snprintf(name, sizeof name, "%s.weight", prefix);
    int rc = floats_load(&l->gamma, from, name, 1, shape);
    snprintf(name, sizeof name, "%s.bias", prefix);
    if (rc >= 0)
        rc = floats_load(&l->beta, from, name, 1, shape);
    if (rc < 0)
        layer_norm_close(l);
    return rc;
}

void layer_norm_close(struct layer_norm *l)
{
    mem_free(l->gamma);
    mem_free(l->beta);
    l->gamma = l->beta = NULL;
}

struct normalizing {
    const struct nn_kernels *kernels;
    const struct layer_norm *l;
    const float *x;
    float *y;
    int n_rows;
};

static void normalize_block(void *arg, int i_block, int i_thread)
{
    const struct normalizing *w = arg;
    const struct layer_norm *l = w->l;
    ptrdiff_t from = (ptrdiff_t)i_block * NORM_ROWS, to = from + NORM_ROWS < w->n_rows ? from + NORM_ROWS : w->n_rows;
    (void)i_thread;
    for (ptrdiff_t i = from; i < to; i++)
        w->kernels->layer_norm(w->x + i * l->n, w->y + i * l->n, l->n, l->gamma, l->beta, 1e-5f);
}

void layer_norm_rows(const struct nn_context *ctx, const struct layer_norm *l, const float *x, float *y, int n_rows)
{
    struct normalizing w = {ctx->kernels, l, x, y, n_rows};
    int n_blocks = (n_rows + NORM_ROWS - 1) / NORM_ROWS;
    pool_run(n_blocks > 1 ? ctx->pool : NULL, normalize_block, &w, n_blocks);
}

/* What a layer's tensors must be. */
struct form {
    int n_in, n_out, n_taps; /* n_taps > 0: a convolution */
    enum layer_bias bias;
};

static int find_weight(const struct layer_source *from, const char *prefix, const char *part, const struct form *form,
                       const struct tensor **w)
{
    char name[NAME_SIZE];
    const int64_t shape[] = {form->n_out, form->n_in, form->n_taps};
    snprintf(name, sizeof name, "%s%s.weight", prefix, part);
    return safetensors_get(from->file, name, form->n_taps > 0 ? 3 : 2, shape, w, from->msg);
}

static int find_bias(const struct layer_source *from, const char *prefix, const char *part, const struct form *form,
                     const struct tensor **b)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s%s.bias", prefix, part);
    *b = form->bias == LAYER_NO_BIAS ? NULL : safetensors_find(from->file, name);
    if (*b == NULL && form->bias != LAYER_BIAS)
        return LINNET_OK;
    return safetensors_get(from->file, name, 1, (const int64_t[]){form->n_out}, b, from->msg);
}

static void join_names(char *name, size_t size, const struct layer_names *names)
{
    size_t n = (size_t)snprintf(name, size, "%s", names->prefix);
    for (int i = 0; i < names->n && n < size; i++)
        n += (size_t)snprintf(name + n, size - n, "%s%s", i > 0 ? "+" : "", names->names[i]);
}

/* Layers that are listed to be stored are the same on every processor: of whole numbers. */
static enum precision precision_of(const struct layer_source *from)
{
    return from->list != NULL && from->precision == PRECISION_BF16 ? PRECISION_INT16 : from->precision;
}

static int load(struct linear *l, const struct layer_source *from, const struct layer_names *names,
                const struct form *form)
{
    const struct tensor *w[LAYER_MAX_JOINED] = {NULL}, *b[LAYER_MAX_JOINED] = {NULL};
    char name[LINEAR_STORED_NAME];
    int n_taps = form->n_taps > 0 ? form->n_taps : 1;
    *l = (struct linear){0};
    join_names(name, sizeof name, names);
    int stored = linear_stored_has(from, name), rc = stored;
    for (int i = 0; i < names->n && rc >= 0; i++)
        if (stored || (rc = find_weight(from, names->prefix, names->names[i], form, &w[i])) >= 0)
            rc = find_bias(from, names->prefix, names->names[i], form, &b[i]);
    if (rc >= 0 && stored)
        rc = linear_stored_open(l, from, name, form->n_in * n_taps, form->n_out * names->n, b, names->n);
    else if (rc >= 0)
        rc = linear_open(l, w, b, names->n, precision_of(from), from->pool, from->msg);
    if (rc < 0 || stored)
        return rc < 0 ? rc : LINNET_OK;
    for (int i = 0; i < names->n; i++)
        safetensors_release(from->file, w[i]);
    return linear_list_add(from, name, l, w, names->n);
}

int linear_load_joined(struct linear *l, const struct layer_source *from, const struct layer_names *names, int n_in,
                       int n_out, enum layer_bias bias)
{
    return load(l, from, names, &(struct form){n_in, n_out, 0, bias});
}

static const char *const itself[] = {""};

int linear_load(struct linear *l, const struct layer_source *from, const char *prefix, int n_in, int n_out,
                enum layer_bias bias)
{
    return linear_load_joined(l, from, &(struct layer_names){prefix, itself, 1}, n_in, n_out, bias);
}

int linear_load_convolution(struct linear *l, const struct layer_source *from, const char *prefix, int n_in, int n_out,
                            int n_taps, enum layer_bias bias)
{
    return load(l, from, &(struct layer_names){prefix, itself, 1}, &(struct form){n_in, n_out, n_taps, bias});
}
