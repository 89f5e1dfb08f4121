/* SPDX-License-Identifier: Apache-2.0
 * fbank.h - Kaldi's log mel filterbank as WeNet computes it, frame by frame.
 *
 * Samples come in [-1, 1], the scale of libsndfile and of the microphone, and are multiplied by 32768 inside: models
 * trained on Kaldi features expect the scale of 16-bit integers.  There is no dither: it exists for digital silence,
 * which the floor of the logarithm covers.
 *
 * Frame t is samples [t * shift, t * shift + length) of the stream ("snip edges"): it is written with its last sample,
 * and samples after the last whole frame are only used when more follow. */
#ifndef LINNET_FRONTEND_FBANK_H
#define LINNET_FRONTEND_FBANK_H

#include "frontend/features.h"

extern const struct features_kind fbank_features;

/* WeNet's, of which a model may change any. */
#define FBANK_DEFAULTS                                                                                                 \
    {                                                                                                                  \
        .kind = &fbank_features, .rate_hz = 16000, .n_mels = 80, .length_ms = 25.0, .shift_ms = 10.0, .low_hz = 20.0   \
    }

#endif
