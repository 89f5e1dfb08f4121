/* SPDX-License-Identifier: Apache-2.0
 * whisper_times.h - when each word was said: dynamic time warping over the cross-attention of the alignment heads.
 *
 * Method and constants of openai-whisper's timing.py: softmax over the frames of the audio, z-norm over tokens, median
 * of 7 frames, mean of the heads, a path of least cost through tokens and frames. */
#ifndef LINNET_DECODERS_WHISPER_TIMES_H
#define LINNET_DECODERS_WHISPER_TIMES_H

#include "decoders/whisper_model.h"

/* A word: tokens first .. last - 1 of the text, seconds in the window. */
struct whisper_word {
    int first, last;
    double start_s, end_s;
    double probability;
};

struct whisper_times;

/* use_model_heads: the heads that generation_config.json names; else all heads of the upper half of the layers, which
 * is what openai-whisper takes for a checkpoint that it was given as a file. */
LINNET_MUST_CHECK int whisper_times_open(struct whisper_times **out, const struct whisper_model *model,
                                         int use_model_heads, struct message *msg);
void whisper_times_close(struct whisper_times *t);

/* Aligns text [n] (no special tokens) with the window that state listens to.  start [n_start] is the start sequence
 * without no_timestamps; n_frames are the encoder frames that hold audio.  *words gets *n_words, punctuation joined to
 * the word it belongs to, alive until the next call; language may be NULL. */
LINNET_MUST_CHECK int whisper_times_align(struct whisper_times *t, struct nn_context *ctx,
                                          struct whisper_network_state *state, const int *start, int n_start,
                                          const int *text, int n, int n_frames, const char *language,
                                          const struct whisper_word **words, int *n_words, double *median_s,
                                          struct message *msg);

#endif
