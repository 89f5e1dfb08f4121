/* SPDX-License-Identifier: Apache-2.0
 * subsampling.h - WeNet's input layers: feature frames to fewer, wider frames.
 *
 *     linear    Linear, LayerNorm                              rate 1, context 0
 *     conv2d    two 3x3 convolutions, stride 2, ReLU; Linear   rate 4, context 6
 *     conv2d6   3x3 stride 2, 5x5 stride 3; Linear             rate 6, context 10
 *     conv2d8   three 3x3 stride 2; Linear                     rate 8, context 14
 *
 * Output frame t sees the features rate * t .. rate * t + context, after normalization by the model's mean and standard
 * deviation.  Nothing is padded: a stream keeps the last context + 1 - rate features and repeats the little of the
 * first convolution that they take part in. */
#ifndef LINNET_ENCODER_SUBSAMPLING_H
#define LINNET_ENCODER_SUBSAMPLING_H

#include "nn/layers.h"

#define SUBSAMPLING_STAGES 3
#define SUBSAMPLING_TAPS 5

enum subsampling_kind { SUBSAMPLING_LINEAR, SUBSAMPLING_CONV2D, SUBSAMPLING_CONV2D6, SUBSAMPLING_CONV2D8 };
#define SUBSAMPLING_KINDS "linear|conv2d|conv2d6|conv2d8" /* in the order of the enum */

/* A convolution over time and frequency as one linear layer for each tap in time (the first stage: for all taps). */
struct subsampling_stage {
    int kernel, stride;
    int n_out;   /* frequencies that come out */
    int pitch;   /* frequencies that an output row has room for: pitch_in = stride * pitch */
    int n_later; /* product of the later stages' strides: in how many planes the output lies */
    struct linear taps[SUBSAMPLING_TAPS];
};

struct subsampling {
    enum subsampling_kind kind;
    int n_features, n_dims;
    int rate, context;
    int n_stages;
    float *mean, *istd; /* [n_features], or NULL */
    struct subsampling_stage stages[SUBSAMPLING_STAGES];
    struct linear out;
    struct layer_norm norm; /* of linear */
};

/* What tensors are called. */
struct subsampling_names {
    const char *layers;      /* "encoder.embed.": before conv.0 and so on */
    const char *mean, *istd; /* of features, where the model has them */
};

LINNET_MUST_CHECK int subsampling_open(struct subsampling *s, enum subsampling_kind kind, int n_features, int n_dims,
                                       const struct subsampling_names *names, const struct layer_source *from);
void subsampling_close(struct subsampling *s); /* half-opened and zeroed ones too */
size_t subsampling_bytes(const struct subsampling *s);

/* Scratch of one stream or call: a few blocks of frames, however long the input. */
struct subsampling_state {
    float *features;                   /* a block, normalised */
    float *gathered;                   /* input of the first stage, taps side by side */
    float *planes[SUBSAMPLING_STAGES]; /* outputs of the stages */
};

LINNET_MUST_CHECK int subsampling_state_open(struct subsampling_state *state, const struct subsampling *s,
                                             struct nn_context *ctx, struct message *msg);
void subsampling_state_close(struct subsampling_state *state);

/* features [n_features frames, mels] to out [n, n_dims]; returns n. */
int subsampling_forward(struct nn_context *ctx, const struct subsampling *s, struct subsampling_state *state,
                        const float *features, int n_features, float *out);

#endif
