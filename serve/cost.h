/* SPDX-License-Identifier: Apache-2.0
 * cost.h - what a second of a model's live audio takes, by the seconds of speech that were decoded: silence is cheap,
 * but who is silent now may speak any moment. */
#ifndef LINNET_SERVE_COST_H
#define LINNET_SERVE_COST_H

/* Zeroed knows nothing. */
struct cost {
    double n; /* seconds of audio; older ones count less */
    double mean_s, variance;
};

void cost_add(struct cost *c, double compute_s); /* a second of speech took so much of one processor */

/* The time of a second in which several streams of speech are decoded at once: add those of each model. */
struct cost_sum {
    double mean_s, variance;
};

void cost_sum_add(struct cost_sum *sum, const struct cost *c, int n_streams);

/* Seconds of one processor that 95 of 100 such seconds do not exceed. */
double cost_sum_busy(const struct cost_sum *sum);

#endif
