/* SPDX-License-Identifier: Apache-2.0
 * tensor.c - types, shapes, and any type to float. */
#include "nn/tensor.h"

#include <stdio.h>
#include <string.h>

#include "nn/half.h"
#include "nn/kernels.h"

static const struct {
    const char *name;
    size_t size;
} types[N_DTYPES] = {
    [DTYPE_BOOL] = {"BOOL", 1}, [DTYPE_U8] = {"U8", 1},   [DTYPE_I8] = {"I8", 1},     [DTYPE_I16] = {"I16", 2},
    [DTYPE_U16] = {"U16", 2},   [DTYPE_I32] = {"I32", 4}, [DTYPE_U32] = {"U32", 4},   [DTYPE_I64] = {"I64", 8},
    [DTYPE_U64] = {"U64", 8},   [DTYPE_F16] = {"F16", 2}, [DTYPE_BF16] = {"BF16", 2}, [DTYPE_F32] = {"F32", 4},
    [DTYPE_F64] = {"F64", 8},
};

size_t dtype_size(enum dtype dtype) { return types[dtype].size; }

const char *dtype_name(enum dtype dtype) { return types[dtype].name; }

int dtype_find(const char *name, enum dtype *dtype)
{
    for (int i = 0; i < N_DTYPES; i++)
        if (strcmp(types[i].name, name) == 0) {
            *dtype = (enum dtype)i;
            return 0;
        }
    return LINNET_E_FORMAT;
}

size_t tensor_elements(const struct tensor *t) { return t->n_bytes / dtype_size(t->dtype); }

int tensor_measure(enum dtype dtype, int n_dims, const int64_t shape[], size_t *n_bytes)
{
    size_t n = dtype_size(dtype);
    int is_empty = 0;
    if (n_dims < 0 || n_dims > TENSOR_MAX_DIMS)
        return LINNET_E_FORMAT;
    for (int i = 0; i < n_dims; i++) { /* a 0 does not excuse the others from being sane */
        if (shape[i] < 0)
            return LINNET_E_FORMAT;
        is_empty |= shape[i] == 0;
        if (shape[i] > 0 && __builtin_mul_overflow(n, (size_t)shape[i], &n))
            return LINNET_E_FORMAT;
    }
    *n_bytes = is_empty ? 0 : n;
    return 0;
}

int tensor_has_shape(const struct tensor *t, int n_dims, const int64_t shape[])
{
    if (t->n_dims != n_dims)
        return 0;
    for (int i = 0; i < n_dims; i++)
        if (shape[i] != -1 && shape[i] != t->shape[i])
            return 0;
    return 1;
}

char *tensor_shape_text(int n_dims, const int64_t shape[], char *text, size_t size)
{
    size_t n = 0;
    if (size > 0)
        text[0] = '\0';
    for (int i = -1; i <= n_dims && n < size; i++) {
        const char *comma = i > 0 && i < n_dims ? ", " : "";
        int is_number = i >= 0 && i < n_dims && shape[i] != -1;
        int m = is_number ? snprintf(text + n, size - n, "%s%lld", comma, (long long)shape[i])
                          : snprintf(text + n, size - n, "%s%s", comma,
                                     i < 0         ? "["
                                     : i == n_dims ? "]"
                                                   : "*");
        n += m > 0 ? (size_t)m : 0;
    }
    return text;
}

void tensor_to_f32(const struct tensor *t, size_t first, size_t n, float *out)
{
#define CONVERT(id, type, expression)                                                                                  \
    case id: {                                                                                                         \
        const type *in = (const type *)t->data + first;                                                                \
        for (size_t i = 0; i < n; i++)                                                                                 \
            out[i] = (expression);                                                                                     \
        break;                                                                                                         \
    }
    switch (t->dtype) {
        CONVERT(DTYPE_BOOL, uint8_t, in[i] != 0 ? 1.0f : 0.0f)
        CONVERT(DTYPE_U8, uint8_t, (float)in[i])
        CONVERT(DTYPE_I8, int8_t, (float)in[i])
        CONVERT(DTYPE_I16, int16_t, (float)in[i])
        CONVERT(DTYPE_U16, uint16_t, (float)in[i])
        CONVERT(DTYPE_I32, int32_t, (float)in[i])
        CONVERT(DTYPE_U32, uint32_t, (float)in[i])
        CONVERT(DTYPE_I64, int64_t, (float)in[i])
        CONVERT(DTYPE_U64, uint64_t, (float)in[i])
        CONVERT(DTYPE_BF16, uint16_t, half_bf16_to_f32(in[i]))
        CONVERT(DTYPE_F32, float, in[i])
        CONVERT(DTYPE_F64, double, (float)in[i])
    case DTYPE_F16:
        kernels_pick()->from_f16((const uint16_t *)t->data + first, out, n);
        break;
    case N_DTYPES:
        break;
    }
#undef CONVERT
}
