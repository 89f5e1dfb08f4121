/* SPDX-License-Identifier: Apache-2.0
 * blank.h - makes blank more or less probable before any search sees the frames. */
#ifndef LINNET_DECODERS_CTC_BLANK_H
#define LINNET_DECODERS_CTC_BLANK_H

#include "base/settings.h"

struct ctc_blank_options {
    double blank_penalty, blank_scale; /* 0 and 1 change nothing */
};
extern const struct settings_table ctc_blank_settings;

/* In place, before any search and the endpoint rules see the frames: takes penalty off the logit of blank (the other
 * tokens gain what it loses) and then multiplies its probability by scale. */
void ctc_blank_adjust(float *logprobs /* [T, V] */, int n_frames, int n_vocabulary, int blank, double penalty,
                      double scale);

#endif
