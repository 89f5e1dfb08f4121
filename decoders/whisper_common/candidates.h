/* SPDX-License-Identifier: Apache-2.0
 * candidates.h - the continuations of a beam's hypotheses, best first. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_CANDIDATES_H
#define LINNET_DECODERS_WHISPER_COMMON_CANDIDATES_H

#include "nn/kernels.h"

struct whisper_candidate {
    int path, token;
    double sum_logprob; /* of the path and the token */
};

/* The most probable of n tokens, ties broken by id. */
int whisper_candidates_top(const struct nn_kernels *kernels, const float *logprobs, int n);

/* Writes the k most probable tokens of logprobs [n_vocab] to out [k] as candidates of a path whose own sum is given,
 * best first, ties broken by id; returns how many there are: impossible ones are left out. */
int whisper_candidates_best(struct whisper_candidate *out, int k, int path, double sum_logprob, const float *logprobs,
                            int n_vocab);

void whisper_candidates_sort(struct whisper_candidate *c, int n); /* best first; ties keep their order */

#endif
