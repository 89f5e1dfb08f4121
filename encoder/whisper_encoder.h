/* SPDX-License-Identifier: Apache-2.0
 * whisper_encoder.h - Whisper's audio encoder (Radford et al. 2022): two convolutions, a pre-norm Transformer. */
#ifndef LINNET_ENCODER_WHISPER_ENCODER_H
#define LINNET_ENCODER_WHISPER_ENCODER_H

#include "encoder/encoder.h"
#include "nn/attention.h"

struct whisper_encoder_layer {
    struct layer_norm attention_norm, ffn_norm;
    struct linear qkv, out, ffn1, ffn2;
};

/* Immutable after opening; shared by streams. */
struct whisper_encoder {
    struct encoder base;
    int n_layers, n_heads, n_hidden;
    int n_states; /* of a window */
    struct linear conv1, conv2;
    float *positions;                     /* [n_states, D] */
    struct whisper_encoder_layer *layers; /* [n_layers] */
    struct layer_norm norm;
    struct whisper_silence *silence; /* for streams; it has a lock of its own */
};

extern const struct encoder_kind whisper_encoder_kind;

static inline const struct whisper_encoder *whisper_encoder_of(const struct encoder *e)
{
    return (const struct whisper_encoder *)e;
}

/* What one stream needs. */
struct whisper_encoder_state {
    void *block;                    /* of the arrays */
    float *mel;                     /* [2 n_states + 2, n_mels] with a row of zeros before and after */
    float *norm;                    /* [n_states, D] */
    float *wide;                    /* [n_states, max(3 D, ffn)]; before that, conv1's output [2 n_states + 2, D] */
    struct attention_cache *caches; /* [n_caches] keys and values: a cache for each layer, or one for all in turn */
    int n_caches;
};

/* keeps: the keys and values of every layer are kept, so that a later call can encode only what follows them. */
LINNET_MUST_CHECK int whisper_encoder_state_open(struct whisper_encoder_state *s, const struct whisper_encoder *e,
                                                 int keeps, struct nn_context *ctx, struct message *msg);
void whisper_encoder_state_close(struct whisper_encoder_state *s);

/* States of another window at the same places, with the keys and values of every layer. */
struct whisper_encoder_tail {
    const struct attention_cache *caches; /* [n_layers] of all its states from the first on */
    const float *states;                  /* likewise [.., D] */
    int from, n;                          /* which of them */
};

/* A window: mel [n_frames, n_mels], normalised (log_mel.h); n_frames even, at most 2 n_states. */
struct whisper_encoder_input {
    const float *mel;
    int n_frames;
    int from;                         /* states before it are those of the last call */
    struct whisper_encoder_tail tail; /* the last states of the window, which are not computed; n: 0: all are */
};

/* Encodes a window into out [n_frames / 2, D].
 *
 * With from > 0, in a state that keeps, only the rows of out from there on are computed: the audio before them, and
 * out's rows for it, must be as in the last call.  The new rows attend to the old ones, but not the old to the new.
 * With a tail, in a state that keeps, its rows are copied, and the others attend to them. */
void whisper_encoder_forward(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                             const struct whisper_encoder_input *in, float *out);

#endif
