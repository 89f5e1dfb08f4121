/* SPDX-License-Identifier: Apache-2.0
 * layers.h - layers as they stand in a model file: found by name, checked against the sizes that they must have. */
#ifndef LINNET_NN_LAYERS_H
#define LINNET_NN_LAYERS_H

#include "nn/linear.h"
#include "nn/safetensors.h"

struct layer_norm {
    int n;
    float *gamma, *beta; /* [n]; beta may be NULL */
};

struct linear_list;

/* Where layers are read from while a model opens. */
struct layer_source {
    const struct safetensors *file;
    enum precision precision; /* of linear layers */
    struct pool *pool;
    struct message *msg;
    struct linear_list *list; /* where linear layers are noted (linear_stored.h), or NULL */
};

/* PREFIX.weight and PREFIX.bias. */
LINNET_MUST_CHECK int layer_norm_load(struct layer_norm *l, const struct layer_source *from, const char *prefix, int n);
void layer_norm_close(struct layer_norm *l);
void layer_norm_rows(const struct nn_context *ctx, const struct layer_norm *l, const float *x, float *y, int n_rows);

/* PREFIX.weight [n_out, n_in] and PREFIX.bias [n_out], which may be missing if bias is LAYER_BIAS_OPTIONAL. */
enum layer_bias { LAYER_BIAS, LAYER_BIAS_OPTIONAL, LAYER_NO_BIAS };
LINNET_MUST_CHECK int linear_load(struct linear *l, const struct layer_source *from, const char *prefix, int n_in,
                                  int n_out, enum layer_bias bias);
/* Up to LAYER_MAX_JOINED layers of the same input and size as one. */
#define LAYER_MAX_JOINED 4
struct layer_names {
    const char *prefix;       /* before each name */
    const char *const *names; /* [n] */
    int n;
};
LINNET_MUST_CHECK int linear_load_joined(struct linear *l, const struct layer_source *from,
                                         const struct layer_names *names, int n_in, int n_out, enum layer_bias bias);
/* A convolution over time: PREFIX.weight [n_out, n_in, n_taps]. */
LINNET_MUST_CHECK int linear_load_convolution(struct linear *l, const struct layer_source *from, const char *prefix,
                                              int n_in, int n_out, int n_taps, enum layer_bias bias);

/* A tensor's values as floats [n], for the caller to mem_free. */
LINNET_MUST_CHECK int floats_load(float **out, const struct layer_source *from, const char *name, int n_dims,
                                  const int64_t shape[]);

#endif
