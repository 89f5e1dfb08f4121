/* SPDX-License-Identifier: Apache-2.0
 * features.h - samples to feature frames, of whichever kind a model was trained on.
 *
 * A kind is a const struct features_kind at the end of its file, named in FEATURES.  All take samples in [-1, 1], the
 * scale of libsndfile and of the microphone, and scale them inside as their origin does: the Kaldi filterbank (fbank.h)
 * by 32768, the log-mel spectrogram (log_mel.h) not at all. */
#ifndef LINNET_FRONTEND_FEATURES_H
#define LINNET_FRONTEND_FEATURES_H

#include <stddef.h>

#include "base/status.h"

/* What a model was trained on. */
struct features {
    const struct features_kind *kind;
    int rate_hz, n_mels;
    double length_ms, shift_ms; /* of a frame; from frame to frame */
    double low_hz, high_hz;     /* of the filters; high_hz <= 0: that much below half the rate */
};

/* The first member of every kind's state. */
struct features_stream {
    const struct features_kind *kind;
};

struct features_kind {
    const char *name;  /* features.kind of a config.json */
    const char *title; /* for people */
    int (*open)(struct features_stream **out, const struct features *f, struct message *msg);
    void (*close)(struct features_stream *s);
    void (*reset)(struct features_stream *s);
    size_t (*max_frames)(const struct features_stream *s, size_t n);
    size_t (*feed)(struct features_stream *s, const float *samples, size_t n, float *frames);
    int is_laid_by_bin; /* its origin lays a recording out bin by bin, [n_mels, T] */
    /* Makes the frames of a whole window into what an encoder takes, in place; NULL: they are that already. */
    void (*normalize)(float *frames, size_t n_values);
};

/* The kind of that name, or NULL. */
const struct features_kind *features_find(const char *name);

static inline int features_shift_samples(const struct features *f) { return (int)(f->rate_hz * f->shift_ms / 1000.0); }

LINNET_MUST_CHECK int features_open(struct features_stream **out, const struct features *f, struct message *msg);
void features_close(struct features_stream *s); /* NULL is fine */
void features_reset(struct features_stream *s);

/* How many frames features_feed would write for n samples: exact. */
size_t features_max_frames(const struct features_stream *s, size_t n);

/* Takes n samples and writes the frames [T, n_mels] that they complete.  Returns T. */
size_t features_feed(struct features_stream *s, const float *samples, size_t n, float *frames);

#endif
