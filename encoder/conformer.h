/* SPDX-License-Identifier: Apache-2.0
 * conformer.h - WeNet's Conformer and Transformer encoders (Gulati et al. 2020; Zhang et al. 2020, U2).
 *
 * Two ways through the weights give the same bits: forward takes a whole recording, its attention unlimited or masked
 * to chunks; a stream takes frames as they come and carries what a chunk needs of those before it: keys and values, the
 * convolutions' inputs, the last features. */
#ifndef LINNET_ENCODER_CONFORMER_H
#define LINNET_ENCODER_CONFORMER_H

#include "encoder/conformer_config.h"
#include "encoder/encoder.h"
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
    struct encoder base;
    struct conformer_config config;
    struct subsampling subsampling;
    struct conformer_block *blocks; /* [n_blocks] */
    struct layer_norm norm;         /* at the end, with pre_norm and final_norm */
};

struct conformer_feed_forward_names {
    const char *norm, *hidden, *back;
};

/* What tensors are called; a block's names come after `block` with its number. */
struct conformer_names {
    struct subsampling_names input;
    const char *block, *norm; /* "encoder.encoders.%d.", the last norm */
    const char *attention_norm, *qkv[3], *attention_out, *position, *bias_u, *bias_v;
    struct conformer_feed_forward_names feed_forward, macaron;
    const char *convolution_norm, *in, *depthwise, *inner_norm, *out, *final_norm;
};

static inline const struct conformer *conformer_of(const struct encoder *e) { return (const struct conformer *)e; }

extern const struct encoder_kind conformer_encoder_kind;

/* For comparisons.  Block i's key and value of the frame j that the next chunk would see as its j-th oldest, [D] each;
 * the keys of relative attention with the position's part.  Returns how many such frames there are; key NULL: only
 * that. */
int conformer_stream_cached(const struct encoder_stream *s, int i, int j, float *key, float *value);
/* Block i's last K - 1 gated inputs of the convolution [K - 1, E], or NULL where there is none. */
const float *conformer_stream_context(const struct encoder_stream *s, int i);

/* The rest of the table's entry. */
LINNET_MUST_CHECK int conformer_forward(const struct encoder *e, struct nn_context *ctx, const struct encoder_input *in,
                                        float *out, struct message *msg);
LINNET_MUST_CHECK int conformer_stream_open(struct encoder_stream **out, const struct encoder *e,
                                            struct nn_context *ctx, int chunk, int left_chunks, struct message *msg);
void conformer_stream_close(struct encoder_stream *s);
void conformer_stream_reset(struct encoder_stream *s, int keeps_features);
int conformer_stream_push(struct encoder_stream *s, const float *features, int n);
int conformer_stream_is_ready(const struct encoder_stream *s);
LINNET_MUST_CHECK int conformer_stream_step(struct encoder_stream *s, float *out, struct message *msg);

#endif
