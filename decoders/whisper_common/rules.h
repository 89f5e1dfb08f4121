/* SPDX-License-Identifier: Apache-2.0
 * rules.h - which tokens may come next (openai-whisper's logit filters). */
#ifndef LINNET_DECODERS_WHISPER_COMMON_RULES_H
#define LINNET_DECODERS_WHISPER_COMMON_RULES_H

#include "nn/kernels.h"
#include "vocab/whisper_vocab.h"

/* How a window is decoded. */
struct whisper_search_options {
    int beam;                  /* 1: greedy at temperature 0 */
    int best_of;               /* samples above temperature 0 */
    double patience;           /* beam * patience finished hypotheses end a beam search */
    double length_penalty;     /* < 0: mean log probability; else ((5 + n) / 6)^penalty divides the sum */
    int timestamps;            /* the time-stamp rules; without them the prompt must end in no_timestamps */
    int max_initial_timestamp; /* in steps of 0.02 s; < 0: any */
    int suppress_blank;
    const int *suppressed; /* [n_suppressed] ids that never come, ascending or not */
    int n_suppressed;
    int max_tokens; /* of a window */
};

/* Sets the logits [n_vocab] of what may not follow tokens [n] to -INFINITY and turns them into log probabilities. */
void whisper_rules_apply(const struct nn_kernels *kernels, const struct whisper_vocab *vocab,
                         const struct whisper_search_options *options, const int *tokens, int n, float *logits);

/* Of logprobs [n_vocab], the most probable time stamp from the token `least` on, if these time stamps are together more
 * probable than any of the tokens from .. to - 1; else -1. */
int whisper_rules_best_time(const struct nn_kernels *kernels, const struct whisper_vocab *vocab, const float *logprobs,
                            int least, int from, int to);

#endif
