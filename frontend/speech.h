/* SPDX-License-Identifier: Apache-2.0
 * speech.h - where a recording holds speech, for decoders that skip silence. */
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

/* The first sample from `from` on that is speech, or SPEECH_NONE when none of the decided ones is.  What lies before
 * `from` is dropped. */
uint64_t speech_next(struct speech *s, uint64_t from);

#endif
