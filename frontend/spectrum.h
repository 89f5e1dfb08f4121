/* SPDX-License-Identifier: Apache-2.0
 * spectrum.h - power spectrum of a real frame (FFTW, single precision).
 *
 * The plan is FFTW's estimate for buffers of one alignment, so results do not vary between runs.  Planning and freeing
 * may be done on any thread: FFTW's planner is not thread safe, a lock in here guards it. */
#ifndef LINNET_FRONTEND_SPECTRUM_H
#define LINNET_FRONTEND_SPECTRUM_H

#include <stddef.h>

#include "base/status.h"

struct spectrum {
    size_t n_fft;
    float *in;          /* [n_fft] the caller writes the frame here, zeros after it */
    float *power;       /* [n_fft / 2 + 1] squared magnitudes after spectrum_step */
    float *bins;        /* [n_fft / 2 + 1] pairs of real and imaginary part */
    void *plan, *block; /* block: holds the arrays */
};

int spectrum_open(struct spectrum *s, size_t n_fft, struct message *msg) LINNET_MUST_CHECK; /* n_fft even */
void spectrum_close(struct spectrum *s);
void spectrum_step(struct spectrum *s); /* in -> power; in is kept */

#endif
