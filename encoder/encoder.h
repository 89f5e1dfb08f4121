/* SPDX-License-Identifier: Apache-2.0
 * encoder.h - what every encoder is to the stages after it: features in, states out, at once or chunk by chunk.
 *
 * An encoder is a struct of weights that begins with a struct encoder, and a const struct encoder_kind at the end of
 * its file, named in ENCODERS.  Weights do not change after opening and are shared; what a stream carries from chunk to
 * chunk is in its struct encoder_stream.  Both ways give the same bits, for any number of threads. */
#ifndef LINNET_ENCODER_ENCODER_H
#define LINNET_ENCODER_ENCODER_H

#include "base/config.h"
#include "nn/context.h"
#include "nn/layers.h"

struct encoder {
    const struct encoder_kind *kind;
    int n_features, n_dims; /* width of a feature frame, of a state */
    int rate, context;      /* state t is of the features rate * t .. rate * t + context */
    int window;             /* features that are encoded together; 0: as many as there are */
    int static_chunk;       /* > 0: the only chunk, in states, that it was trained for */
    int dynamic_chunk;      /* trained for chunks of any size */
    int looks_ahead;        /* layers depend on later frames: it cannot be streamed */
};

/* Where an encoder is opened from. */
struct encoder_source {
    const struct config *config; /* of the model */
    const struct layer_source *layers;
    const void *names; /* of its tensors, in the encoder's own struct */
};

/* A recording, or a window of one. */
struct encoder_input {
    const float *features; /* [n, n_features] */
    int n;
    int chunk, left_chunks; /* chunk > 0: states see their own chunk and left_chunks before it (-1: all) */
};

/* The first member of every encoder's stream. */
struct encoder_stream {
    const struct encoder *encoder;
};

struct encoder_kind {
    const char *name;
    int (*open)(struct encoder **out, const struct encoder_source *from);
    void (*close)(struct encoder *e);
    size_t (*bytes)(const struct encoder *e);
    int (*forward)(const struct encoder *e, struct nn_context *ctx, const struct encoder_input *in, float *out,
                   struct message *msg);
    /* NULL, all of them, where it cannot be streamed: */
    int (*stream_open)(struct encoder_stream **out, const struct encoder *e, struct nn_context *ctx, int chunk,
                       int left_chunks, struct message *msg);
    void (*stream_close)(struct encoder_stream *s);
    void (*stream_reset)(struct encoder_stream *s, int keeps_features);
    int (*stream_push)(struct encoder_stream *s, const float *features, int n);
    int (*stream_is_ready)(const struct encoder_stream *s);
    int (*stream_step)(struct encoder_stream *s, float *out, struct message *msg);
};

/* Opens the encoder of that kind. */
LINNET_MUST_CHECK int encoder_open(struct encoder **out, const char *kind, const struct encoder_source *from);
void encoder_close(struct encoder *e);         /* NULL is fine */
size_t encoder_bytes(const struct encoder *e); /* of weights in memory */

int encoder_frames(const struct encoder *e, int n_features); /* states that so many features give */

/* The chunk that is used when `chunk` is asked for (<= 0: none): the only size that the encoder was trained for, or 0,
 * the whole recording, where it was not trained for chunks. */
int encoder_chunk(const struct encoder *e, int chunk);

/* All features of the input to out [encoder_frames, n_dims].  Returns the number of states. */
LINNET_MUST_CHECK int encoder_forward(const struct encoder *e, struct nn_context *ctx, const struct encoder_input *in,
                                      float *out, struct message *msg);

/* A stream of chunks.  The context must live as long.  Fails with LINNET_E_UNSUPPORTED for an encoder that cannot be
 * streamed. */
LINNET_MUST_CHECK int encoder_stream_open(struct encoder_stream **out, const struct encoder *e, struct nn_context *ctx,
                                          int chunk, int left_chunks, struct message *msg);
void encoder_stream_close(struct encoder_stream *s);   /* NULL is fine */
void encoder_stream_reset(struct encoder_stream *s);   /* for another recording */
void encoder_stream_restart(struct encoder_stream *s); /* the same, but features pushed and not used yet stay */

/* Takes of the features [n, n_features] as many as are missing for the next chunk.  Returns how many. */
int encoder_stream_push(struct encoder_stream *s, const float *features, int n);
int encoder_stream_is_ready(const struct encoder_stream *s); /* the features for a whole chunk are there */

/* Encodes the chunk that the features pushed give, a part of one at the end of a recording: out [chunk, n_dims].
 * Returns how many states, 0 when there are too few features.  Only with left_chunks -1 can it fail, for memory. */
LINNET_MUST_CHECK int encoder_stream_step(struct encoder_stream *s, float *out, struct message *msg);

#endif
