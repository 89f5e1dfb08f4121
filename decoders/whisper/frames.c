/* SPDX-License-Identifier: Apache-2.0
 * frames.c - of a previewed recording only the largest value is kept. */
#include "decoders/whisper/frames.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { WINDOW = LOG_MEL_WINDOW_FRAMES, PIECE = AUDIO_RATE_HZ, ROOM = WINDOW + 400 };

/* What completes the last frames of a recording. */
static const float last_silence[2 * LOG_MEL_HOP + 80];
enum { LAST_SILENCE = sizeof last_silence / sizeof last_silence[0] };

int whisper_frames_open(struct whisper_frames *f, const struct linnet_model *model, struct message *msg)
{
    *f = (struct whisper_frames){.n_mels = (size_t)model->encoder->n_features};
    f->at = mem_array(ROOM * f->n_mels, sizeof *f->at);
    if (f->at == NULL)
        return fail_memory(msg);
    whisper_frames_reset(f);
    return features_open(&f->mel, &model->features, msg);
}

void whisper_frames_close(struct whisper_frames *f)
{
    features_close(f->mel);
    mem_free(f->at);
    *f = (struct whisper_frames){0};
}

void whisper_frames_reset(struct whisper_frames *f)
{
    if (f->mel != NULL)
        features_reset(f->mel);
    f->first = f->n = 0;
    f->largest = -INFINITY;
    f->was_previewed = 0;
}

static void preview_piece(struct whisper_frames *f, const float *samples, size_t n)
{
    size_t n_frames = features_feed(f->mel, samples, n, f->at);
    float largest = log_mel_largest(f->at, n_frames * f->n_mels);
    f->largest = largest > f->largest ? largest : f->largest;
}

void whisper_frames_preview(struct whisper_frames *f, const float *samples, size_t n)
{
    for (size_t i = 0; i < n; i += PIECE)
        preview_piece(f, samples + i, n - i < PIECE ? n - i : PIECE);
    f->was_previewed |= n > 0;
}

/* A previewed recording begins once more. */
static void end_preview(struct whisper_frames *f)
{
    if (!f->was_previewed)
        return;
    preview_piece(f, last_silence, LAST_SILENCE);
    features_reset(f->mel);
    f->was_previewed = 0;
}

void whisper_frames_feed(struct whisper_frames *f, const float *samples, size_t n)
{
    end_preview(f);
    f->n += (int64_t)features_feed(f->mel, samples, n, f->at + (size_t)f->n * f->n_mels);
}

void whisper_frames_finish(struct whisper_frames *f) { whisper_frames_feed(f, last_silence, LAST_SILENCE); }

void whisper_frames_drop(struct whisper_frames *f, int64_t before)
{
    int64_t n = before - f->first < f->n ? before - f->first : f->n;
    if (n <= 0)
        return;
    memmove(f->at, f->at + (size_t)n * f->n_mels, (size_t)(f->n - n) * f->n_mels * sizeof *f->at);
    f->first += n;
    f->n -= n;
}

void whisper_frames_window(const struct whisper_frames *f, int64_t from, int n, int n_filled, int pads_with_silence,
                           float *window)
{
    int64_t n_there = whisper_frames_end(f) - from;
    if (pads_with_silence) /* the two frames across the end have some audio in them */
        n = n_there < n_filled ? (int)n_there : n_filled;
    size_t used = (size_t)n * f->n_mels, all = (size_t)n_filled * f->n_mels;
    memcpy(window, f->at + (size_t)(from - f->first) * f->n_mels, used * sizeof *window);
    for (size_t i = used; i < all; i++)
        window[i] = pads_with_silence ? LOG_MEL_SILENCE : 0;
    log_mel_normalize(window, pads_with_silence ? all : used, f->largest);
}
