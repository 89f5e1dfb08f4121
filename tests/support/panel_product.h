/* SPDX-License-Identifier: Apache-2.0
 * panel_product.h - a product of some rows with one panel, packed as it wants them. */
#ifndef LINNET_TESTS_SUPPORT_PANEL_PRODUCT_H
#define LINNET_TESTS_SUPPORT_PANEL_PRODUCT_H

#include "nn/kernels.h"

/* Rows of n bytes, a multiple of 4, that lie `stride` bytes apart. */
struct panel_rows {
    const void *x;
    ptrdiff_t stride;
    int n_rows, n_bytes;
};

/* The first n_cols columns of c [n_rows, 32]. */
static inline void panel_columns(const struct nn_product *p, const struct panel_rows *rows, int n_in, const void *panel,
                                 const struct nn_epilogue *end, float *c, int n_cols)
{
    enum { MOST_BYTES = 2048 };
    _Alignas(64) static char a[NN_MAX_ROWS * MOST_BYTES + NN_SLACK];
    nn_pack_tile(rows->n_rows, rows->n_bytes, p->width, rows->x, rows->stride, a);
    if (p->begin != NULL)
        p->begin();
    p->panel(rows->n_rows, n_in, a, panel, c, NN_PANEL, n_cols, end);
    if (p->end != NULL)
        p->end();
}

static inline void panel_product(const struct nn_product *p, const struct panel_rows *rows, int n_in, const void *panel,
                                 const struct nn_epilogue *end, float *c)
{
    panel_columns(p, rows, n_in, panel, end, c, NN_PANEL);
}

#endif
