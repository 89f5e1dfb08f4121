/* SPDX-License-Identifier: Apache-2.0
 * hybrid_encoder.h - samples to encoder frames and CTC log probabilities of a WeNet model, whole or in chunks.
 *
 * The one path that recordings take, whether a file is decoded at once or a microphone word by word: feed gives
 * samples, next takes blocks of encoder frames as soon as they can be computed, finish lets the last ones come. */
#ifndef LINNET_DECODERS_HYBRID_ENCODER_H
#define LINNET_DECODERS_HYBRID_ENCODER_H

#include "base/settings.h"
#include "decoders/hybrid_model.h"

struct hybrid_encoder;

struct hybrid_encoder_options {
    int chunk;       /* encoder frames of a chunk; <= 0: the whole recording at once, after finish */
    int left_chunks; /* before it that a chunk sees; -1: all */
    int pad;         /* finish adds silence so that every sample is in some encoder frame; WeNet drops up to
                        context frames at the end */
};
extern const struct settings_table hybrid_encoder_settings; /* pad is the caller's */

struct hybrid_block {
    const float *states; /* [n, D] */
    float *logprobs;     /* [n, V] natural log; may be changed */
    int n;
};

/* The context must live as long. */
LINNET_MUST_CHECK int hybrid_encoder_open(struct hybrid_encoder **out, const struct hybrid_model *m,
                                          struct nn_context *ctx, const struct hybrid_encoder_options *options,
                                          struct message *msg);
void hybrid_encoder_close(struct hybrid_encoder *e);
void hybrid_encoder_reset(struct hybrid_encoder *e);

/* Takes some of the samples [n], at 16 kHz, as many as the next block needs (all, if it needs more); returns how many.
 * Then hybrid_encoder_next must be asked before more can be fed. */
LINNET_MUST_CHECK int hybrid_encoder_feed(struct hybrid_encoder *e, const float *samples, size_t n, size_t *n_taken,
                                          struct message *msg);
LINNET_MUST_CHECK int hybrid_encoder_finish(struct hybrid_encoder *e, struct message *msg);

/* The next block: 1 and the block, valid until the next call, or 0 when more samples are needed. */
LINNET_MUST_CHECK int hybrid_encoder_next(struct hybrid_encoder *e, struct hybrid_block *block, struct message *msg);

/* A new utterance begins with the next block: chunks no longer see those before.  The features go on. */
void hybrid_encoder_restart(struct hybrid_encoder *e);

/* Seconds spent on features and on encoding since the last call. */
void hybrid_encoder_times(struct hybrid_encoder *e, double *features_s, double *encoder_s);

/* Features so far [n_frames, mels] of a recording that is encoded whole (chunk <= 0), for exports. */
const float *hybrid_encoder_features(const struct hybrid_encoder *e, int *n_frames);

#endif
