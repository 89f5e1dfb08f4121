/* SPDX-License-Identifier: Apache-2.0
 * frames.h - samples to encoder states and, where the model has a CTC layer, CTC log probabilities: whole or in chunks.
 *
 * The path of every recording, whether a file is decoded at once or a microphone as it speaks: feed takes samples, next
 * gives blocks of states as soon as they can be computed, finish lets the last ones come. */
#ifndef LINNET_DECODERS_UTTERANCE_FRAMES_H
#define LINNET_DECODERS_UTTERANCE_FRAMES_H

#include "decoders/common/search.h"

struct frames;

struct frames_options {
    int chunk;       /* encoder frames of a chunk; <= 0: the whole recording at once, after finish */
    int left_chunks; /* of left context; -1: all */
    int pad;         /* finish adds silence so that every sample is in some encoder frame; WeNet drops up to
                        context frames at the end */
};

/* decoder.chunk, where 0 stands for the default, and decoder.left_chunks. */
extern const struct settings_table frames_settings;

/* The model and context must live as long. */
LINNET_MUST_CHECK int frames_open(struct frames **out, const struct linnet_model *m, struct nn_context *ctx,
                                  const struct frames_options *options, struct message *msg);
void frames_close(struct frames *f); /* NULL is fine */
void frames_reset(struct frames *f);

/* Takes of the samples [n], at 16 kHz, as many as the next block needs; *n_taken gets how many.  Then frames_next must
 * be called until it returns 0. */
LINNET_MUST_CHECK int frames_feed(struct frames *f, const float *samples, size_t n, size_t *n_taken,
                                  struct message *msg);
LINNET_MUST_CHECK int frames_finish(struct frames *f, struct message *msg);

/* The next block: 1 and the block, valid until the next call, or 0 when more samples are needed. */
LINNET_MUST_CHECK int frames_next(struct frames *f, struct frame_block *block, struct message *msg);

/* A new utterance begins with the next block: it has no left context.  Features that are not encoded yet stay. */
void frames_restart(struct frames *f);

/* Seconds spent on features and on encoding since the last call. */
void frames_times(struct frames *f, double *features_s, double *encoder_s);

#endif
