/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/cost.h"

#include <math.h>

enum { PER_OCTAVE = 4, MEMORY = 2000 /* seconds that count */ };
#define LEAST_S 1e-4

void cost_add(struct cost *c, double compute_s)
{
    int i = compute_s > LEAST_S ? (int)(log2(compute_s / LEAST_S) * PER_OCTAVE) + 1 : 0;
    i = i < COST_BUCKETS ? i : COST_BUCKETS - 1;
    for (int k = 0; k < COST_BUCKETS && c->n >= MEMORY; k++)
        c->counts[k] *= 1.0 - 1.0 / MEMORY;
    c->n = c->n >= MEMORY ? MEMORY : c->n + 1;
    c->counts[i] += 1;
}

double cost_busy(const struct cost *c)
{
    double sum = 0, n = 0;
    int i = 0;
    for (int k = 0; k < COST_BUCKETS; k++)
        n += c->counts[k];
    if (n <= 0)
        return 0;
    while (i < COST_BUCKETS - 1 && (sum += c->counts[i]) < 0.95 * n)
        i++;
    return LEAST_S * exp2((double)i / PER_OCTAVE);
}
