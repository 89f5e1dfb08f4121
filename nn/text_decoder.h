/* SPDX-License-Identifier: Apache-2.0
 * text_decoder.h - the decoder of a Transformer (Vaswani et al. 2017): from encoder states and the tokens so far to the
 * next token.
 *
 * The weights (struct text_decoder) do not change and are shared.  What a stream needs (struct text_decoder_state)
 * holds the encoder's states as keys and values of the cross-attention, made once, and slots: the self-attention's keys
 * and values of one token each.  A step takes rows: a token, its position, and the slots of the tokens before it.  The
 * caller assigns the slots, so hypotheses share those of their common prefix and nothing is copied when they change; a
 * prompt, or a whole n-best list, is many rows of one step.  A row has the same bits whatever rows are computed with
 * it. */
#ifndef LINNET_NN_TEXT_DECODER_H
#define LINNET_NN_TEXT_DECODER_H

#include "nn/attention.h"
#include "nn/layers.h"

/* What the tensors are called in a model file: each is NAME.weight and, with a bias, NAME.bias, after the prefix that
 * text_decoder_open is given; those of block i after BLOCKS.i. too. */
struct text_decoder_names {
    const char *embedding, *positions, *norm, *output, *blocks;
    const char *norms[3];           /* of self-attention, cross-attention, feed-forward */
    const char *self[4], *cross[4]; /* queries, keys, values, and the layer that joins the heads */
    const char *hidden, *back;      /* feed-forward: D -> n_hidden -> D */
};

struct text_decoder_config {
    int n_vocabulary;
    int n_dims, n_heads; /* width; heads of n_dims / n_heads */
    int n_hidden;        /* of the feed-forward layers */
    int n_blocks;
    int n_positions; /* of a learned table; 0: sinusoids, of any number */
    int tied;        /* 1: the output layer is the embedding, without a bias */
    int post_norm;   /* 1: norms after each residual sum and none at the end, not before each layer and at the end */
    float embedding_scale; /* embeddings are multiplied by it */
    float norm_eps;
    enum nn_activation activation;
    int sos, eos;             /* tokens that begin and end a text, for who searches; the arithmetic needs none */
    enum layer_bias key_bias; /* of the layers that are joined with one of keys, which has no bias in some models */
    enum layer_bias attention_bias, hidden_bias;
};

struct text_decoder_block {
    struct layer_norm norm[3]; /* before (or after) self-attention, cross-attention, feed-forward */
    struct linear qkv, out;
    struct linear cross_q, cross_kv, cross_out;
    struct linear hidden, back;
};

struct text_decoder {
    struct text_decoder_config config;
    float *embedding;                  /* [V, D]; NULL: tied */
    const struct tensor *stored;       /* tied to no floats: the embedding as it is stored, in the open file */
    float *positions;                  /* [n_positions, D]; NULL: sinusoids */
    struct text_decoder_block *blocks; /* [n_blocks] */
    void *weights;                     /* of the blocks' layers; NULL: in the model's file */
    struct layer_norm norm;            /* at the end; not with post_norm */
    struct linear output;
};

/* The file must stay open as long as the decoder does. */
LINNET_MUST_CHECK int text_decoder_open(struct text_decoder **out, const struct text_decoder_config *config,
                                        const struct text_decoder_names *names, const char *prefix,
                                        const struct layer_source *from);
void text_decoder_close(struct text_decoder *d);               /* NULL is fine */
size_t text_decoder_bytes(const struct text_decoder *d);       /* of weights in memory */
size_t text_decoder_frame_bytes(const struct text_decoder *d); /* of keys and values that a state keeps of a frame */

/* The rows of a step on their way through the layers.  A zeroed one may be closed. */
struct text_work {
    void *block;
    float *x, *norm, *attended; /* [n_rows, D] */
    float *wide;                /* [n_rows, max(3 D, n_hidden)] */
    int n_rows;                 /* at most */
};

/* Makes room for n_rows; only grows. */
LINNET_MUST_CHECK int text_work_reserve(struct text_work *w, const struct text_decoder *d, int n_rows);
void text_work_close(struct text_work *w);

