/* SPDX-License-Identifier: Apache-2.0
 * fbank.h - Kaldi's log mel filterbank as WeNet computes it, frame by frame.
 *
 * Samples come in [-1, 1], the scale of libsndfile and of the microphone, and are multiplied by 32768 inside: models
 * trained on Kaldi features expect the scale of 16-bit integers.  (Whisper's features, log_mel.h, keep [-1, 1]: both
 * take the same samples.)  There is no dither: it exists for digital silence, which the floor of the logarithm covers.
 *
 * Frame t is samples [t * shift, t * shift + length) of the stream ("snip edges"): it comes out with its last sample,
 * and samples after the last whole frame are only used when more follow. */
#ifndef LINNET_FRONTEND_FBANK_H
#define LINNET_FRONTEND_FBANK_H

#include <stddef.h>

#include "base/status.h"

struct fbank;

struct fbank_options {
    int rate_hz, n_mels;
    double length_ms, shift_ms; /* of a frame */
    double low_hz, high_hz;     /* of the filters; high_hz <= 0: that much below half the rate */
};

#define FBANK_DEFAULTS                                                                                                 \
    {                                                                                                                  \
        .rate_hz = 16000, .n_mels = 80, .length_ms = 25.0, .shift_ms = 10.0, .low_hz = 20.0                            \
    }

int fbank_open(struct fbank **out, const struct fbank_options *options, struct message *msg) LINNET_MUST_CHECK;
void fbank_close(struct fbank *f);
void fbank_reset(struct fbank *f);

size_t fbank_max_frames(const struct fbank *f, size_t n); /* how many frames fbank_feed would write: exact */

/* Takes n samples and writes the frames [T, n_mels] that they complete: natural log of the energies.  Returns T. */
size_t fbank_feed(struct fbank *f, const float *samples, size_t n, float *frames);

#endif
