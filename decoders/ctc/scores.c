/* SPDX-License-Identifier: Apache-2.0
 * scores.c - the arithmetic on one frame of CTC log probabilities.
 *
 * WeNet's blank_penalty is taken off the logit before the softmax, which on log probabilities is the same as taking it
 * off and normalising again; its blank_scale is added to the finished log probability and not normalised. */
#include "decoders/ctc/scores.h"

#include <math.h>
#include <stddef.h>

#define IMPOSSIBLE (-1e30f)
#define FIELD(name) offsetof(struct ctc_options, name)

static const struct setting settings[] = {
    {"decoder.blank_penalty", SETTING_NUMBER, FIELD(blank_penalty), "0", -1000, 1000, NULL,
     "subtracted from the log probability of blank"},
    {"decoder.blank_scale", SETTING_NUMBER, FIELD(blank_scale), "1", 0, 1000, NULL,
     "factor of the probability of blank"},
    {0}};

const struct settings_table ctc_settings = {"CTC", sizeof(struct ctc_options), settings};

static void take_off_penalty(float *row, int n_vocabulary, int blank, double penalty)
{
    double p = exp((double)row[blank]);
    double sum = 1.0 + p * expm1(-penalty); /* of what is left after the penalty */
    if (!(sum > 0.0) || !isfinite(sum))
        return;
    float shift = (float)log(sum);
    row[blank] -= (float)penalty;
    for (int v = 0; v < n_vocabulary; v++)
        row[v] -= shift;
}

void ctc_scores_adjust_blank(float *logprobs, int n_frames, int n_vocabulary, int blank, double penalty, double scale)
{
    float log_scale = (float)log(scale);
    for (int t = 0; t < n_frames; t++) {
        float *row = logprobs + (size_t)t * (size_t)n_vocabulary;
        if (penalty != 0.0)
            take_off_penalty(row, n_vocabulary, blank, penalty);
        row[blank] += log_scale;
    }
}

int ctc_scores_best(const float *logprobs, int n_vocabulary, int n, int *ids, float *values)
{
    if (n > n_vocabulary)
        n = n_vocabulary;
    int n_found = 0;
    float worst = -INFINITY; /* of a full list */
    for (int v = 0; v < n_vocabulary; v++) {
        float x = logprobs[v];
        if (n_found == n && !(x > worst))
            continue;
        if (!(x > IMPOSSIBLE) || x == INFINITY)
            x = IMPOSSIBLE;
        if (n_found == n && !(x > worst))
            continue;
        int at = n_found < n ? n_found++ : n - 1;
        while (at > 0 && values[at - 1] < x) {
            values[at] = values[at - 1];
            ids[at] = ids[at - 1];
            at--;
        }
        values[at] = x;
        ids[at] = v;
        if (n_found == n)
            worst = values[n - 1];
    }
    return n_found;
}

double ctc_scores_add(double a, double b)
{
    if (a < b) {
        double swap = a;
        a = b;
        b = swap;
    }
    return b == -INFINITY ? a : a + log1p(exp(b - a));
}
