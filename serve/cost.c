/* SPDX-License-Identifier: Apache-2.0
 * cost.c - mean and variance that forget; the sum of streams is taken for normal, as they are independent. */
#include "serve/cost.h"

#include <math.h>

enum { MEMORY = 1000 /* seconds that count */ };
#define DEVIATIONS 1.645 /* 95 % of a normal distribution lie below */

void cost_add(struct cost *c, double compute_s)
{
    c->n = c->n < MEMORY ? c->n + 1 : MEMORY;
    double difference = compute_s - c->mean_s, step = difference / c->n;
    c->mean_s += step;
    c->variance = (1 - 1 / c->n) * (c->variance + difference * step);
}

void cost_sum_add(struct cost_sum *sum, const struct cost *c, int n_streams)
{
    sum->mean_s += n_streams * c->mean_s;
    sum->variance += n_streams * c->variance;
}

double cost_sum_busy(const struct cost_sum *sum) { return sum->mean_s + DEVIATIONS * sqrt(sum->variance); }
