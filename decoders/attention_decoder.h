/* SPDX-License-Identifier: Apache-2.0
 * attention_decoder.h - WeNet's attention decoder: a Transformer that gives the probability of the next token.
 *
 * The weights (struct attention_decoder) are immutable and shared.  What an utterance needs (struct attention_state)
 * holds the encoder's output as keys and values for each block, made once, and a tree of token sequences: each node is
 * a token after its ancestors, its keys and values are kept, and what sequences share is computed once.  One call takes
 * any number of new nodes: a beam's next tokens, or all the tokens of an n-best list at once. */
#ifndef LINNET_DECODERS_ATTENTION_DECODER_H
#define LINNET_DECODERS_ATTENTION_DECODER_H

#include "decoders/common/label_tree.h"
#include "nn/context.h"
#include "nn/layers.h"

struct attention_decoder_config {
    int n_vocabulary;
    int n_dims, n_heads; /* width; heads of n_dims / n_heads */
    int n_hidden;        /* of the feed-forward layers */
    int n_blocks;
    int post_norm; /* 1: norms after each residual sum, not before each layer */
    enum nn_activation activation;
    float norm_eps;
    int sos, eos;
    enum layer_bias attention_bias, hidden_bias; /* LAYER_BIAS, or LAYER_BIAS_OPTIONAL when some layers have none */
};

struct attention_block {
    struct layer_norm norm[3]; /* before (or after) self-attention, cross-attention, feed-forward */
    struct linear qkv, out;
    struct linear cross_q, cross_kv, cross_out;
    struct linear hidden, back; /* feed-forward: D -> n_hidden -> D */
};

struct attention_decoder {
    struct attention_decoder_config config;
    float *embedding;               /* [V, D], times sqrt(D) */
    struct attention_block *blocks; /* [n_blocks] */
    struct layer_norm norm;         /* at the end; not with post_norm */
    struct linear output;
};

/* Reads the tensors prefix.embed.0.weight, prefix.decoders.0.self_attn.linear_q.weight and so on. */
LINNET_MUST_CHECK int attention_decoder_open(struct attention_decoder **out, const struct safetensors *weights,
                                             const char *prefix, const struct attention_decoder_config *config,
                                             struct pool *pool, struct message *msg);
void attention_decoder_close(struct attention_decoder *d);
size_t attention_decoder_bytes(const struct attention_decoder *d); /* of weights in memory */

struct attention_state;

LINNET_MUST_CHECK int attention_state_open(struct attention_state **out, const struct attention_decoder *d,
                                           struct message *msg);
void attention_state_close(struct attention_state *s);

/* A new utterance: encoder_out [n_frames, D], n_frames > 0, is not needed afterwards.  The tree is only its root, which
 * stands for sos. */
LINNET_MUST_CHECK int attention_state_begin(struct attention_state *s, struct nn_context *ctx, const float *encoder_out,
                                            int n_frames, struct message *msg);

/* The sequences.  Nodes are added with label_tree_add (after label_tree_reserve) and may be dropped; a node that is
 * added again must be computed again. */
struct label_tree *attention_state_tree(struct attention_state *s);

/* Computes nodes [n]: each node's parent must have been computed, or stand before it. */
LINNET_MUST_CHECK int attention_state_compute(struct attention_state *s, struct nn_context *ctx, const int *nodes,
                                              int n, struct message *msg);

/* The same for a recording that comes piece by piece.  A stream begins without frames; append adds some, keep forgets
 * all but the last n.  The root of the tree then stands for nothing: each child of it begins a sequence, at position 0,
 * usually with sos as its label.  compute_within limits the cross-attention of node i to frames begin[i] .. end[i] - 1,
 * counted from the oldest that is kept. */
void attention_state_begin_stream(struct attention_state *s);
LINNET_MUST_CHECK int attention_state_append(struct attention_state *s, struct nn_context *ctx,
                                             const float *encoder_out, int n_frames, struct message *msg);
void attention_state_keep(struct attention_state *s, int n_frames);
LINNET_MUST_CHECK int attention_state_compute_within(struct attention_state *s, struct nn_context *ctx,
                                                     const int *nodes, const int *begin, const int *end, int n,
                                                     struct message *msg);

/* log p(token | sequence) [n, V], natural log, for the nodes first .. first + n - 1 of the last compute. */
void attention_state_logprobs(struct attention_state *s, struct nn_context *ctx, int first, int n, float *logprobs);

#endif
