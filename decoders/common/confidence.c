/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/confidence.h"

#include <math.h>

void confidence_of_logprobs(const float *logprobs, int n, float *confidences)
{
    for (int i = 0; i < n; i++)
        confidences[i] = logprobs[i] < 0.0f ? expf(logprobs[i]) : 1.0f;
}

float confidence_mean(const float *confidences, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += log((double)confidences[i]);
    return n > 0 ? (float)exp(sum / n) : 1.0f;
}

void confidence_of_words(const float *confidences, const int *ends, int n_words, float *words)
{
    for (int i = 0, from = 0; i < n_words; from = ends[i++])
        words[i] = confidence_mean(confidences + from, ends[i] - from);
}
