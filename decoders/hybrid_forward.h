/* SPDX-License-Identifier: Apache-2.0
 * hybrid_forward.h - the tensors of a WeNet model between a recording and its words, to be looked at and compared. */
#ifndef LINNET_DECODERS_HYBRID_FORWARD_H
#define LINNET_DECODERS_HYBRID_FORWARD_H

#include "decoders/hybrid_model.h"
#include "frontend/audio_file.h"

/* Zeroed may be closed. */
struct hybrid_forward {
    int n_features, n_states;
    float *features; /* [n_features, mels], as they are before normalization */
    float *states;   /* [n_states, D] encoder output */
    float *logprobs; /* [n_states, V] */
};

/* The recording from where it stands, which must be at 16 kHz.  chunk and left_chunks as in conformer_forward. */
LINNET_MUST_CHECK int hybrid_forward(struct hybrid_forward *f, const struct hybrid_model *m, struct pool *pool,
                                     struct audio_file *audio, int chunk, int left_chunks, struct message *msg);
void hybrid_forward_close(struct hybrid_forward *f);

/* Encodes f's features again as a stream.  *difference: the largest that an encoder output has from f->states, infinite
 * when the number of frames differs. */
LINNET_MUST_CHECK int hybrid_forward_verify(const struct hybrid_forward *f, const struct hybrid_model *m,
                                            struct pool *pool, int chunk, int left_chunks, double *difference,
                                            struct message *msg);

#endif
