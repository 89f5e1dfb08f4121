/* SPDX-License-Identifier: Apache-2.0
 * frames.h - the log-mel frames of a recording, from the next window on: what lies before is dropped, so memory does
 * not grow with the recording. */
#ifndef LINNET_DECODERS_WHISPER_FRAMES_H
#define LINNET_DECODERS_WHISPER_FRAMES_H

#include <stdint.h>

#include "decoders/common/model.h"
#include "frontend/log_mel.h"

enum { WHISPER_FRAMES_PER_S = 100 };

/* Zeroed ones may be closed. */
struct whisper_frames {
    struct features_stream *mel;
    size_t n_mels;
    float *at; /* [room, n_mels] log10, from frame `first` on */
    int64_t first, n;
    float largest;     /* of the previewed frames; -INFINITY: there are none */
    int was_previewed; /* samples were, and nothing was fed yet */
};

LINNET_MUST_CHECK int whisper_frames_open(struct whisper_frames *f, const struct linnet_model *model,
                                          struct message *msg);
void whisper_frames_close(struct whisper_frames *f);
void whisper_frames_reset(struct whisper_frames *f); /* to the start of a recording */

/* Looks at samples before any is fed, for the largest value of the recording. */
void whisper_frames_preview(struct whisper_frames *f, const float *samples, size_t n);

/* The next samples, AUDIO_RATE_HZ of them at most.  More than a window may not be kept when they come. */
void whisper_frames_feed(struct whisper_frames *f, const float *samples, size_t n);

/* The end of the recording: the last frames are completed with silence. */
void whisper_frames_finish(struct whisper_frames *f);

static inline int64_t whisper_frames_end(const struct whisper_frames *f) { return f->first + f->n; }

void whisper_frames_drop(struct whisper_frames *f, int64_t before);

/* Writes frames from `from` on to window [n_filled, n_mels], normalised: n that hold audio, then 0; or, padded with
 * silence, all that are there, and silence. */
void whisper_frames_window(const struct whisper_frames *f, int64_t from, int n, int n_filled, int pads_with_silence,
                           float *window);

#endif
