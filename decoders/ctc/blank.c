/* SPDX-License-Identifier: Apache-2.0
 * blank.c - the settings of blank: a penalty on its logit and a factor of its probability.
 *
 * WeNet's blank_penalty is taken off the logit before the softmax, which on log probabilities is the same as taking it
 * off and normalising again; its blank_scale is added to the finished log probability and not normalised. */
#include "decoders/ctc/blank.h"

#include <math.h>
#include <stddef.h>

#define FIELD(name) offsetof(struct ctc_blank_options, name)

static const struct setting settings[] = {{"decoder.blank_penalty", SETTING_NUMBER, FIELD(blank_penalty), "0", -1000,
                                           1000, NULL, "subtracted from the log probability of blank"},
                                          {"decoder.blank_scale", SETTING_NUMBER, FIELD(blank_scale), "1", 0, 1000,
                                           NULL, "factor of the probability of blank"},
                                          {0}};

const struct settings_table ctc_blank_settings = {"CTC", sizeof(struct ctc_blank_options), settings};

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

void ctc_blank_adjust(float *logprobs, int n_frames, int n_vocabulary, int blank, double penalty, double scale)
{
    float log_scale = (float)log(scale);
    for (int t = 0; t < n_frames; t++) {
        float *row = logprobs + (size_t)t * (size_t)n_vocabulary;
        if (penalty != 0.0)
            take_off_penalty(row, n_vocabulary, blank, penalty);
        row[blank] += log_scale;
    }
}
