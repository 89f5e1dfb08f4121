/* SPDX-License-Identifier: Apache-2.0
 * cost.h - what a second of a model's live audio takes, by those seconds that were decoded. */
#ifndef LINNET_SERVE_COST_H
#define LINNET_SERVE_COST_H

enum { COST_BUCKETS = 64 };

/* Zeroed knows nothing. */
struct cost {
    double counts[COST_BUCKETS]; /* of seconds, by the logarithm of what they took; older ones count less */
    double n;
};

void cost_add(struct cost *c, double compute_s); /* of one second of audio */

/* Seconds of one processor in which 95 % of the seconds of audio were decoded; 0: nothing is known. */
double cost_busy(const struct cost *c);

#endif
