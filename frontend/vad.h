/* SPDX-License-Identifier: Apache-2.0
 * vad.h - where a stream holds speech, from its sound alone.
 *
 * Samples are 16 kHz in [-1, 1].  The detector finds the samples where speech starts and ends, in turns and in order;
 * a stream starts in silence.  A start lies before the sound that showed it (pre_roll_ms), an end after it (hold_ms),
 * so that no first or last word is lost: a start is found up to vad_reach after its sample.  What
 * lies before vad_decided does not change any more.
 *
 * Energy (vad_energy.c) hears any sound that changes as speech does, and needs no weights.  Silero (silero.h), a
 * network, knows speech from other sounds; where it does, energy says when exactly that starts and ends. */
#ifndef LINNET_FRONTEND_VAD_H
#define LINNET_FRONTEND_VAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "base/status.h"
#include "frontend/rate.h"

#define VAD_RATE_HZ AUDIO_RATE_HZ

struct vad;

/* VAD_AUTO: silero where its weights are named, else energy. */
#define VAD_WANTED(X) X(VAD_AUTO, "auto") X(VAD_SILERO, "silero") X(VAD_ENERGY, "energy")
enum vad_wanted { VAD_WANTED(SETTING_ENUM) };

struct vad_options {
    enum vad_wanted kind;
    char *model;         /* file of silero's weights; "": none */
    double threshold;    /* probability from which silero takes a block for speech */
    double threshold_db; /* mean excess over the noise of all bands that counts as speech; lower: more sensitive */
    int start_ms;        /* minimum duration of sound, within 1.5 times that, that starts speech: clicks are shorter */
    int hold_ms;         /* silence after the last sound that ends speech */
    int pre_roll_ms;     /* audio before the first sound that counts as speech */
};
extern const struct settings_table vad_settings;

struct vad_change {
    uint64_t at;    /* sample of the stream */
    uint64_t sound; /* where the sound itself starts, at most the pre-roll after `at`, or ends, before the hold */
    int is_speech;  /* from there on */
};

LINNET_MUST_CHECK int vad_open(struct vad **out, const struct vad_options *options, struct message *msg);
void vad_close(struct vad *v);
void vad_reset(struct vad *v);

size_t vad_max_changes(const struct vad *v, size_t n); /* room that vad_feed needs for n samples */

/* Takes n samples and writes the changes that they show; returns how many. */
size_t vad_feed(struct vad *v, const float *samples, size_t n, struct vad_change *changes);

/* The end of the stream: speech that is open ends here.  Returns how many changes (0 or 1) were written. */
size_t vad_finish(struct vad *v, struct vad_change *change);

int vad_is_speech(const struct vad *v);      /* after the last change */
int vad_may_be_speech(const struct vad *v);  /* not yet, but the beginning of a sound that may be found to be speech */
uint64_t vad_decided(const struct vad *v);   /* no change will lie before this sample */
uint64_t vad_sound_end(const struct vad *v); /* the sample after the last sound of speech */
size_t vad_reach(const struct vad *v);       /* no start is found more than so many samples after it */

#endif
