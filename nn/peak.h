/* SPDX-License-Identifier: Apache-2.0
 * peak.h - what the machine can do at most: the bounds that the speed of a network is compared with. */
#ifndef LINNET_NN_PEAK_H
#define LINNET_NN_PEAK_H

#include "nn/context.h"

/* Multiplications a second that the panel product of these types reaches on all threads of the context together, where
 * nothing leaves the first-level cache; 0 without memory.  Takes some 10 ms. */
double peak_products(const struct nn_context *ctx, enum dtype weights, enum dtype inputs);

/* Seconds in which all threads together read n bytes once, one after the other: the mean of n_times, since what others
 * on the machine read meanwhile slows a network as much.  0 without memory. */
double peak_reading_s(const struct nn_context *ctx, size_t n, int n_times);

#endif
