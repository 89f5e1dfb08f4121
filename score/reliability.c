/* SPDX-License-Identifier: Apache-2.0
 * reliability.c - sums over words, and what follows from them. */
#include "score/reliability.h"

#include <math.h>

/* A word that is certain and wrong would cost infinitely much: half of the last decimal that confidences are written
 * with. */
#define LEAST 0.00005

static int bin_of(double confidence)
{
    int i = (int)ceil(confidence * RELIABILITY_BINS) - 1;
    return i < 0 ? 0 : i < RELIABILITY_BINS ? i : RELIABILITY_BINS - 1;
}

void reliability_add(struct reliability *r, double confidence, int is_right)
{
    struct reliability_bin *bin = &r->bins[bin_of(confidence)];
    double p = fmin(fmax(confidence, LEAST), 1 - LEAST);
    bin->n++;
    bin->n_right += is_right != 0;
    bin->sum += confidence;
    r->n++;
    r->n_right += is_right != 0;
    r->log2_sum += log2(is_right ? p : 1 - p);
}

double reliability_ece(const struct reliability *r)
{
    double sum = 0;
    for (int i = 0; i < RELIABILITY_BINS; i++)
        sum += fabs((double)r->bins[i].n_right - r->bins[i].sum);
    return r->n > 0 ? sum / (double)r->n : NAN;
}

double reliability_nce(const struct reliability *r)
{
    double n = (double)r->n, n_right = (double)r->n_right, n_wrong = n - n_right;
    if (r->n_right == 0 || r->n_right == r->n)
        return NAN;
    double most = -n_right * log2(n_right / n) - n_wrong * log2(n_wrong / n);
    return (most + r->log2_sum) / most;
}
