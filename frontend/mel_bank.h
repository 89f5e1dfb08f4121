/* SPDX-License-Identifier: Apache-2.0
 * mel_bank.h - triangular filters on a power spectrum.
 *
 * A filter is stored as its first bin and the weights from there on: some 1.5 % of the full matrix. */
#ifndef LINNET_FRONTEND_MEL_BANK_H
#define LINNET_FRONTEND_MEL_BANK_H

#include <stddef.h>

#include "base/status.h"

struct mel_bank {
    int n_mels;
    struct mel_filter {
        size_t first, n; /* bins */
        float *weights;  /* [n] */
    } * filters;         /* [n_mels] */
    void *block;         /* holds the filters and their weights */
};

/* As librosa.filters.mel and Whisper: Slaney's scale from 0 to half the rate, each filter of equal area. */
int mel_bank_open_slaney(struct mel_bank *b, int n_mels, size_t n_fft, int rate_hz,
                         struct message *msg) LINNET_MUST_CHECK;

/* As Kaldi: triangles of height 1, straight on the scale 1127 ln(1 + f / 700), from low_hz to high_hz. */
int mel_bank_open_kaldi(struct mel_bank *b, int n_mels, size_t n_fft, int rate_hz, double low_hz, double high_hz,
                        struct message *msg) LINNET_MUST_CHECK;
void mel_bank_close(struct mel_bank *b);

void mel_bank_step(const struct mel_bank *b, const float *power /* [n_fft / 2 + 1] */, float *mel /* [n_mels] */);

#endif
