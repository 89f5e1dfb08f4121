/* SPDX-License-Identifier: Apache-2.0
 * confidence.h - confidences of words and utterances from those of their tokens: the geometric mean, which does not
 * depend on how many tokens something is spelled with. */
#ifndef LINNET_DECODERS_COMMON_CONFIDENCE_H
#define LINNET_DECODERS_COMMON_CONFIDENCE_H

void confidence_of_logprobs(const float *logprobs, int n, float *confidences); /* exp, in [0, 1] */

/* Of the tokens [n], probabilities; 1 for none. */
float confidence_mean(const float *confidences, int n);

/* Word i is tokens ends[i - 1] .. ends[i] - 1. */
void confidence_of_words(const float *confidences, const int *ends, int n_words, float *words);

#endif
