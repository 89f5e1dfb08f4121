/* SPDX-License-Identifier: Apache-2.0
 * rules.c - time stamps come in pairs (end of a segment, start of the next), never decrease, and no segment is empty; a
 * window starts with one; and when all of them together are more probable than any word, one must come. */
#include "decoders/whisper_common/rules.h"

#include <math.h>

static void forbid(float *logits, int from, int to)
{
    for (int i = from; i < to; i++)
        logits[i] = -INFINITY;
}

static void forbid_start(const struct whisper_vocab *vocab, float *logits)
{
    int space = whisper_vocab_find(vocab, " ", 1);
    if (space >= 0)
        logits[space] = -INFINITY;
    logits[vocab->special.eot] = -INFINITY;
}

static void pair_times(const struct whisper_vocab *vocab, const int *tokens, int n, float *logits)
{
    int begin = vocab->special.timestamp_begin, last = -1;
    int last_is_time = n >= 1 && tokens[n - 1] >= begin, before_is_time = n < 2 || tokens[n - 2] >= begin;
    if (last_is_time && before_is_time)
        forbid(logits, begin, vocab->base.n);
    else if (last_is_time)
        forbid(logits, 0, vocab->special.eot);
    for (int i = 0; i < n; i++)
        if (tokens[i] >= begin)
            last = tokens[i];
    if (last >= 0)
        forbid(logits, begin, last_is_time && !before_is_time ? last : last + 1);
}

int whisper_rules_best_time(const struct nn_kernels *kernels, const struct whisper_vocab *vocab, const float *logprobs,
                            int least, int from, int to)
{
    int time = least;
    float top = kernels->largest(logprobs + from, to - from);
    double sum = 0;
    for (int i = least; i < vocab->base.n; i++)
        time = logprobs[i] > logprobs[time] ? i : time;
    if (!(logprobs[time] > -INFINITY))
        return -1;
    for (int i = least; i < vocab->base.n; i++)
        sum += exp((double)(logprobs[i] - logprobs[time]));
    return (double)logprobs[time] + log(sum) > (double)top ? time : -1;
}

void whisper_rules_apply(const struct nn_kernels *kernels, const struct whisper_vocab *vocab,
                         const struct whisper_search_options *options, const int *tokens, int n, float *logits)
{
    int begin = vocab->special.timestamp_begin;
    if (n == 0 && options->suppress_blank)
        forbid_start(vocab, logits);
    for (int i = 0; i < options->n_suppressed; i++)
        logits[options->suppressed[i]] = -INFINITY;
    if (!options->timestamps) {
        kernels->log_softmax(logits, logits, vocab->base.n);
        return;
    }
    logits[vocab->special.no_timestamps] = -INFINITY;
    pair_times(vocab, tokens, n, logits);
    if (n == 0) {
        forbid(logits, 0, begin);
        if (options->max_initial_timestamp >= 0 && begin + options->max_initial_timestamp + 1 < vocab->base.n)
            forbid(logits, begin + options->max_initial_timestamp + 1, vocab->base.n);
    }
    kernels->log_softmax(logits, logits, vocab->base.n);
    if (whisper_rules_best_time(kernels, vocab, logits, begin, 0, begin) >= 0) {
        forbid(logits, 0, begin);
        kernels->log_softmax(logits, logits, vocab->base.n);
    }
}
