/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/histogram.h"

const double histogram_bounds_s[HISTOGRAM_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

void histogram_add(struct histogram *h, double time_s, int n)
{
    int i = 0;
    while (i < HISTOGRAM_BUCKETS && time_s > histogram_bounds_s[i])
        i++;
    h->counts[i] += (unsigned long)n;
    h->sum_s += time_s * n;
}
