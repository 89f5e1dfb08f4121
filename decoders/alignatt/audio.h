/* SPDX-License-Identifier: Apache-2.0
 * audio.h - the audio of the open utterance: spectrogram, and where speech lies. */
#ifndef LINNET_DECODERS_ALIGNATT_AUDIO_H
#define LINNET_DECODERS_ALIGNATT_AUDIO_H

#include "frontend/log_mel.h"
#include "frontend/vad.h"

enum { ALIGNATT_CELL = 2 * LOG_MEL_HOP /* samples of an encoder frame: nothing happens between its ends */ };

struct alignatt_audio {
    struct features_stream *mel;
    struct vad *vad;
    void *block;                               /* of the arrays */
    struct vad_change *changes;                /* of a cell */
    float *frames;                             /* [max_frames, n_mels] log10 energies from first_frame on */
    unsigned char *is_spoken;                  /* [max_frames / 2 + 1] of encoder frames: 1 where there is speech */
    int64_t first_frame, n_frames, max_frames; /* of the spectrogram */
    int n_mels;
    int64_t n_samples;              /* since the start of the stream */
    int64_t speech_from, speech_to; /* samples; from: -1 while there is no speech; to: of its last part */
    int64_t sound_to;               /* the same without the detector's hold */
    int64_t found_from;             /* sample: the first sound of what the last cell found to be speech, -1: none */
    int is_speech, is_noise;        /* noise: the speech so far turned out to be none */
};

/* Room for max_frames of the spectrogram. */
LINNET_MUST_CHECK int alignatt_audio_open(struct alignatt_audio *a, const struct vad_options *vad,
                                          const struct features *features, int64_t max_frames, struct message *msg);
void alignatt_audio_close(struct alignatt_audio *a); /* zeroed ones too */
void alignatt_audio_reset(struct alignatt_audio *a);

/* Takes samples up to the end of a cell at most; returns how many. */
size_t alignatt_audio_feed(struct alignatt_audio *a, const float *samples, size_t n);
void alignatt_audio_finish(struct alignatt_audio *a); /* the stream ends, and so does speech */

/* Drops what lies before a frame of the spectrogram. */
void alignatt_audio_drop(struct alignatt_audio *a, int64_t before);

/* The speech so far was none, and there is none now: the utterance begins with the next one.  Keeps the last n_frames,
 * since the detector dates a beginning back. */
void alignatt_audio_drop_noise(struct alignatt_audio *a, int64_t n_frames);

/* Writes normalised mel of the audio that is kept up to sample `to`, with n_pad frames of silence after it, at most a
 * window in all, an even number; returns that, and in *n_content how many encoder frames hold audio. */
int alignatt_audio_window(const struct alignatt_audio *a, int64_t to, int n_pad, float *window, int *n_content);

/* How many of the encoder frames from `from` up to `to` (counted from the start of the stream) hold speech, and in
 * *first the first of them, if any. */
int64_t alignatt_audio_speech_frames(const struct alignatt_audio *a, int64_t from, int64_t to, int64_t *first);

double alignatt_audio_silence_s(const struct alignatt_audio *a); /* since the last sound; 0 in speech */

#endif
