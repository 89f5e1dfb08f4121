/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/whisper_common/candidates.h"

#include <math.h>

int whisper_candidates_top(const struct nn_kernels *kernels, const float *logprobs, int n)
{
    float largest = kernels->largest(logprobs, n);
    for (int i = 0; i < n; i++)
        if (logprobs[i] >= largest)
            return i;
    return 0;
}

int whisper_candidates_best(struct whisper_candidate *out, int k, int path, double sum_logprob, const float *logprobs,
                            int n_vocab)
{
    float floor = -INFINITY;
    int n = 0;
    for (int i = 0; i < n_vocab; i++) {
        if (!(logprobs[i] > floor))
            continue;
        int at = n < k ? n++ : k - 1;
        for (; at > 0 && logprobs[out[at - 1].token] < logprobs[i]; at--)
            out[at] = out[at - 1];
        out[at] = (struct whisper_candidate){path, i, sum_logprob + (double)logprobs[i]};
        if (n == k)
            floor = logprobs[out[k - 1].token];
    }
    return n;
}

void whisper_candidates_sort(struct whisper_candidate *c, int n)
{
    for (int i = 1; i < n; i++) {
        struct whisper_candidate x = c[i];
        int at = i;
        for (; at > 0 && c[at - 1].sum_logprob < x.sum_logprob; at--)
            c[at] = c[at - 1];
        c[at] = x;
    }
}
