/* SPDX-License-Identifier: Apache-2.0
 * log_mel.c - Whisper's log-mel spectrogram.
 *
 * As audio.py of OpenAI's Whisper: a periodic Hann window of 400 points, every 160 samples, centred with the start of
 * the recording mirrored; squared magnitudes; Slaney's mel filters; log10 of at least 1e-10.  The mirrored start is put
 * into the framer when the first 200 samples are there, from then on frames are plain overlapping ones.  The first
 * point of the window is zero, which is why frame 0 need not wait for the sample that mirrors onto it. */
#include "frontend/log_mel.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/framer.h"
#include "frontend/mel_bank.h"
#include "frontend/spectrum.h"

#define N_FFT 400
#define HALF (N_FFT / 2)

struct log_mel {
    struct features_stream base;
    struct framer framer;
    struct spectrum spectrum;
    struct mel_bank bank;
    float window[N_FFT];
    float start[HALF]; /* the first samples, until there are HALF of them */
    size_t n_start;
};

static void log_mel_close(struct features_stream *s)
{
    struct log_mel *m = (struct log_mel *)s;
    framer_close(&m->framer);
    spectrum_close(&m->spectrum);
    mel_bank_close(&m->bank);
    mem_free(m);
}

static int open_stream(struct features_stream **out, const struct features *f, struct message *msg)
{
    struct log_mel *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(msg);
    m->base.kind = &log_mel_features;
    int rc = framer_open(&m->framer, N_FFT, LOG_MEL_HOP, msg);
    if (rc < 0 || (rc = spectrum_open(&m->spectrum, N_FFT, msg)) < 0 ||
        (rc = mel_bank_open_slaney(&m->bank, f->n_mels, N_FFT, LOG_MEL_RATE_HZ, msg)) < 0) {
        log_mel_close(&m->base);
        return rc;
    }
    for (int i = 0; i < N_FFT; i++)
        m->window[i] = (float)(0.5 - 0.5 * cos(2.0 * acos(-1.0) * i / N_FFT));
    *out = &m->base;
    return LINNET_OK;
}

static void log_mel_reset(struct features_stream *s)
{
    struct log_mel *m = (struct log_mel *)s;
    framer_reset(&m->framer);
    m->n_start = 0;
}

static size_t log_mel_max_frames(const struct features_stream *s, size_t n)
{
    const struct log_mel *m = (const struct log_mel *)s;
    if (m->n_start == HALF)
        return framer_frames(&m->framer, n);
    return m->n_start + n < HALF ? 0 : framer_frames(&m->framer, m->n_start + n + HALF);
}

/* Collects the first HALF samples, then puts their mirror image and them into the framer.  Returns samples taken. */
static size_t take_start(struct log_mel *m, const float *samples, size_t n)
{
    if (n > HALF - m->n_start)
        n = HALF - m->n_start;
    if (n > 0)
        memcpy(m->start + m->n_start, samples, n * sizeof *samples);
    m->n_start += n;
    if (m->n_start == HALF) {
        float mirrored[N_FFT] = {0};
        for (int i = 1; i < HALF; i++)
            mirrored[i] = m->start[HALF - i];
        memcpy(mirrored + HALF, m->start, sizeof m->start);
        framer_put(&m->framer, mirrored, N_FFT);
    }
    return n;
}

static void frame_step(struct log_mel *m, const float *frame, float *row)
{
    for (int i = 0; i < N_FFT; i++)
        m->spectrum.in[i] = frame[i] * m->window[i];
    spectrum_step(&m->spectrum);
    mel_bank_step(&m->bank, m->spectrum.power, row);
    for (int i = 0; i < m->bank.n_mels; i++)
        row[i] = log10f(row[i] > 1e-10f ? row[i] : 1e-10f);
}

static size_t log_mel_feed(struct features_stream *s, const float *samples, size_t n, float *frames)
{
    struct log_mel *m = (struct log_mel *)s;
    size_t n_rows = 0, n_mels = (size_t)m->bank.n_mels;
    while (n > 0) {
        size_t n_taken = m->n_start < HALF ? take_start(m, samples, n) : framer_put(&m->framer, samples, n);
        samples += n_taken;
        n -= n_taken;
        for (const float *frame; (frame = framer_next(&m->framer)) != NULL; n_rows++)
            frame_step(m, frame, frames + n_rows * n_mels);
    }
    return n_rows;
}

float log_mel_largest(const float *frames, size_t n_values)
{
    float largest = -INFINITY;
    for (size_t i = 0; i < n_values; i++)
        largest = frames[i] > largest ? frames[i] : largest;
    return largest;
}

void log_mel_normalize(float *frames, size_t n_values, float largest)
{
    if (largest == -INFINITY)
        largest = log_mel_largest(frames, n_values);
    float floor = largest - 8.0f;
    for (size_t i = 0; i < n_values; i++)
        frames[i] = ((frames[i] > floor ? frames[i] : floor) + 4.0f) / 4.0f;
}

static void normalize_by_own_largest(float *frames, size_t n_values) { log_mel_normalize(frames, n_values, -INFINITY); }

const struct features_kind log_mel_features = {
    .name = "log_mel",
    .title = "Whisper log-mel",
    .is_laid_by_bin = 1,
    .open = open_stream,
    .close = log_mel_close,
    .reset = log_mel_reset,
    .max_frames = log_mel_max_frames,
    .feed = log_mel_feed,
    .normalize = normalize_by_own_largest,
};
