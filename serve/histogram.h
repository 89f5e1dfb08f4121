/* SPDX-License-Identifier: Apache-2.0
 * histogram.h - how long things took, in buckets that do not change. */
#ifndef LINNET_SERVE_HISTOGRAM_H
#define LINNET_SERVE_HISTOGRAM_H

enum { HISTOGRAM_BUCKETS = 12 };

/* Zeroed is empty. */
struct histogram {
    unsigned long counts[HISTOGRAM_BUCKETS + 1]; /* each up to its bound and above the one before; the last: the rest */
    double sum_s;
};

extern const double histogram_bounds_s[HISTOGRAM_BUCKETS];

void histogram_add(struct histogram *h, double time_s, int n); /* n things that took so long */

#endif
