/* SPDX-License-Identifier: Apache-2.0
 * safetensors_checkpoint.c - safetensors as a checkpoint. */
#include "convert/safetensors_checkpoint.h"

#include <string.h>

#include "nn/safetensors.h"

static int open_all(void *state, struct checkpoint *c, struct message *msg)
{
    struct safetensors **f = state;
    int rc = safetensors_open_dir(f, checkpoint_path(c), msg);
    for (size_t i = 0; rc == 0 && i < safetensors_count(*f); i++) {
        const struct tensor *t = safetensors_at(*f, i);
        rc = checkpoint_add(c, t->name, t->dtype, t->n_dims, t->shape, i, msg);
    }
    return rc;
}

static int read_one(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg)
{
    struct safetensors *f = *(struct safetensors **)state;
    const struct tensor *from = safetensors_at(f, i_source);
    (void)msg;
    memcpy(out, from->data, t->n_bytes);
    safetensors_release(f, from);
    return 0;
}

static void close_all(void *state) { safetensors_close(*(struct safetensors **)state); }

static const struct checkpoint_ops ops = {sizeof(struct safetensors *), open_all, read_one, close_all};

int safetensors_checkpoint_open(struct checkpoint **out, const char *dir, struct message *msg)
{
    return checkpoint_open(out, dir, &ops, &(struct safetensors *){NULL}, msg);
}
