/* SPDX-License-Identifier: Apache-2.0
 * speech.h - where a recording holds speech, for decoders that skip silence and drop text that nobody spoke.
 *
 * All positions are samples of the recording.  What was found is kept until speech_drop. */
#ifndef LINNET_FRONTEND_SPEECH_H
#define LINNET_FRONTEND_SPEECH_H

#include <stdint.h>

#include "frontend/vad.h"

#define SPEECH_NONE UINT64_MAX

/* Zeroed may be closed. */
struct speech {
    struct vad *vad;
    struct vad_change *changes; /* [n] not yet dropped */
    size_t n;
    int room;
    int is_speech; /* before the first of them */
    uint64_t end;  /* of the recording, once finished */
    int has_finished;
};

LINNET_MUST_CHECK int speech_open(struct speech *s, const struct vad_options *options, struct message *msg);
void speech_close(struct speech *s);
void speech_reset(struct speech *s);

LINNET_MUST_CHECK int speech_feed(struct speech *s, const float *samples, size_t n, struct message *msg);
LINNET_MUST_CHECK int speech_finish(struct speech *s, uint64_t n_samples, struct message *msg);

/* Samples before this one are decided. */
uint64_t speech_decided(const struct speech *s);

/* The first sample from `from` on that is speech, margins included, or SPEECH_NONE when none of the decided ones is. */
uint64_t speech_next(const struct speech *s, uint64_t from);

/* How many of the samples from .. to - 1, all of them decided, are speech, the margins (pre-roll and hold) taken off: 0
 * where nobody speaks, also just after somebody did.  What has not ended at `to` counts up to there, whatever comes
 * later: the result does not depend on how much was fed. */
uint64_t speech_within(const struct speech *s, uint64_t from, uint64_t to);

/* Nothing before this sample will be asked for any more. */
void speech_drop(struct speech *s, uint64_t before);

#endif
