/* SPDX-License-Identifier: Apache-2.0
 * position.h - sinusoidal position encodings (Vaswani et al. 2017) for positions of any size.
 *
 * encoding[2i] = sin(position / 10000^(2i / D)), encoding[2i + 1] = cos of the same.  WeNet keeps a table of 5000 rows
 * and fails beyond it (200 s at 40 ms); here each row is computed when it is needed, with the roundings of the table:
 * single precision all the way. */
#ifndef LINNET_ENCODER_POSITION_H
#define LINNET_ENCODER_POSITION_H

#include "base/status.h"

struct position {
    int n_dims;         /* even */
    float *frequencies; /* [n_dims / 2] 10000^(-2i / D) */
};

LINNET_MUST_CHECK int position_open(struct position *p, int n_dims, struct message *msg);
void position_close(struct position *p);

/* Rows for first .. first + n - 1 into out [n, n_dims]. */
void position_encode(const struct position *p, int first, int n, float *out);

#endif
