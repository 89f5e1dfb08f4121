/* SPDX-License-Identifier: Apache-2.0
 * quantize.c - storing a model's linear layers as int8 computes them.
 *
 * The model is opened as ever, in int8, and lists its layers: what is joined, how weights lie and how many bits they
 * take is known to those who open them alone.  A tied embedding stays beside the output layer, which recomputes the
 * likeliest logits from it. */
#include "models/quantize.h"

#include <stdio.h>

#include "base/file.h"
#include "models/model.h"
#include "nn/linear_stored.h"

int model_is_quantized(const char *dir, struct message *msg)
{
    struct safetensors *f = NULL;
    int rc = safetensors_open_dir(&f, dir, msg);
    if (rc >= 0)
        rc = linear_stored_in(f, msg);
    safetensors_close(f);
    return rc;
}

/* The tensor is needed as it is: it is no weight of a layer that is stored. */
static int stays(const struct linnet_model *m, const struct linear_list *list, const struct tensor *t)
{
    struct linear_stored stored;
    if (m->left != NULL && m->left->stored == t)
        return 1;
    for (int i = 0; i < list->n; i++)
        for (int j = 0; j < LAYER_MAX_JOINED; j++)
            if (list->at[i].weights[j] == t) {
                linear_stored_of(&list->at[i], &stored);
                return stored.n == 0;
            }
    return 1;
}

/* Declares a tensor, or in a second round puts it. */
static int write_one(struct safetensors_writer *w, const struct tensor *t, int *i_put, struct message *msg)
{
    return i_put == NULL ? safetensors_writer_declare(w, t->name, t->dtype, t->n_dims, t->shape, msg)
                         : safetensors_writer_put(w, (*i_put)++, t->data, t->n_bytes, msg);
}

static int write_all(struct safetensors_writer *w, const struct linnet_model *m, const struct linear_list *list,
                     int *i_put, struct message *msg)
{
    struct linear_stored stored;
    int rc = LINNET_OK;
    for (size_t i = 0; rc >= 0 && i < safetensors_count(m->weights); i++) {
        const struct tensor *t = safetensors_at(m->weights, i);
        if (stays(m, list, t))
            rc = write_one(w, t, i_put, msg);
    }
    for (int i = 0; rc >= 0 && i < list->n; i++) {
        linear_stored_of(&list->at[i], &stored);
        for (int j = 0; rc >= 0 && j < stored.n; j++)
            rc = write_one(w, &stored.at[j], i_put, msg);
    }
    return rc;
}

static int write_model(const struct linnet_model *m, const struct linear_list *list, const char *path,
                       struct message *msg)
{
    struct safetensors_writer *w = NULL;
    char number[24];
    int i_put = 0, rc = safetensors_writer_open(&w, path, msg);
    if (rc < 0)
        return rc;
    snprintf(number, sizeof number, "%llu", (unsigned long long)m->n_parameters);
    if ((rc = safetensors_writer_meta(w, "format", "pt", msg)) < 0 ||
        (rc = safetensors_writer_meta(w, MODEL_PARAMETERS, number, msg)) < 0 || (rc = linear_stored_mark(w, msg)) < 0 ||
        (rc = write_all(w, m, list, NULL, msg)) < 0 || (rc = write_all(w, m, list, &i_put, msg)) < 0) {
        safetensors_writer_abort(w);
        return rc;
    }
    return safetensors_writer_close(w, msg);
}

int model_quantize(const char *dir, struct message *msg)
{
    struct linear_list list = {0};
    struct linnet_model *m = NULL;
    char path[FILE_MAX_PATH];
    int rc = file_in(path, dir, "model.safetensors", msg);
    if (rc >= 0 && (rc = model_open_listed(&m, dir, &list, msg)) >= 0)
        rc = write_model(m, &list, path, msg);
    linnet_model_close(m);
    linear_list_close(&list);
    return rc;
}
