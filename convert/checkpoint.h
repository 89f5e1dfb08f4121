/* SPDX-License-Identifier: Apache-2.0
 * checkpoint.h - what every format of training checkpoints comes down to: named tensors and named whole numbers.
 *
 * torch_file.h, ct2_file.h, ggml_file.h and onnx_file.h open one.  Opening reads and checks names, types and shapes;
 * the elements are fetched tensor by tensor, so that converting needs the memory of one tensor and not of a model. */
#ifndef LINNET_CONVERT_CHECKPOINT_H
#define LINNET_CONVERT_CHECKPOINT_H

#include "nn/tensor.h"

struct checkpoint;

void checkpoint_close(struct checkpoint *c); /* NULL is fine */
const char *checkpoint_path(const struct checkpoint *c);

size_t checkpoint_count(const struct checkpoint *c);
const struct tensor *checkpoint_at(const struct checkpoint *c, size_t i); /* in the order of names; data is NULL */
const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name); /* NULL when not there */

/* Fetches t->n_bytes bytes, the elements of t in its type, dense and row-major. */
int checkpoint_read(const struct checkpoint *c, const struct tensor *t, void *out,
                    struct message *msg) LINNET_MUST_CHECK;

/* A whole number such as "dims.n_mels"; 0, or LINNET_E_MODEL when there is none of this name (nothing is written). */
int checkpoint_number(const struct checkpoint *c, const char *name, int64_t *value) LINNET_MUST_CHECK;

/* For the formats: how one is built.  The state is a copy of what checkpoint_open gets; open adds tensors and numbers
 * to c, and close is called also after it has failed. */
struct checkpoint_ops {
    size_t n_state_bytes;
    int (*open)(void *state, struct checkpoint *c, struct message *msg);
    int (*read)(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg);
    void (*close)(void *state);
};

/* Two tensors of one name are an error. */
int checkpoint_open(struct checkpoint **out, const char *path, const struct checkpoint_ops *ops, const void *state,
                    struct message *msg) LINNET_MUST_CHECK;

/* Adds a tensor (the name is copied); n_bytes follows from type and shape.  i_source is handed back to ops->read. */
int checkpoint_add(struct checkpoint *c, const char *name, enum dtype dtype, int n_dims, const int64_t shape[],
                   size_t i_source, struct message *msg) LINNET_MUST_CHECK;
int checkpoint_add_number(struct checkpoint *c, const char *name, int64_t value, struct message *msg) LINNET_MUST_CHECK;

#endif
