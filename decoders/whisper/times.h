/* SPDX-License-Identifier: Apache-2.0
 * times.h - word times: dynamic time warping over the cross-attention of the alignment heads.
 *
 * Method and constants of openai-whisper's timing.py: softmax over the frames of the audio, z-norm over tokens, median
 * of 7 frames, mean of the heads, a path of least cost through tokens and frames. */
#ifndef LINNET_DECODERS_WHISPER_TIMES_H
#define LINNET_DECODERS_WHISPER_TIMES_H

#include "decoders/common/model.h"

/* A word: tokens first .. last - 1 of the text, seconds in the window. */
struct whisper_word {
    int first, last;
    double start_s, end_s;
    double probability;
};

/* Those of a text, and the median of their durations, 0.7 s at most. */
struct whisper_words {
    const struct whisper_word *at; /* [n] */
    int n;
    double median_s;
};

/* The text of a window. */
struct whisper_times_text {
    const int *start; /* [n_start] the start sequence without no_timestamps */
    int n_start;
    const int *tokens; /* [n] without special ones */
    int n;
    int n_frames;         /* encoder frames that hold audio */
    const char *language; /* or NULL */
};

struct whisper_times;

/* use_model_heads: the heads that generation_config.json names; else all heads of the upper half of the layers, which
 * is what openai-whisper takes for a checkpoint that it was given as a file. */
LINNET_MUST_CHECK int whisper_times_open(struct whisper_times **out, const struct linnet_model *model,
                                         int use_model_heads, struct message *msg);
void whisper_times_close(struct whisper_times *t);

/* Aligns a text with the window whose states the decoder has.  The words, punctuation joined to the one it belongs to,
 * live until the next call. */
LINNET_MUST_CHECK int whisper_times_align(struct whisper_times *t, struct nn_context *ctx,
                                          struct text_decoder_state *decoder, const struct whisper_times_text *text,
                                          struct whisper_words *words, struct message *msg);

#endif
