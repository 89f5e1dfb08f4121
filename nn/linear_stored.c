/* SPDX-License-Identifier: Apache-2.0
 * linear_stored.c - linear layers from and into model files, packed.
 *
 * Panels are not read when a model opens, only mapped: checking their numbers would cost what storing them saves.  A
 * crafted file may hold any, so that sums wrap around (kernels_int.h) and words are wrong, no more. */
#include "nn/linear_stored.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define META "linnet.panels"
#define VERSION "1"
#define ALIGNMENT 64

static const struct kind {
    const char *suffix;
    enum dtype dtype, inputs; /* of struct linear */
    int group;                /* inputs of an output that lie side by side */
    int has_sums;
} kinds[] = {
    {"w8a8", DTYPE_I8, DTYPE_U8, 4, 1}, {"w8a16", DTYPE_I8, DTYPE_I16, 4, 0}, {"w16a16", DTYPE_I16, DTYPE_I16, 2, 0}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

int linear_stored_in(const struct safetensors *file, struct message *msg)
{
    const char *version = safetensors_metadata(file, META);
    if (version != NULL && strcmp(version, VERSION) != 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "layers are stored in version %.20s, not %s: quantize the model anew",
                    version, VERSION);
    return version != NULL;
}

/* ---- reading ---- */

/* NAME.SUFFIX, which must have this type and shape. */
static int find(const struct layer_source *from, const char *name, const char *suffix, enum dtype dtype, int n_dims,
                const int64_t shape[], const struct tensor **out)
{
    char full[LINEAR_STORED_NAME];
    snprintf(full, sizeof full, "%s.%s", name, suffix);
    int rc = safetensors_get(from->file, full, n_dims, shape, out, from->msg);
    if (rc >= 0 && (*out)->dtype != dtype)
        rc = fail(from->msg, LINNET_E_MODEL, "%s: type %s, expected %s", full, dtype_name((*out)->dtype),
                  dtype_name(dtype));
    return rc;
}

static const struct kind *find_kind(const struct safetensors *file, const char *name)
{
    char full[LINEAR_STORED_NAME];
    for (const struct kind *k = kinds; k < kinds + N_KINDS; k++) {
        snprintf(full, sizeof full, "%s.%s", name, k->suffix);
        if (safetensors_find(file, full) != NULL)
            return k;
    }
    return NULL;
}

static int copy_scales(struct linear *l, const struct tensor *scales, const struct tensor *sums, struct message *msg)
{
    size_t n = tensor_elements(scales);
    l->scales = mem_array(n, sizeof *l->scales);
    l->sums = sums != NULL ? mem_array(n, sizeof *l->sums) : NULL;
    if (l->scales == NULL || (sums != NULL && l->sums == NULL))
        return fail_memory(msg);
    memcpy(l->scales, scales->data, n * sizeof *l->scales);
    if (sums != NULL)
        memcpy(l->sums, sums->data, n * sizeof *l->sums);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(l->scales[i]))
            return fail(msg, LINNET_E_MODEL, "%s: a scale that is not finite", scales->name);
    return LINNET_OK;
}

static int copy_biases(struct linear *l, const struct tensor *const *biases, int n, struct message *msg)
{
    size_t size = (size_t)(l->n_out / n);
    for (int i = 0; i < n; i++) {
        if (biases == NULL || biases[i] == NULL)
            continue;
        if (l->bias == NULL && (l->bias = mem_array((size_t)linear_panels(l) * NN_PANEL, sizeof *l->bias)) == NULL)
            return fail_memory(msg);
        tensor_to_f32(biases[i], 0, size, l->bias + (size_t)i * size);
    }
    return LINNET_OK;
}

/* Pairs of whole numbers as pairs of bf16, for a source whose finer layers are of that. */
static int become_bf16(struct linear *l, struct message *msg)
{
    enum { ROW = 2 * NN_PANEL }; /* a pair of each output */
    const struct nn_kernels *kernels = kernels_pick();
    const int16_t *whole = l->panels;
    size_t n_pairs = (size_t)nn_i16_inputs(l->n_in) / 2, n = (size_t)linear_panels(l) * n_pairs;
    uint16_t *to = mem_array(n, ROW * sizeof *to);
    if (to == NULL)
        return fail_memory(msg);
    for (size_t i = 0; i < n; i++) {
        const float *scales = l->scales + i / n_pairs * NN_PANEL;
        float row[ROW];
        for (size_t j = 0; j < ROW; j++)
            row[j] = scales[j / 2] * whole[i * ROW + j];
        kernels->to_bf16(row, 1.0f, ROW, to + i * ROW);
    }
    mem_free(l->scales);
    l->scales = NULL;
    l->panels = l->packed = to;
    l->dtype = l->inputs = DTYPE_BF16;
    return LINNET_OK;
}

