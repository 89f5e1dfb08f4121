/* SPDX-License-Identifier: Apache-2.0
 * logistic.h - logistic regression: a word is right with the probability 1 / (1 + exp(-(slope x + offset))).
 *
 * It finds the maximum of the likelihood, which is the only one, and is there unless a threshold of x tells all right
 * words from all wrong ones (Albert and Anderson 1984). */
#ifndef LINNET_SCORE_LOGISTIC_H
#define LINNET_SCORE_LOGISTIC_H

#include "base/status.h"

enum { LOGISTIC_LEAST = 10 }; /* words of each kind */

struct logistic {
    double slope, offset;
};

double logistic_of(const struct logistic *l, double x);

/* Fits words with inputs x [n].  Fails with LINNET_E_FORMAT where there are too few of a kind or no maximum. */
int logistic_fit(struct logistic *l, const double *x, const unsigned char *is_right, int n,
                 struct message *msg) LINNET_MUST_CHECK;

#endif
