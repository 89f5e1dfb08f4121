/* SPDX-License-Identifier: Apache-2.0
 * outcome.h - what the search found in a window, and whether it can be text of what is said there. */
#ifndef LINNET_DECODERS_WHISPER_OUTCOME_H
#define LINNET_DECODERS_WHISPER_OUTCOME_H

#include "base/buffer.h"
#include "decoders/whisper/search.h"
#include "decoders/whisper_common/options.h"

struct whisper_outcome {
    const struct whisper_hypothesis *best; /* [n] best first */
    int n;
    int n_tokens; /* of the best one that are kept: fewer than it has where a repetition was cut off */
    double no_speech, mean_logprob, temperature;
    double compression_ratio;    /* by what factor zlib shortens the text: high for repetitions */
    double language_probability; /* 0 where the language was given */
    int other_language;          /* token of the one that the window seems to be in, or -1 */
};

/* Fills in what is computed of the hypotheses; text is for its use. */
LINNET_MUST_CHECK int whisper_outcome_measure(struct whisper_outcome *o, const struct whisper_vocab *vocab,
                                              struct buffer *text, struct message *msg);

/* Whether the text is neither repetitive nor improbable, or the window is silence. */
int whisper_outcome_is_accepted(const struct whisper_outcome *o, const struct whisper_options *options);

int whisper_outcome_is_repetitive(const struct whisper_outcome *o, const struct whisper_options *options);

/* Whether the model thinks that nobody speaks: what it wrote is no text then. */
int whisper_outcome_is_silence(const struct whisper_outcome *o, const struct whisper_options *options);

/* The last time stamp of the text in encoder frames, -1 where there is none; *n_text gets how many of its tokens are
 * no time stamps. */
int whisper_outcome_last_time(const struct whisper_outcome *o, const struct whisper_vocab *vocab, int *n_text);

/* Keeps of a repetitive text what comes before the second time of something that is there three times or more: a
 * sentence that is said twice compresses as well. */
LINNET_MUST_CHECK int whisper_outcome_cut_repetition(struct whisper_outcome *o, const struct whisper_options *options,
                                                     const struct whisper_vocab *vocab, struct buffer *text,
                                                     struct message *msg);

#endif
