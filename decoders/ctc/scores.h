/* SPDX-License-Identifier: Apache-2.0
 * scores.h - what every CTC search does to a frame of log probabilities first. */
#ifndef LINNET_DECODERS_CTC_SCORES_H
#define LINNET_DECODERS_CTC_SCORES_H

#include "base/settings.h"

struct ctc_options {
    double blank_penalty, blank_scale; /* for ctc_scores_adjust_blank */
};
extern const struct settings_table ctc_settings;

/* Makes blank less (or more) likely, in place, before any search and the endpoint rules see the frames: takes penalty
 * off its logit (the others gain what it loses) and then multiplies its probability by scale.  0 and 1 change nothing.
 */
void ctc_scores_adjust_blank(float *logprobs /* [T, V] */, int n_frames, int n_vocabulary, int blank, double penalty,
                             double scale);

/* The n likeliest of logprobs [V], likeliest first, equal ones by id.  What is not a number counts as impossible: a
 * large negative, never an infinity.  Returns how many: n or V. */
int ctc_scores_best(const float *logprobs, int n_vocabulary, int n, int *ids /* [n] */, float *values /* [n] */);

/* log(exp(a) + exp(b)); -infinity is nothing. */
double ctc_scores_add(double a, double b);

#endif
