/* SPDX-License-Identifier: Apache-2.0
 * forward.h - the tensors of a model between a recording and its words, for inspection and comparison. */
#ifndef LINNET_MODELS_FORWARD_H
#define LINNET_MODELS_FORWARD_H

#include "decoders/common/model.h"
#include "frontend/audio_file.h"

/* How the encoder is run. */
struct forward_options {
    int chunk;       /* encoder frames; <= 0: the whole recording */
    int left_chunks; /* of context; -1: all */
};

/* Zeroed may be closed. */
struct forward {
    int n_features, n_states;
    float *features; /* [n_features, mels]: as they are before normalization, of windows as the encoder takes them */
    float *states;   /* [n_states, D] encoder output */
    float *logprobs; /* [n_states, V] of CTC, or NULL */
};

/* The recording from where it stands, which must be at 16 kHz: all of it, or its first window for an encoder that takes
 * windows, filled up with silence. */
LINNET_MUST_CHECK int forward_open(struct forward *f, const struct linnet_model *m, struct audio_file *audio,
                                   const struct forward_options *options, struct message *msg);
void forward_close(struct forward *f);

/* Logits [n, V] of the model's text decoder after each of the tokens [n]. */
LINNET_MUST_CHECK int forward_logits(const struct forward *f, const struct linnet_model *m, const int *tokens, int n,
                                     float *logits, struct message *msg);

/* Encodes f's features again as a stream.  *difference: the largest that an encoder output has from f->states, infinite
 * when the number of frames differs. */
LINNET_MUST_CHECK int forward_verify(const struct forward *f, const struct linnet_model *m,
                                     const struct forward_options *options, double *difference, struct message *msg);

#endif
