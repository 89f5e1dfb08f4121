/* SPDX-License-Identifier: Apache-2.0
 * spectrum.c - power spectrum of a real frame. */
#include "frontend/spectrum.h"

#include <fftw3.h>
#include <pthread.h>

#include "base/mem.h"

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

int spectrum_open(struct spectrum *s, size_t n_fft, struct message *msg)
{
    if (n_fft < 2 || n_fft % 2 != 0 || n_fft > 1 << 20)
        return fail(msg, LINNET_E_ARGUMENT, "a Fourier transform of %zu points", n_fft);
    size_t n_bins = n_fft / 2 + 1;
    *s = (struct spectrum){.n_fft = n_fft};
    s->block = MEM_PARTS(MEM_PART(s->in, n_fft), MEM_PART(s->power, n_bins), MEM_PART(s->bins, 2 * n_bins));
    if (s->block == NULL)
        return fail_memory(msg);
    pthread_mutex_lock(&planner);
    s->plan = fftwf_plan_dft_r2c_1d((int)n_fft, s->in, (fftwf_complex *)s->bins, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    pthread_mutex_unlock(&planner);
    if (s->plan != NULL)
        return LINNET_OK;
    spectrum_close(s);
    return fail_memory(msg);
}

void spectrum_close(struct spectrum *s)
{
    if (s->plan != NULL) {
        pthread_mutex_lock(&planner);
        fftwf_destroy_plan(s->plan);
        pthread_mutex_unlock(&planner);
    }
    mem_free(s->block);
    *s = (struct spectrum){0};
}

void spectrum_step(struct spectrum *s)
{
    fftwf_execute(s->plan);
    for (size_t i = 0; i < s->n_fft / 2 + 1; i++)
        s->power[i] = s->bins[2 * i] * s->bins[2 * i] + s->bins[2 * i + 1] * s->bins[2 * i + 1];
}
