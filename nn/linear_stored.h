/* SPDX-License-Identifier: Apache-2.0
 * linear_stored.h - linear layers of whole numbers as a model file has them: packed, to be used where they are mapped.
 *
 * In place of a layer's weights the file has
 *
 *     NAME.w8a8     the panels of kernels.h: I8 [ceil(n_out / 32), ceil(n_in / 4), 32, 4] for inputs of 8 bits, or
 *     NAME.w8a16    the same for inputs of 16 bits, or
 *     NAME.w16a16   I16 [ceil(n_out / 32), ceil(n_in / 2), 32, 2]
 *     NAME.scales   F32 [ceil(n_out / 32) * 32] of the outputs
 *     NAME.sums     I32, the same: of the weights of each output; only beside w8a8
 *
 * where NAME is that of the tensors without ".weight"; of layers that are joined into one, "q_proj+k_proj+v_proj" after
 * what their names begin with.  Panels lie at multiples of 64 bytes.  Biases and all else stay as they were.  The
 * header's __metadata__ has "linnet.panels", the version of this form.  It is the same for all processors. */
#ifndef LINNET_NN_LINEAR_STORED_H
#define LINNET_NN_LINEAR_STORED_H

#include "nn/layers.h"

#define LINEAR_STORED_NAME 400

/* 1 where the file's layers are stored in this form, 0 where it has weights.  An unknown version is an error. */
LINNET_MUST_CHECK int linear_stored_in(const struct safetensors *file, struct message *msg);

/* 1 where the file has the layer `name` in this form, for a source of whole numbers; else 0. */
LINNET_MUST_CHECK int linear_stored_has(const struct layer_source *from, const char *name);

/* Opens the layer `name` if the file has it: 1, else 0.  It joins n layers of one size, whose biases may be NULL, each
 * or all.  The panels stay in the file, which must stay open. */
LINNET_MUST_CHECK int linear_stored_open(struct linear *l, const struct layer_source *from, const char *name, int n_in,
                                         int n_out, const struct tensor *const *biases, int n);

/* The layers of a model as they were opened (layer_source.list), and what they were made of, to be stored. */
struct linear_listed {
    char *name;
    const struct linear *layer; /* of the open model */
    const struct tensor *weights[LAYER_MAX_JOINED];
};
struct linear_list {
    struct linear_listed *at;
    int n, room;
};
void linear_list_close(struct linear_list *list); /* a zeroed one is fine */

/* Adds a layer to the list of the source, if there is one. */
LINNET_MUST_CHECK int linear_list_add(const struct layer_source *from, const char *name, const struct linear *layer,
                                      const struct tensor *const *weights, int n);

/* What the file has of a listed layer, at[0 .. n - 1]; n is 0 for a layer of floats, whose weights stay. */
struct linear_stored {
    struct tensor at[3];
    char names[3][LINEAR_STORED_NAME];
    int n;
};
void linear_stored_of(const struct linear_listed *layer, struct linear_stored *out);
LINNET_MUST_CHECK int linear_stored_mark(struct safetensors_writer *w, struct message *msg); /* the version */

#endif
