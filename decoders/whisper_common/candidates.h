/* SPDX-License-Identifier: Apache-2.0
 * candidates.h - what a beam's hypotheses may go on with, best first. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_CANDIDATES_H
#define LINNET_DECODERS_WHISPER_COMMON_CANDIDATES_H

struct whisper_candidate {
    int path, token;
    double sum_logprob; /* of the path and the token */
};

int whisper_candidates_likeliest(const float *logprobs, int n); /* the first token of n with the largest */

/* Writes the k likeliest tokens of logprobs [n_vocab] to out [k] as candidates of a path whose own sum is given, in
 * order, equal ones by token; returns how many there are: impossible ones are none. */
int whisper_candidates_best(struct whisper_candidate *out, int k, int path, double sum_logprob, const float *logprobs,
                            int n_vocab);

void whisper_candidates_sort(struct whisper_candidate *c, int n); /* equal ones keep their order */

#endif
