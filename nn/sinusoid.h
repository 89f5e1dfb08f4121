/* SPDX-License-Identifier: Apache-2.0
 * sinusoid.h - sinusoidal position encodings (Vaswani et al. 2017), computed for any position.
 *
 * table[position][2i] = sin(position / 10000^(2i / D)), [2i + 1] = cos of the same. */
#ifndef LINNET_NN_SINUSOID_H
#define LINNET_NN_SINUSOID_H

/* Rows for positions first .. first + n_rows - 1 into out [n_rows, n_dims]; n_dims even or odd. */
void nn_sinusoid(int first, int n_rows, int n_dims, float *out);

#endif
