/* SPDX-License-Identifier: Apache-2.0
 * mel_bank.c - triangular filters on a power spectrum.
 *
 * Both kinds are rounded where the originals round, and so come out equal to the last bit: librosa computes in double
 * precision and stores a triangle in single precision before it multiplies by the norm, Kaldi computes in single
 * precision.  Kaldi leaves out the bin at half the rate; its triangles are zero there unless a filter ends above it. */
#include "frontend/mel_bank.h"

#include <math.h>

#include "base/mem.h"

#define SLANEY_BREAK_HZ 1000.0        /* linear below, logarithmic above (librosa.hz_to_mel, htk=False) */
#define SLANEY_HZ_A_MEL (200.0 / 3.0) /* below the break */

static double slaney_to_hz(double mel)
{
    double break_mel = SLANEY_BREAK_HZ / SLANEY_HZ_A_MEL, step = log(6.4) / 27.0;
    return mel >= break_mel ? SLANEY_BREAK_HZ * exp(step * (mel - break_mel)) : SLANEY_HZ_A_MEL * mel;
}

static double slaney_from_hz(double hz)
{
    double break_mel = SLANEY_BREAK_HZ / SLANEY_HZ_A_MEL, step = log(6.4) / 27.0;
    return hz >= SLANEY_BREAK_HZ ? break_mel + log(hz / SLANEY_BREAK_HZ) / step : hz / SLANEY_HZ_A_MEL;
}

static float kaldi_from_hz(float hz) { return 1127.0f * logf(1.0f + hz / 700.0f); }

/* Keeps the weights from the first to the last that is not zero. */
static void keep_support(struct mel_filter *filter, size_t n_bins)
{
    size_t first = 0, end = n_bins;
    while (first < end && filter->weights[first] == 0.0f)
        first++;
    while (end > first && filter->weights[end - 1] == 0.0f)
        end--;
    filter->weights += first;
    filter->first = first;
    filter->n = end - first;
}

static int open_bank(struct mel_bank *b, int n_mels, size_t n_fft, int rate_hz, struct message *msg)
{
    if (n_mels < 1 || n_mels > 1024 || n_fft < 2 || rate_hz < 1)
        return fail(msg, LINNET_E_ARGUMENT, "%d mel filters on %zu points at %d Hz", n_mels, n_fft, rate_hz);
    size_t n_bins = n_fft / 2 + 1;
    *b = (struct mel_bank){.n_mels = n_mels};
    float *weights;
    b->block = MEM_PARTS(MEM_PART(b->filters, (size_t)n_mels), MEM_PART(weights, (size_t)n_mels * n_bins));
    if (b->block == NULL)
        return fail_memory(msg);
    for (int i = 0; i < n_mels; i++)
        b->filters[i].weights = weights + (size_t)i * n_bins;
    return LINNET_OK;
}

int mel_bank_open_slaney(struct mel_bank *b, int n_mels, size_t n_fft, int rate_hz, struct message *msg)
{
    int rc = open_bank(b, n_mels, n_fft, rate_hz, msg);
    if (rc < 0)
        return rc;
    size_t n_bins = n_fft / 2 + 1;
    double top = slaney_from_hz(rate_hz / 2.0), step = top / (n_mels + 1);
    for (int i = 0; i < n_mels; i++) {
        struct mel_filter *filter = &b->filters[i];
        double left = slaney_to_hz(i * step), centre = slaney_to_hz((i + 1) * step);
        double right = slaney_to_hz(i + 1 == n_mels ? top : (i + 2) * step); /* numpy.linspace ends on its end */
        for (size_t k = 0; k < n_bins; k++) {
            double hz = (double)k * rate_hz / (double)n_fft;
            double up = (hz - left) / (centre - left), down = (right - hz) / (right - centre);
            float triangle = (float)fmax(0.0, fmin(up, down));
            filter->weights[k] = (float)((double)triangle * (2.0 / (right - left)));
        }
        keep_support(filter, n_bins);
    }
    return LINNET_OK;
}

int mel_bank_open_kaldi(struct mel_bank *b, int n_mels, size_t n_fft, int rate_hz, double low_hz, double high_hz,
                        struct message *msg)
{
    if (!(low_hz >= 0.0 && low_hz < high_hz && high_hz <= rate_hz / 2.0))
        return fail(msg, LINNET_E_ARGUMENT, "mel filters from %g to %g Hz at a rate of %d Hz", low_hz, high_hz,
                    rate_hz);
    int rc = open_bank(b, n_mels, n_fft, rate_hz, msg);
    if (rc < 0)
        return rc;
    float low = kaldi_from_hz((float)low_hz), bin_hz = (float)rate_hz / (float)n_fft;
    float step = (kaldi_from_hz((float)high_hz) - low) / (float)(n_mels + 1);
    for (int i = 0; i < n_mels; i++) {
        struct mel_filter *filter = &b->filters[i];
        float left = low + (float)i * step, centre = low + (float)(i + 1) * step, right = low + (float)(i + 2) * step;
        for (size_t k = 0; k < n_fft / 2; k++) {
            float mel = kaldi_from_hz((float)k * bin_hz);
            float up = (mel - left) / (centre - left), down = (right - mel) / (right - centre);
            filter->weights[k] = fmaxf(0.0f, fminf(up, down));
        }
        keep_support(filter, n_fft / 2);
    }
    return LINNET_OK;
}

void mel_bank_close(struct mel_bank *b)
{
    mem_free(b->block);
    *b = (struct mel_bank){0};
}

void mel_bank_step(const struct mel_bank *b, const float *power, float *mel)
{
    for (int i = 0; i < b->n_mels; i++) {
        const struct mel_filter *filter = &b->filters[i];
        const float *p = power + filter->first;
        float sum = 0.0f;
        for (size_t k = 0; k < filter->n; k++)
            sum += filter->weights[k] * p[k];
        mel[i] = sum;
    }
}
