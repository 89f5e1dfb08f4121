/* SPDX-License-Identifier: Apache-2.0
 * kaldi_fft.h - power spectrum of a real frame, rounded as kaldi-native-fbank rounds it.
 *
 * It has the fields that a filterbank wants of spectrum.h.  That one is faster and takes any even length, this one has
 * the bits: see kaldi_fft.c. */
#ifndef LINNET_FRONTEND_KALDI_FFT_H
#define LINNET_FRONTEND_KALDI_FFT_H

#include <stddef.h>

#include "base/status.h"

struct kaldi_fft_point {
    float re, im;
};

struct kaldi_fft {
    size_t n;                               /* complex points: half the frame's samples */
    float *in;                              /* [2 n] the caller writes the frame here, zeros after it */
    float *power;                           /* [n + 1] squared magnitudes after kaldi_fft_step */
    struct kaldi_fft_point *points;         /* [n] transformed in place */
    struct kaldi_fft_point *twiddles;       /* [n] e^(-2 pi i k / n) */
    struct kaldi_fft_point *split_twiddles; /* [n / 2 + 1] -i e^(-pi i k / n) */
    unsigned *order;                        /* [n] which sample pair the first pass wants at each point */
    void *block;                            /* holds the arrays */
};

int kaldi_fft_open(struct kaldi_fft *f, size_t n_fft, struct message *msg) LINNET_MUST_CHECK; /* a power of two */
void kaldi_fft_close(struct kaldi_fft *f);
void kaldi_fft_step(struct kaldi_fft *f); /* in -> power; in is kept */

#endif
