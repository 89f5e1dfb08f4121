/* SPDX-License-Identifier: Apache-2.0
 * safetensors_checkpoint.c - safetensors as a checkpoint. */
#include "convert/safetensors_checkpoint.h"

#include <string.h>

#include "nn/safetensors.h"

static int read_one(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg)
{
    const struct tensor *from = safetensors_at(state, i_source);
    (void)msg;
    memcpy(out, from->data, t->n_bytes);
    safetensors_release(state, from);
    return 0;
}

static void close_all(void *state) { safetensors_close(state); }

static const struct checkpoint_ops ops = {read_one, close_all};

int safetensors_checkpoint_open(struct checkpoint **out, const char *dir, struct message *msg)
{
    struct safetensors *f = NULL;
    struct checkpoint *c = NULL;
    int rc = safetensors_open_dir(&f, dir, msg);
    if (rc < 0 || (rc = checkpoint_new(&c, dir, &ops, f, msg)) < 0)
        return rc;
    for (size_t i = 0; i < safetensors_count(f) && rc == 0; i++) {
        const struct tensor *t = safetensors_at(f, i);
        rc = checkpoint_add(c, t->name, t->dtype, t->n_dims, t->shape, i, msg);
    }
    if (rc == 0)
        rc = checkpoint_seal(c, msg);
    if (rc < 0) {
        checkpoint_close(c);
        return rc;
    }
    *out = c;
    return 0;
}
