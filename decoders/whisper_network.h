/* SPDX-License-Identifier: Apache-2.0
 * whisper_network.h - Whisper's text decoder network, with its caches.
 *
 * A step takes rows: a token, its position, and the slots in which the keys and values of the tokens before it lie.
 * Hypotheses of a beam share the slots of their common past, so changing hypotheses copies nothing; a prompt is many
 * rows in one step.  Keys and values of the audio are computed once for a window. */
#ifndef LINNET_DECODERS_WHISPER_NETWORK_H
#define LINNET_DECODERS_WHISPER_NETWORK_H

#include "encoder/whisper_config.h"
#include "nn/attention.h"
#include "nn/layers.h"

struct whisper_decoder_layer {
    struct layer_norm self_norm, cross_norm, ffn_norm;
    struct linear qkv, out, cross_q, cross_kv, cross_out, ffn1, ffn2;
};

/* Immutable after opening; shared by streams. */
struct whisper_network {
    struct whisper_config config;
    struct linear embedding; /* [n_vocab, D]: of tokens, and the output layer */
    float *positions;        /* [n_text_ctx, D] */
    struct whisper_decoder_layer layers[WHISPER_MAX_LAYERS];
    struct layer_norm norm;
};

LINNET_MUST_CHECK int whisper_network_open(struct whisper_network *n, const struct whisper_config *config,
                                           const struct layer_source *from);
void whisper_network_close(struct whisper_network *n);
size_t whisper_network_bytes(const struct whisper_network *n);

/* What one stream keeps. */
struct whisper_network_state {
    int n_slots, max_rows;
    float *keys, *values; /* [layers][H][n_slots][d] */
    struct attention_cache cross[WHISPER_MAX_LAYERS];
    float *audio;               /* [n_audio_ctx, 2 D] */
    float *x, *norm, *attended; /* [max_rows, D] */
    float *wide;                /* [max_rows, max(3 D, ffn)] */
    float *scores;              /* [n_threads, n_text_ctx] */
};

/* A row of a step. */
struct whisper_row {
    int token, position;
    const int *slots; /* [position + 1] of the tokens before and, last, of this one */
};

/* Where the cross-attention of some heads goes: index [layers * H] says which of the n a head is, < 0 for none. */
struct whisper_taps {
    const int *index;
    float *weights; /* [n, n_rows, n_frames] */
};

/* Slots are the caller's to give out, 0 .. n_slots - 1; max_rows is the most that a step takes. */
LINNET_MUST_CHECK int whisper_network_state_open(struct whisper_network_state *s, const struct whisper_network *n,
                                                 int n_slots, int max_rows, struct nn_context *ctx,
                                                 struct message *msg);
void whisper_network_state_close(struct whisper_network_state *s);

/* Takes encoder states [n_frames, D]: a new window, or one whose states before `from` are those of the last call. */
void whisper_network_listen(struct nn_context *ctx, const struct whisper_network *n, struct whisper_network_state *s,
                            const float *states, int n_frames, int from);

/* Runs rows [n_rows]; rows may refer to slots of rows before them in the same call.  hidden [n_rows, D] gets the final
 * normalised states.  taps may be NULL. */
void whisper_network_step(struct nn_context *ctx, const struct whisper_network *n, struct whisper_network_state *s,
                          const struct whisper_row *rows, int n_rows, float *hidden, const struct whisper_taps *taps);

/* logits [n_rows, n_vocab] of hidden [n_rows, D]. */
void whisper_network_logits(struct nn_context *ctx, const struct whisper_network *n, const float *hidden, int n_rows,
                            float *logits);

#endif
