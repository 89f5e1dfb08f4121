/* SPDX-License-Identifier: Apache-2.0
 * reliability.h - whether confidences are what they say: of the words with a confidence of 0.8, 80 % should be right.
 *
 * Expected calibration error (ECE, Guo et al. 2017, "On Calibration of Modern Neural Networks"): confidences fall into
 * 15 bins of equal width, (0, 1/15], (1/15, 2/15], ..., and ECE is the mean difference between a bin's accuracy and its
 * mean confidence, weighted by its words; 0 is best.
 *
 * Normalized cross entropy (NCE, NIST's measure): how much of the uncertainty about which words are right the
 * confidences take away, next to giving each word the same confidence, the share of right ones.  1: all of it, 0: none,
 * negative: they mislead. */
#ifndef LINNET_SCORE_RELIABILITY_H
#define LINNET_SCORE_RELIABILITY_H

enum { RELIABILITY_BINS = 15 };

struct reliability_bin {
    long long n, n_right;
    double sum; /* of confidences */
};

/* Zeroed holds no words. */
struct reliability {
    struct reliability_bin bins[RELIABILITY_BINS];
    long long n, n_right;
    double log2_sum; /* of the probabilities given to what each word is: right or wrong */
};

void reliability_add(struct reliability *r, double confidence, int is_right);
double reliability_ece(const struct reliability *r); /* NAN without words */
double reliability_nce(const struct reliability *r); /* NAN where all words are right, or none */

#endif
