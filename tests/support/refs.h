/* SPDX-License-Identifier: Apache-2.0
 * refs.h - reference data of the WeNet models in the shared folder: expected.safetensors and expected.json of one. */
#ifndef LINNET_TESTS_SUPPORT_REFS_H
#define LINNET_TESTS_SUPPORT_REFS_H

#include <jansson.h>
#include <stdio.h>

#include "base/mem.h"
#include "nn/safetensors.h"
#include "tests/support/unit.h"

static const char *const refs_names[] = {"wenet-u2pp", "wenet-conformer-full", "wenet-transformer"};
#define REFS_N 3

struct refs {
    struct safetensors *tensors;
    json_t *json, *results; /* results: object of modes */
};

/* 0, or -1 when the folder is not there. */
static inline int refs_open(struct refs *r, const char *name)
{
    const char *shared = unit_shared();
    char path[4400];
    if (shared == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/refs/%s/expected.json", shared, name);
    r->json = json_load_file(path, 0, NULL);
    snprintf(path, sizeof path, "%s/refs/%s/expected.safetensors", shared, name);
    if (r->json == NULL || safetensors_open(&r->tensors, path, NULL) < 0)
        return -1;
    r->results = json_object_get(r->json, "results");
    return 0;
}

static inline void refs_close(struct refs *r)
{
    json_decref(r->json);
    safetensors_close(r->tensors);
}

/* The matrix "mode.what" as floats [rows, columns]; free with mem_free. */
static inline float *refs_matrix(const struct refs *r, const char *mode, const char *what, int *n_rows, int *n_columns)
{
    char name[200];
    snprintf(name, sizeof name, "%s.%s", mode, what);
    const struct tensor *t = safetensors_find(r->tensors, name);
    if (t == NULL || t->n_dims != 2)
        return NULL;
    *n_rows = (int)t->shape[0];
    *n_columns = (int)t->shape[1];
    float *data = mem_array(tensor_elements(t), sizeof *data);
    tensor_to_f32(t, 0, tensor_elements(t), data);
    return data;
}

/* 1 when the array of integers equals values [n]. */
static inline int refs_same(const json_t *array, const int *values, int n)
{
    if (!json_is_array(array) || json_array_size(array) != (size_t)n)
        return 0;
    for (int i = 0; i < n; i++)
        if (json_integer_value(json_array_get(array, (size_t)i)) != values[i])
            return 0;
    return 1;
}

#endif
