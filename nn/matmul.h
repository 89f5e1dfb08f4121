/* SPDX-License-Identifier: Apache-2.0
 * matmul.h - the products that linear layers can use, behind one table: our vector kernels, OpenBLAS, plain C. */
#ifndef LINNET_NN_MATMUL_H
#define LINNET_NN_MATMUL_H

#include "nn/kernels.h"
#include "nn/tensor.h"

/* The product for weights and inputs of these types: native, or what LINNET_MATMUL in the environment asks for
 * ("openblas", "reference").  OpenBLAS runs on one thread: the division among threads is ours.  With it a row's bits
 * depend on the rows beside it.  It has no products of whole numbers nor of bf16: those are native. */
struct nn_product matmul_for(const struct nn_kernels *kernels, enum dtype weights, enum dtype inputs);
const char *matmul_name(const struct nn_kernels *kernels);

struct matmul {
    const char *name;
    struct nn_products products;
};

/* The backends, for tests that compare them: native (of the given kernels), openblas where it can be loaded, and last
 * the reference.  Returns their number. */
int matmul_all(const struct nn_kernels *kernels, struct matmul table[3]);

#endif
