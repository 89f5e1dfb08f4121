/* SPDX-License-Identifier: Apache-2.0
 * results.h - from the tokens of a window to events: segments, words and their times, n-best lists. */
#ifndef LINNET_DECODERS_WHISPER_RESULTS_H
#define LINNET_DECODERS_WHISPER_RESULTS_H

#include "base/buffer.h"
#include "decoders/common/host.h"
#include "decoders/whisper/search.h"
#include "decoders/whisper/segments.h"
#include "decoders/whisper_common/prompt.h"

enum { WHISPER_FRAMES_PER_S = 100 }; /* of the spectrogram */

/* What the search found in a window. */
struct whisper_outcome {
    const struct whisper_hypothesis *best; /* [n] best first */
    int n;
    double no_speech, mean_logprob, temperature, compression_ratio;
    double language_probability; /* 0 where the language was given */
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
    double last_speech_s;
    struct buffer text;
};

/* Everything must outlive it; ctx and decoder, in its state after the search, are for word times.  A zeroed one may be
 * closed. */
LINNET_MUST_CHECK int whisper_results_open(struct whisper_results *r, const struct decoder_host *host,
                                           struct whisper_prompt *prompt, struct nn_context *ctx,
                                           struct text_decoder_state *decoder);
void whisper_results_close(struct whisper_results *r);
void whisper_results_reset(struct whisper_results *r); /* to the start of a recording */

/* Pushes the segments of the window of n_frames from frame seek on as events, and adds them to the prompt.  *n_done
 * gets the frames after which the next window starts. */
LINNET_MUST_CHECK int whisper_results_push(struct whisper_results *r, const struct whisper_outcome *o, int64_t seek,
                                           int n_frames, int *n_done);

#endif
