/* SPDX-License-Identifier: Apache-2.0
 * plan.h - which tensors of a checkpoint go into a model, under which names, and writing them. */
#ifndef LINNET_CONVERT_PLAN_H
#define LINNET_CONVERT_PLAN_H

#include "convert/checkpoint.h"

#define PLAN_MAX_NAME 200

struct plan_item {
    char name[PLAN_MAX_NAME];    /* in the model */
    const struct tensor *source; /* of the checkpoint; NULL: made holds the numbers */
    float *made;                 /* [elements], released by the plan */
    size_t first;                /* element of the source where the item begins */
    int n_dims;
    int64_t shape[TENSOR_MAX_DIMS];
};

struct plan {
    const struct checkpoint *checkpoint;
    struct plan_item *items; /* [n] */
    size_t n;
    int room;
};

void plan_close(struct plan *p); /* a zeroed one is fine */

/* Adds the checkpoint's tensor `source` as `name`.  It must have this shape (sizes of 1 at the end of either do not
 * count); otherwise, or when it is missing, the message names it. */
int plan_add(struct plan *p, const char *name, const char *source, int n_dims, const int64_t shape[],
             struct message *msg) LINNET_MUST_CHECK;

/* The same, but `source` holds n parts of this shape one after the other, of which the item is the i-th. */
struct plan_part {
    int i, n;
};
int plan_add_part(struct plan *p, const char *name, const char *source, int n_dims, const int64_t shape[],
                  struct plan_part part, struct message *msg) LINNET_MUST_CHECK;

/* Adds numbers [product of shape] from mem_array, which the plan takes over, also when it fails. */
int plan_add_made(struct plan *p, const char *name, int n_dims, const int64_t shape[], float *numbers,
                  struct message *msg) LINNET_MUST_CHECK;

/* Writes all to a safetensors file at path.  Items have the type of their source; matrix_type, where it is not N_DTYPES
 * but DTYPE_F16, DTYPE_BF16 or DTYPE_F32, is for those of two and more dimensions. */
int plan_write(const struct plan *p, const char *path, enum dtype matrix_type, struct message *msg) LINNET_MUST_CHECK;

#endif
