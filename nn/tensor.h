/* SPDX-License-Identifier: Apache-2.0
 * tensor.h - what a tensor of a model file is: a type, a shape and bytes that somebody else owns.
 *
 * Tensors are dense and row-major (the last dimension is contiguous), data is aligned to the type's size, and numbers
 * are little-endian as in every file format read here.  The readers (safetensors, PyTorch, ggml, CTranslate2) all
 * describe their contents with this struct. */
#ifndef LINNET_NN_TENSOR_H
#define LINNET_NN_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TENSOR_MAX_DIMS 8

enum dtype {
    DTYPE_BOOL,
    DTYPE_U8,
    DTYPE_I8,
    DTYPE_I16,
    DTYPE_U16,
    DTYPE_I32,
    DTYPE_U32,
    DTYPE_I64,
    DTYPE_U64,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F32,
    DTYPE_F64,
    N_DTYPES
};

struct tensor {
    const char *name; /* lives as long as data */
    enum dtype dtype;
    int n_dims;                     /* 0 for a single number */
    int64_t shape[TENSOR_MAX_DIMS]; /* [n_dims], outermost first */
    const void *data;               /* n_bytes bytes; never NULL, also when there are no elements */
    size_t n_bytes;
};

size_t dtype_size(enum dtype dtype);                 /* bytes for an element */
const char *dtype_name(enum dtype dtype);            /* "F32": the name in safetensors files */
int dtype_find(const char *name, enum dtype *dtype); /* 0, or LINNET_E_FORMAT for an unknown name */

size_t tensor_elements(const struct tensor *t);

/* Bytes of a dense tensor into *n_bytes; LINNET_E_FORMAT when the shape is impossible or the product wraps. */
int tensor_measure(enum dtype dtype, int n_dims, const int64_t shape[], size_t *n_bytes) LINNET_MUST_CHECK;

/* 1 when t has this shape; -1 in shape matches anything. */
int tensor_has_shape(const struct tensor *t, int n_dims, const int64_t shape[]);

/* "[512, 80, 3]" into text; size 160 is enough for any shape. */
char *tensor_shape_text(int n_dims, const int64_t shape[], char *text, size_t size);

/* Elements first .. first + n - 1 as floats, whatever the type.  Integers of more than 24 bits are rounded. */
void tensor_to_f32(const struct tensor *t, size_t first, size_t n, float *out);

#endif
