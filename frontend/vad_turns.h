/* SPDX-License-Identifier: Apache-2.0
 * vad_turns.h - from the scores of one kind of detector to where speech starts and ends. */
#ifndef LINNET_FRONTEND_VAD_TURNS_H
#define LINNET_FRONTEND_VAD_TURNS_H

#include "frontend/framer.h"
#include "frontend/vad.h"

/* Scores above `start` start speech, and above `stay` keep it. */
struct vad_limits {
    float start, stay;
};

/* Frame t has the samples t * hop - n_before .. + length - 1 of the stream, zeros before its beginning. */
struct vad_kind {
    size_t length, hop, n_before; /* samples */
    size_t n_sound;               /* a sound in frame t counts as ending so many samples after t * hop */
    int n_least;                  /* frames that start speech, whatever start_ms says */
    int (*open)(void **state, const struct vad_options *o, struct message *msg); /* *state: only when good */
    void (*close)(void *state);
    void (*reset)(void *state);
    float (*score)(void *state, const float *frame);
    struct vad_limits (*limits)(const struct vad_options *o);
};

extern const struct vad_kind silero_vad, vad_energy;

/* Zeroed may be closed. */
struct vad_turns {
    const struct vad_kind *kind;
    void *state;
    struct framer framer;
    struct vad_limits limits;
    uint64_t start_bits;                 /* the last frames, bit 0 the newest: above the limit */
    int n_start, n_start_window, n_hold; /* frames */
    uint64_t pre_roll_samples;
    uint64_t n_frames, n_samples; /* so far */
    uint64_t last_sound;          /* frame */
    int is_speech;
    struct vad_change start, end; /* the last ones */
};

enum { VAD_STEP = VAD_RATE_HZ / 100 };

LINNET_MUST_CHECK int vad_turns_open(struct vad_turns *t, const struct vad_kind *kind, const struct vad_options *o,
                                     struct message *msg);
void vad_turns_close(struct vad_turns *t);
void vad_turns_reset(struct vad_turns *t);

/* Takes VAD_STEP samples at most: speech starts or ends once in them, if at all. */
void vad_turns_feed(struct vad_turns *t, const float *samples, size_t n);

/* The sample after the last sound of speech. */
uint64_t vad_turns_sound_end(const struct vad_turns *t);

/* A start is found at most so many samples after it, those that are in no whole frame yet aside. */
uint64_t vad_turns_reach(const struct vad_turns *t);

#endif