/* What one stream keeps.  A zeroed one may be closed. */
struct text_decoder_state {
    const struct text_decoder *decoder;
    struct attention_cache cross; /* the encoder's states, to n_blocks * H heads */
    float *frames;                /* [n_frames, 2 D] some of them, while they become keys and values */
    float *slots;                 /* [n_blocks][2][H][n_slots][d] keys and values of each slot */
    float *positions;             /* [n_positions, D] sinusoids */
    struct text_work work;        /* of its own steps */
    int n_frames, n_slots, n_positions;
};

/* n_frames of the encoder find room before the cross-attention grows. */
LINNET_MUST_CHECK int text_decoder_state_open(struct text_decoder_state *s, const struct text_decoder *d, int n_frames,
                                              struct message *msg);
void text_decoder_state_close(struct text_decoder_state *s);

/* Makes room for steps of up to n_rows rows, slots 0 .. n_slots - 1 and positions 0 .. n_positions - 1; only grows.
 * Slots keep what they hold. */
LINNET_MUST_CHECK int text_decoder_state_reserve(struct text_decoder_state *s, struct nn_context *ctx, int n_rows,
                                                 int n_slots, int n_positions, struct message *msg);

/* The encoder's states: reserve_frames makes room for the next n, append takes them [n, D], of which nothing is needed
 * afterwards.  keep drops all but the newest n, cut all but the oldest n, clear all of them. */
LINNET_MUST_CHECK int text_decoder_state_reserve_frames(struct text_decoder_state *s, struct nn_context *ctx, int n,
                                                        struct message *msg);
void text_decoder_state_append(struct text_decoder_state *s, struct nn_context *ctx, const float *states, int n);
void text_decoder_state_keep(struct text_decoder_state *s, int n);
void text_decoder_state_cut(struct text_decoder_state *s, int n);
void text_decoder_state_clear(struct text_decoder_state *s);

static inline int text_decoder_state_frames(const struct text_decoder_state *s)
{
    return attention_cache_length(&s->cross);
}

/* A row of a step. */
struct text_row {
    int token, position;
    const int *slots; /* [position + 1] of the tokens before and, last, of this one */
};

/* What rows see of the frames, and whose attention is kept. */
struct text_cross {
    const int *begin, *end; /* [n_rows] row i sees frames begin[i] .. end[i] - 1 (0 = oldest); NULL: all */
    const int *taps;        /* [n_blocks * H] which of the n tapped heads a head is, < 0 for none; NULL: none are */
    float *weights;         /* [n, n_rows, n_frames] attention of the tapped heads */
};

/* Runs rows [n]; rows may refer to slots of rows before them in the same step.  cross may be NULL. */
void text_decoder_state_step(struct text_decoder_state *s, struct nn_context *ctx, const struct text_row *rows, int n,
                             const struct text_cross *cross);

/* The rows of one state in a step that several share. */
struct text_part {
    struct text_decoder_state *state;
    const struct text_row *rows; /* [n] as above */
    int n;
    const struct text_cross *cross; /* may be NULL */
};

/* Runs the rows of all parts, whose states are different ones of decoder d: they read its weights together.  w, which
 * must have room for all rows, gets them in order. */
void text_decoder_step(const struct text_decoder *d, struct nn_context *ctx, struct text_work *w,
                       const struct text_part *parts, int n_parts);

/* What follows the rows wanted [n], in rising order, of the step that w holds: logits [n, V]. */
void text_decoder_logits(const struct text_decoder *d, struct nn_context *ctx, struct text_work *w, const int *wanted,
                         int n, float *logits);

/* What follows the rows first .. first + n - 1 of the last step: logits [n, V], or log probabilities (natural log). */
void text_decoder_state_logits(const struct text_decoder_state *s, struct nn_context *ctx, int first, int n,
                               float *logits);
void text_decoder_state_logprobs(const struct text_decoder_state *s, struct nn_context *ctx, int first, int n,
                                 float *logprobs);

#endif
