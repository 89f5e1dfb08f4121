/* SPDX-License-Identifier: Apache-2.0
 * fbank.c - Kaldi's log mel filterbank.
 *
 * As torchaudio.compliance.kaldi.fbank with WeNet's arguments and as Kaldi's feature-fbank: in each frame subtract the
 * mean, pre-emphasise with 0.97 (the first sample with itself), multiply by the "povey" window (symmetric Hann to the
 * power 0.85), pad with zeros to a power of two, squared magnitudes, triangles, natural log of at least FLT_EPSILON.
 * All in single precision and in the order of kaldi-native-fbank, which gives its bits: see kaldi_fft.c. */
#include "frontend/fbank.h"

#include <float.h>
#include <math.h>

#include "base/mem.h"
#include "frontend/framer.h"
#include "frontend/kaldi_fft.h"
#include "frontend/mel_bank.h"

#define SCALE 32768.0f
#define PREEMPHASIS 0.97f

struct fbank {
    struct features_stream base;
    struct framer framer;
    struct kaldi_fft fft;
    struct mel_bank bank;
    float *window; /* [framer.length] */
};

static size_t next_power_of_two(size_t n)
{
    size_t p = 2;
    while (p < n)
        p *= 2;
    return p;
}

static int check_options(const struct features *o, struct message *msg)
{
    if (o->rate_hz < 1000 || o->rate_hz > 768000)
        return fail(msg, LINNET_E_ARGUMENT, "filterbank: a rate of %d Hz", o->rate_hz);
    if (!(o->shift_ms > 0.0 && o->shift_ms <= o->length_ms && o->length_ms >= 1.0 && o->length_ms <= 1000.0))
        return fail(msg, LINNET_E_ARGUMENT, "filterbank: frames of %g ms every %g ms", o->length_ms, o->shift_ms);
    return LINNET_OK;
}

static void fbank_close(struct features_stream *s)
{
    struct fbank *f = (struct fbank *)s;
    framer_close(&f->framer);
    kaldi_fft_close(&f->fft);
    mel_bank_close(&f->bank);
    mem_free(f->window);
    mem_free(f);
}

static int fbank_open(struct features_stream **out, const struct features *o, struct message *msg)
{
    int rc = check_options(o, msg);
    if (rc < 0)
        return rc;
    size_t length = (size_t)(o->rate_hz * 0.001 * o->length_ms), hop = (size_t)(o->rate_hz * 0.001 * o->shift_ms);
    if (length < 2 || hop < 1)
        return fail(msg, LINNET_E_ARGUMENT, "filterbank: frames of %zu samples every %zu", length, hop);
    size_t n_fft = next_power_of_two(length);
    double high_hz = o->high_hz > 0.0 ? o->high_hz : o->rate_hz / 2.0 + o->high_hz;
    struct fbank *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    f->base.kind = &fbank_features;
    f->window = mem_array(length, sizeof *f->window);
    rc = f->window == NULL ? fail_memory(msg) : framer_open(&f->framer, length, hop, msg);
    if (rc < 0 || (rc = kaldi_fft_open(&f->fft, n_fft, msg)) < 0 ||
        (rc = mel_bank_open_kaldi(&f->bank, o->n_mels, n_fft, o->rate_hz, o->low_hz, high_hz, msg)) < 0) {
        fbank_close(&f->base);
        return rc;
    }
    for (size_t i = 0; i < length; i++)
        f->window[i] = (float)pow(0.5 - 0.5 * cos(2.0 * acos(-1.0) * (double)i / (double)(length - 1)), 0.85);
    *out = &f->base;
    return LINNET_OK;
}

static void fbank_reset(struct features_stream *s) { framer_reset(&((struct fbank *)s)->framer); }

static size_t fbank_max_frames(const struct features_stream *s, size_t n)
{
    return framer_frames(&((const struct fbank *)s)->framer, n);
}

static void frame_step(struct fbank *f, const float *frame, float *row)
{
    size_t n = f->framer.length;
    float *in = f->fft.in, sum = 0.0f;
    for (size_t i = 0; i < n; i++) {
        in[i] = frame[i] * SCALE;
        sum += in[i];
    }
    float mean = sum / (float)n;
    for (size_t i = 0; i < n; i++)
        in[i] -= mean;
    for (size_t i = n - 1; i > 0; i--)
        in[i] = (in[i] - PREEMPHASIS * in[i - 1]) * f->window[i];
    in[0] = (in[0] - PREEMPHASIS * in[0]) * f->window[0];
    kaldi_fft_step(&f->fft); /* in[n, n_fft) is zero since it was opened */
    mel_bank_step(&f->bank, f->fft.power, row);
    for (int i = 0; i < f->bank.n_mels; i++)
        row[i] = logf(row[i] > FLT_EPSILON ? row[i] : FLT_EPSILON);
}

static size_t fbank_feed(struct features_stream *s, const float *samples, size_t n, float *frames)
{
    struct fbank *f = (struct fbank *)s;
    size_t n_rows = 0, n_mels = (size_t)f->bank.n_mels;
    while (n > 0) {
        size_t n_taken = framer_put(&f->framer, samples, n);
        samples += n_taken;
        n -= n_taken;
        for (const float *frame; (frame = framer_next(&f->framer)) != NULL; n_rows++)
            frame_step(f, frame, frames + n_rows * n_mels);
    }
    return n_rows;
}

const struct features_kind fbank_features = {
    .name = "fbank",
    .title = "Kaldi log mel filterbank",
    .open = fbank_open,
    .close = fbank_close,
    .reset = fbank_reset,
    .max_frames = fbank_max_frames,
    .feed = fbank_feed,
};
