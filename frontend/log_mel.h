/* SPDX-License-Identifier: Apache-2.0
 * log_mel.h - Whisper's log-mel spectrogram, frame by frame.
 *
 * Samples come at 16 kHz in [-1, 1], the scale of libsndfile and of the microphone; nothing is multiplied.
 *
 * Frame t is centred on sample 160 t and comes out as soon as samples up to 160 t + 200 are there.  The start of the
 * stream is mirrored, as Whisper does; the end is the caller's: OpenAI's program appends 30 s of zeros to a recording,
 * so feed zeros after the last sample for as many frames as are wanted (40 samples more than 160 for each frame of it:
 * n_frames * 160 + 40 samples in all give n_frames frames). */
#ifndef LINNET_FRONTEND_LOG_MEL_H
#define LINNET_FRONTEND_LOG_MEL_H

#include "frontend/features.h"
#include "frontend/rate.h"

#define LOG_MEL_RATE_HZ AUDIO_RATE_HZ
#define LOG_MEL_HOP 160            /* samples from frame to frame */
#define LOG_MEL_WINDOW_FRAMES 3000 /* of Whisper's 30 s window */
#define LOG_MEL_SILENCE -10.0f     /* a frame without energy */

extern const struct features_kind log_mel_features; /* frames are log10(max(energy, 1e-10)) */

#define LOG_MEL_DEFAULTS                                                                                               \
    {                                                                                                                  \
        .kind = &log_mel_features, .rate_hz = LOG_MEL_RATE_HZ, .n_mels = 80, .length_ms = 25.0, .shift_ms = 10.0       \
    }

/* features_open for Whisper's frames with n_mels values. */
static inline int log_mel_open(struct features_stream **out, int n_mels, struct message *msg)
{
    struct features f = LOG_MEL_DEFAULTS;
    f.n_mels = n_mels;
    return features_open(out, &f, msg);
}

/* Prepares a copy of the frames of one window for the encoder, in place: nothing below the window's largest value - 8,
 * then (x + 4) / 4.  n_values = T * n_mels.  Whisper takes the largest value of the whole recording where the file is
 * decoded at once (OpenAI's program), of the window where it is streamed: pass it in `largest`, or -INFINITY for the
 * window's own. */
void log_mel_normalize(float *frames, size_t n_values, float largest);

float log_mel_largest(const float *frames, size_t n_values); /* -INFINITY for none */

#endif
