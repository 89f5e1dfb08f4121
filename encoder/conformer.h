/* SPDX-License-Identifier: Apache-2.0
 * conformer.h - WeNet's Conformer and Transformer encoders (Gulati et al. 2020; Zhang et al. 2020, U2).
 *
 * The weights are immutable and shared.  Two ways through them give the same numbers: conformer_forward takes a whole
 * recording, its attention unlimited or masked to chunks; conformer_stream takes frames as they come and carries what a
 * chunk needs of those before it: keys and values, the convolutions' inputs, the last features. */
#ifndef LINNET_ENCODER_CONFORMER_H
#define LINNET_ENCODER_CONFORMER_H

#include "encoder/conformer_config.h"
#include "encoder/position.h"
#include "nn/attention.h"

struct conformer_feed_forward {
    struct layer_norm norm;
    struct linear hidden, back; /* D -> n_hidden -> D */
};

struct conformer_attention {
    struct layer_norm norm;
    struct linear qkv, out;
    struct linear position; /* of relative attention: no bias */
    float *bias_u, *bias_v; /* [D] = [H, d] */
};

struct conformer_convolution {
    struct layer_norm norm;
    struct linear in;        /* D -> 2 E, the second half gates the first */
    float *weights, *bias;   /* depthwise: [K, E], [E]; a batch norm is folded into them */
    float *before;           /* [E] what stands for each frame before the first */
    struct layer_norm inner; /* of E, when it is no batch norm */
    struct linear out;       /* E -> D */
};

struct conformer_block {
    struct conformer_feed_forward macaron, feed_forward;
    struct conformer_attention attention;
    struct conformer_convolution convolution;
    struct layer_norm final;
};

struct conformer {
    struct conformer_config config;
    struct subsampling subsampling;
    struct position position;
    struct conformer_block *blocks; /* [n_blocks] */
    struct layer_norm norm;         /* at the end, with pre_norm and final_norm */
};

LINNET_MUST_CHECK int conformer_open(struct conformer **out, const struct conformer_config *config,
                                     const struct layer_source *from);
void conformer_close(struct conformer *m);
size_t conformer_bytes(const struct conformer *m); /* of weights in memory */

/* Encoder frames for so many feature frames. */
int conformer_frames(const struct conformer *m, int n_features);

/* A whole recording: features [n_features, mels] to out [conformer_frames, D].  chunk > 0: frames see their own chunk
 * of so many and left_chunks before it (-1: all), if the model was trained for that.  Returns the number of frames. */
LINNET_MUST_CHECK int conformer_forward(const struct conformer *m, struct nn_context *ctx, const float *features,
                                        int n_features, int chunk, int left_chunks, float *out, struct message *msg);

struct conformer_stream;

/* A stream of chunks.  The context must live as long as the stream.  Fails with LINNET_E_UNSUPPORTED for a model whose
 * frames depend on later ones. */
LINNET_MUST_CHECK int conformer_stream_open(struct conformer_stream **out, const struct conformer *m,
                                            struct nn_context *ctx, int chunk, int left_chunks, struct message *msg);
void conformer_stream_close(struct conformer_stream *s);
void conformer_stream_reset(struct conformer_stream *s);
void conformer_stream_restart(
    struct conformer_stream *s); /* the same, but features that were pushed and not used stay */

/* Takes some of the features [n, mels]: as many as are missing for the next chunk.  Returns how many. */
int conformer_stream_push(struct conformer_stream *s, const float *features, int n);
int conformer_stream_ready(const struct conformer_stream *s); /* 1: the features for a whole chunk are there */

/* Encodes the chunk that the features pushed give, a part of one at the end of a recording: out [chunk, D].  Returns
 * how many frames, 0 when there are too few features.  Only with left_chunks -1 can it fail, for memory. */
LINNET_MUST_CHECK int conformer_stream_step(struct conformer_stream *s, float *out, struct message *msg);

/* Block i's key and value of the frame j that the next chunk would see as its j-th oldest, [D] each; the keys of
 * relative attention with the position's part.  Returns how many such frames there are; key NULL: only that. */
int conformer_stream_cached(const struct conformer_stream *s, int i, int j, float *key, float *value);
/* Block i's last K - 1 gated inputs of the convolution [K - 1, E], or NULL where there is none. */
const float *conformer_stream_context(const struct conformer_stream *s, int i);

#endif
