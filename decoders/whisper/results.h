/* SPDX-License-Identifier: Apache-2.0
 * results.h - from the tokens of a window to events: segments, words and their times, n-best lists. */
#ifndef LINNET_DECODERS_WHISPER_RESULTS_H
#define LINNET_DECODERS_WHISPER_RESULTS_H

#include "base/buffer.h"
#include "decoders/common/host.h"
#include "decoders/whisper/outcome.h"
#include "decoders/whisper/segments.h"
#include "decoders/whisper_common/prompt.h"
#include "frontend/speech.h"

struct whisper_window {
    int64_t seek; /* frame where it starts */
    int n_frames; /* that hold audio */
    int goes_on;  /* it starts where the text before had its last time stamp, too early perhaps */
};

struct whisper_results {
    const struct decoder_host *host;
    int n_nbest; /* hypotheses in an event */
    int condition_on_previous;
    struct whisper_prompt *prompt;
    struct nn_context *ctx;
    struct text_decoder_state *decoder;
    struct whisper_times *times; /* with word times only */
    struct whisper_segments *segments;
    const struct speech *speech;           /* or NULL */
    double last_speech_s, last_duration_s; /* where the last word ends; of the last segment */
    struct buffer text;
};

/* Everything must outlive it; ctx and decoder, in its state after the search, are for word times.  speech: NULL, or who
 * knows where somebody speaks: segments in which nobody does are dropped.  A zeroed one may be closed. */
LINNET_MUST_CHECK int whisper_results_open(struct whisper_results *r, const struct decoder_host *host,
                                           struct whisper_prompt *prompt, struct nn_context *ctx,
                                           struct text_decoder_state *decoder, const struct speech *speech);
void whisper_results_close(struct whisper_results *r);
void whisper_results_reset(struct whisper_results *r); /* to the start of a recording */

/* The first sample of speech that a window from frame seek on asks for. */
uint64_t whisper_results_earliest(int64_t seek);

/* Pushes the segments of a window as events, and adds them to the prompt.  *n_done gets the frames after which the next
 * window starts. */
LINNET_MUST_CHECK int whisper_results_push(struct whisper_results *r, const struct whisper_outcome *o,
                                           const struct whisper_window *window, int *n_done);

#endif
