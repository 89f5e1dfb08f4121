/* SPDX-License-Identifier: Apache-2.0
 * vad_turns.c - a start needs some frames above its limit close together, an end a long run of others; the margins
 * before and after are options. */
#include "frontend/vad_turns.h"

#include <string.h>

/* Frames that begin within the time. */
static int frames_in(const struct vad_kind *kind, int ms)
{
    return (ms * (VAD_RATE_HZ / 1000) + (int)kind->hop - 1) / (int)kind->hop;
}

int vad_turns_open(struct vad_turns *t, const struct vad_kind *kind, const struct vad_options *o, struct message *msg)
{
    int rc;
    *t = (struct vad_turns){.kind = kind};
    if ((rc = framer_open(&t->framer, kind->length, kind->hop, msg)) < 0 || (rc = kind->open(&t->state, o, msg)) < 0) {
        vad_turns_close(t);
        return rc;
    }
    t->limits = kind->limits(o);
    int n_start = frames_in(kind, o->start_ms);
    t->n_start = n_start > kind->n_least ? n_start : kind->n_least;
    t->n_start_window = (t->n_start * 3 + 1) / 2;
    t->n_hold = frames_in(kind, o->hold_ms);
    t->pre_roll_samples = (uint64_t)o->pre_roll_ms * VAD_RATE_HZ / 1000;
    vad_turns_reset(t);
    return LINNET_OK;
}

void vad_turns_close(struct vad_turns *t)
{
    framer_close(&t->framer);
    if (t->state != NULL)
        t->kind->close(t->state);
    *t = (struct vad_turns){0};
}

void vad_turns_reset(struct vad_turns *t)
{
    static const float zeros[512]; /* no kind hears more before a frame */
    framer_reset(&t->framer);
    framer_put(&t->framer, zeros, t->kind->n_before);
    t->kind->reset(t->state);
    t->start_bits = t->n_frames = t->n_samples = t->last_sound = 0;
    t->is_speech = 0;
    t->start = t->end = (struct vad_change){0, 0, 0};
}

/* Moves from silence to speech and back. */
static void decide(struct vad_turns *t, float score)
{
    uint64_t frame = t->n_frames++;
    int sounds = score > (t->is_speech ? t->limits.stay : t->limits.start);
    t->start_bits = t->start_bits << 1 | (unsigned)sounds;
    if (sounds)
        t->last_sound = frame;
    uint64_t recent = t->start_bits & ((UINT64_C(1) << t->n_start_window) - 1);
    if (!t->is_speech && __builtin_popcountll(recent) >= t->n_start) {
        uint64_t sound = (frame - (uint64_t)(63 - __builtin_clzll(recent))) * t->kind->hop;
        uint64_t at = sound > t->pre_roll_samples ? sound - t->pre_roll_samples : 0;
        t->start = (struct vad_change){at > t->end.at ? at : t->end.at, sound, 1};
    } else if (t->is_speech && frame - t->last_sound >= (uint64_t)t->n_hold) {
        uint64_t at = (t->last_sound + (uint64_t)t->n_hold) * t->kind->hop + t->kind->n_sound;
        t->end = (struct vad_change){at, vad_turns_sound_end(t), 0};
        t->start_bits = 0;
    } else {
        return;
    }
    t->is_speech = !t->is_speech;
}

void vad_turns_feed(struct vad_turns *t, const float *samples, size_t n)
{
    t->n_samples += n;
    while (n > 0) {
        size_t n_taken = framer_put(&t->framer, samples, n);
        samples += n_taken;
        n -= n_taken;
        for (const float *frame; (frame = framer_next(&t->framer)) != NULL;) /* one at most */
            decide(t, t->kind->score(t->state, frame));
    }
}

uint64_t vad_turns_sound_end(const struct vad_turns *t)
{
    uint64_t end = t->last_sound * t->kind->hop + t->kind->n_sound;
    return end < t->n_samples ? end : t->n_samples;
}

uint64_t vad_turns_reach(const struct vad_turns *t)
{
    return (uint64_t)t->n_start_window * t->kind->hop + t->pre_roll_samples;
}
