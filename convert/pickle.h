/* SPDX-License-Identifier: Apache-2.0
 * pickle.h - the contents of a PyTorch checkpoint, read without running any of it.
 *
 * Python's pickles are programs for a stack machine that may call anything.  This machine knows numbers, text, tuples,
 * lists, dictionaries and tensors; whatever else a pickle wants is refused by its name. */
#ifndef LINNET_CONVERT_PICKLE_H
#define LINNET_CONVERT_PICKLE_H

#include "nn/tensor.h"

enum pickle_type {
    PICKLE_NONE,
    PICKLE_INT, /* booleans too */
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_CLASS,   /* one of the few known */
    PICKLE_STORAGE, /* bytes that tensors look at, in a file of their own */
    PICKLE_TENSOR,
};

struct pickle_text {
    const char *bytes; /* [n] in the pickle, not ended by NUL */
    size_t n;
};

struct pickle_storage {
    struct pickle_text key;
    enum dtype dtype;
    int64_t n; /* elements */
};

struct pickle_tensor {
    uint32_t storage; /* value of type PICKLE_STORAGE */
    int64_t offset;   /* elements from its start */
    int n_dims;
    int64_t shape[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS]; /* elements */
};

struct pickle_value {
    enum pickle_type type;
    uint32_t first, last; /* of tuples, lists and dictionaries: items, 0: none */
    union {
        int64_t integer;
        double real;
        struct pickle_text text;
        struct pickle_storage storage;
        uint32_t tensor; /* in tensors */
        uint32_t class;
    } as;
};

/* Items of a container, one after the other; those of a dictionary are key, value, key, value. */
struct pickle_item {
    uint32_t value, next; /* next 0: the last */
};

struct pickle {
    struct pickle_value *values;
    struct pickle_item *items; /* [0] is none */
    struct pickle_tensor *tensors;
    uint32_t n_values, n_items, n_tensors;
    int n_values_room, n_items_room, n_tensors_room;
    uint32_t root; /* value */
};

/* Reads bytes [n], which must outlive p.  A list may contain itself: who walks must count the steps. */
int pickle_open(struct pickle **p, const void *bytes, size_t n, struct message *msg) LINNET_MUST_CHECK;
void pickle_close(struct pickle *p); /* NULL is fine */

#endif