int linear_stored_has(const struct layer_source *from, const char *name)
{
    int rc = from->precision == PRECISION_FP32 ? 0 : linear_stored_in(from->file, from->msg);
    return rc > 0 ? find_kind(from->file, name) != NULL : rc;
}

int linear_stored_open(struct linear *l, const struct layer_source *from, const char *name, int n_in, int n_out,
                       const struct tensor *const *biases, int n)
{
    const struct tensor *panels, *scales, *sums = NULL;
    int rc = linear_stored_has(from, name);
    if (rc <= 0)
        return rc;
    const struct kind *kind = find_kind(from->file, name);
    *l = (struct linear){.n_in = n_in, .n_out = n_out, .dtype = kind->dtype, .inputs = kind->inputs};
    const int64_t n_panels = linear_panels(l), n_groups = (n_in + kind->group - 1) / kind->group;
    const int64_t shape[] = {n_panels, n_groups, NN_PANEL, kind->group}, outputs[] = {n_panels * NN_PANEL};
    if ((rc = find(from, name, kind->suffix, kind->dtype, 4, shape, &panels)) < 0 ||
        (rc = find(from, name, "scales", DTYPE_F32, 1, outputs, &scales)) < 0 ||
        (kind->has_sums && (rc = find(from, name, "sums", DTYPE_I32, 1, outputs, &sums)) < 0))
        return rc;
    if ((uintptr_t)panels->data % ALIGNMENT != 0)
        return fail(from->msg, LINNET_E_MODEL, "%s: does not lie at a multiple of %d bytes", panels->name, ALIGNMENT);
    l->panels = panels->data;
    int narrows = kind->dtype == DTYPE_I16 && from->precision == PRECISION_BF16;
    if ((rc = copy_scales(l, scales, sums, from->msg)) < 0 || (rc = copy_biases(l, biases, n, from->msg)) < 0 ||
        (narrows && (rc = become_bf16(l, from->msg)) < 0)) {
        linear_close(l);
        return rc;
    }
    return 1;
}

/* ---- writing ---- */

void linear_list_close(struct linear_list *list)
{
    for (int i = 0; i < list->n; i++)
        mem_free(list->at[i].name);
    mem_free(list->at);
    *list = (struct linear_list){0};
}

int linear_list_add(const struct layer_source *from, const char *name, const struct linear *layer,
                    const struct tensor *const *weights, int n)
{
    struct linear_list *list = from->list;
    if (list == NULL)
        return LINNET_OK;
    if (MEM_GROW(list->at, list->room, list->n + 1) < 0)
        return fail_memory(from->msg);
    struct linear_listed *entry = &list->at[list->n];
    *entry = (struct linear_listed){.name = mem_string(name), .layer = layer};
    if (entry->name == NULL)
        return fail_memory(from->msg);
    memcpy(entry->weights, weights, (size_t)n * sizeof *weights);
    list->n++;
    return LINNET_OK;
}

static const struct kind *kind_of(const struct linear *l)
{
    const struct kind *k = kinds;
    while (k < kinds + N_KINDS && (k->dtype != l->dtype || k->inputs != l->inputs))
        k++;
    return k < kinds + N_KINDS ? k : NULL;
}

static void add(struct linear_stored *to, const char *name, const char *suffix, struct tensor t)
{
    snprintf(to->names[to->n], sizeof to->names[0], "%s.%s", name, suffix);
    t.name = to->names[to->n];
    t.n_bytes = dtype_size(t.dtype);
    for (int i = 0; i < t.n_dims; i++)
        t.n_bytes *= (size_t)t.shape[i];
    to->at[to->n++] = t;
}

void linear_stored_of(const struct linear_listed *layer, struct linear_stored *out)
{
    const struct linear *l = layer->layer;
    const struct kind *k = kind_of(l);
    out->n = 0;
    if (k == NULL)
        return;
    const int64_t n_panels = linear_panels(l), n_groups = (l->n_in + k->group - 1) / k->group;
    const int64_t outputs = n_panels * NN_PANEL;
    add(out, layer->name, k->suffix,
        (struct tensor){
            .dtype = k->dtype, .n_dims = 4, .shape = {n_panels, n_groups, NN_PANEL, k->group}, .data = l->panels});
    add(out, layer->name, "scales",
        (struct tensor){.dtype = DTYPE_F32, .n_dims = 1, .shape = {outputs}, .data = l->scales});
    if (k->has_sums)
        add(out, layer->name, "sums",
            (struct tensor){.dtype = DTYPE_I32, .n_dims = 1, .shape = {outputs}, .data = l->sums});
}

int linear_stored_mark(struct safetensors_writer *w, struct message *msg)
{
    return safetensors_writer_meta(w, META, VERSION, msg);
}
