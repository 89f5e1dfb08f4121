/* SPDX-License-Identifier: Apache-2.0
 * sinusoid.h - sinusoidal position encodings (Vaswani et al. 2017), computed for any position.
 *
 * encoding[2i] = sin(position / 10000^(2i / D)), encoding[2i + 1] = cos of the same, with the roundings of WeNet's
 * table: single precision all the way.  That table has 5000 rows (200 s at 40 ms), and WeNet fails beyond it. */
#ifndef LINNET_NN_SINUSOID_H
#define LINNET_NN_SINUSOID_H

/* Rows for positions first .. first + n_rows - 1 into out [n_rows, n_dims]; n_dims even or odd. */
void nn_sinusoid(int first, int n_rows, int n_dims, float *out);

#endif
