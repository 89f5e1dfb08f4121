/* SPDX-License-Identifier: Apache-2.0
 * scores.h - the best tokens of a frame, and the sum of two log probabilities. */
#ifndef LINNET_DECODERS_COMMON_SCORES_H
#define LINNET_DECODERS_COMMON_SCORES_H

/* The n best of logprobs [V], best first, ties broken by id.  What is not a number counts as impossible: a large
 * negative, never an infinity.  Returns how many: n or V. */
int scores_best(const float *logprobs, int n_vocabulary, int n, int *ids /* [n] */, float *values /* [n] */);

/* log(exp(a) + exp(b)); -infinity is nothing. */
double scores_add(double a, double b);

#endif
