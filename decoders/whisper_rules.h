/* SPDX-License-Identifier: Apache-2.0
 * whisper_rules.h - which tokens may come next (openai-whisper's logit filters). */
#ifndef LINNET_DECODERS_WHISPER_RULES_H
#define LINNET_DECODERS_WHISPER_RULES_H

#include "decoders/whisper_search.h"
#include "nn/kernels.h"

/* Sets the logits [n_vocab] of what may not follow tokens [n] to -INFINITY and turns them into log probabilities. */
void whisper_rules_apply(const struct nn_kernels *kernels, const struct whisper_vocab *vocab,
                         const struct whisper_search_options *options, const int *tokens, int n, float *logits);

/* Of logprobs [n_vocab], the likeliest time from the token `least` on, if these times are together likelier than any of
 * the tokens from .. to - 1; else -1. */
int whisper_rules_likeliest_time(const struct whisper_vocab *vocab, const float *logprobs, int least, int from, int to);

#endif
