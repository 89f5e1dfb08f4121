/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/alignatt/audio.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { WINDOW = LOG_MEL_WINDOW_FRAMES };

int alignatt_audio_open(struct alignatt_audio *a, const struct vad_options *vad, const struct features *features,
                        int64_t max_frames, struct message *msg)
{
    *a = (struct alignatt_audio){.n_mels = features->n_mels, .max_frames = max_frames, .speech_from = -1};
    int rc = vad_open(&a->vad, vad, msg);
    if (rc >= 0)
        rc = features_open(&a->mel, features, msg);
    if (rc >= 0) {
        a->block = MEM_PARTS(MEM_PART(a->frames, (size_t)max_frames * (size_t)a->n_mels),
                             MEM_PART(a->is_spoken, (size_t)max_frames / 2 + 1),
                             MEM_PART(a->changes, vad_max_changes(a->vad, ALIGNATT_CELL) + 1));
        rc = a->block == NULL ? fail_memory(msg) : LINNET_OK;
    }
    if (rc < 0)
        alignatt_audio_close(a);
    return rc;
}

void alignatt_audio_close(struct alignatt_audio *a)
{
    features_close(a->mel);
    vad_close(a->vad);
    mem_free(a->block);
    *a = (struct alignatt_audio){0};
}

void alignatt_audio_reset(struct alignatt_audio *a)
{
    features_reset(a->mel);
    vad_reset(a->vad);
    a->first_frame = a->n_frames = a->n_samples = a->speech_to = a->sound_to = 0;
    a->speech_from = a->found_from = -1;
    a->is_speech = a->is_noise = 0;
}

/* Says of the cells from a sample on whether they hold speech. */
static void mark(struct alignatt_audio *a, int64_t from, int is_spoken)
{
    int64_t first = from / ALIGNATT_CELL - a->first_frame / 2, end = a->n_samples / ALIGNATT_CELL - a->first_frame / 2;
    for (int64_t i = first > 0 ? first : 0; i < end; i++)
        a->is_spoken[i] = (unsigned char)is_spoken;
}

static void take_change(struct alignatt_audio *a, const struct vad_change *change)
{
    a->is_speech = change->is_speech;
    mark(a, (int64_t)(a->is_speech ? change->sound : change->at), a->is_speech);
    if (a->is_speech)
        a->found_from = (int64_t)change->sound;
    if (!a->is_speech) {
        a->speech_to = (int64_t)change->at;
        a->sound_to = (int64_t)change->sound;
    } else if (a->speech_from < 0 || a->is_noise) {
        a->speech_from = (int64_t)change->at;
    }
    a->is_noise = a->is_noise && !a->is_speech;
}

size_t alignatt_audio_feed(struct alignatt_audio *a, const float *samples, size_t n)
{
    size_t room = ALIGNATT_CELL - (size_t)(a->n_samples % ALIGNATT_CELL);
    n = n < room ? n : room;
    if (room == ALIGNATT_CELL)
        a->found_from = -1;
    a->n_frames += (int64_t)features_feed(a->mel, samples, n, a->frames + a->n_frames * a->n_mels);
    size_t n_changes = vad_feed(a->vad, samples, n, a->changes);
    for (size_t i = 0; i < n_changes; i++)
        take_change(a, &a->changes[i]);
    a->is_spoken[a->n_samples / ALIGNATT_CELL - a->first_frame / 2] = (unsigned char)a->is_speech;
    a->n_samples += (int64_t)n;
    return n;
}

void alignatt_audio_finish(struct alignatt_audio *a)
{
    int may_be_speech = vad_may_be_speech(a->vad);
    if (vad_finish(a->vad, a->changes) > 0)
        take_change(a, a->changes);
    if (may_be_speech) /* a word that the recording cuts off, too short to be known for one */
        a->speech_to = a->sound_to = a->n_samples;
}

void alignatt_audio_drop(struct alignatt_audio *a, int64_t before)
{
    int64_t n = before - a->first_frame;
    n = (n < a->n_frames ? n : a->n_frames) / 2 * 2;
    if (n <= 0)
        return;
    memmove(a->frames, a->frames + n * a->n_mels, (size_t)(a->n_frames - n) * (size_t)a->n_mels * sizeof *a->frames);
    memmove(a->is_spoken, a->is_spoken + n / 2, (size_t)(a->max_frames - n) / 2 + 1);
    a->first_frame += n;
    a->n_frames -= n;
}

void alignatt_audio_drop_noise(struct alignatt_audio *a, int64_t n_frames)
{
    alignatt_audio_drop(a, a->n_samples / LOG_MEL_HOP - n_frames);
    a->is_noise = 1;
}

int alignatt_audio_window(const struct alignatt_audio *a, int64_t to, int n_pad, float *window, int *n_content)
{
    int64_t n = to / LOG_MEL_HOP - a->first_frame;
    n = n < a->n_frames ? n : a->n_frames;
    n = n < WINDOW ? n : WINDOW;
    int64_t n_window = (n + n_pad + 1) / 2 * 2;
    n_window = n_window < WINDOW ? n_window : WINDOW;
    memcpy(window, a->frames, (size_t)(n * a->n_mels) * sizeof *window);
    for (int64_t i = n * a->n_mels; i < n_window * a->n_mels; i++)
        window[i] = LOG_MEL_SILENCE;
    log_mel_normalize(window, (size_t)(n_window * a->n_mels), -INFINITY);
    *n_content = (int)n / 2;
    return (int)n_window;
}

int64_t alignatt_audio_speech_frames(const struct alignatt_audio *a, int64_t from, int64_t to, int64_t *first)
{
    int64_t n = 0, base = a->first_frame / 2;
    for (int64_t i = (from > base ? from : base); i < to; i++) {
        *first = n == 0 && a->is_spoken[i - base] ? i : *first;
        n += a->is_spoken[i - base];
    }
    return n;
}

double alignatt_audio_silence_s(const struct alignatt_audio *a)
{
    return a->is_speech ? 0 : (double)(a->n_samples - a->sound_to) / VAD_RATE_HZ;
}
