/* SPDX-License-Identifier: Apache-2.0
 * whisper_encoder.h - Whisper's audio encoder (Radford et al. 2022): two convolutions, a pre-norm Transformer. */
#ifndef LINNET_ENCODER_WHISPER_ENCODER_H
#define LINNET_ENCODER_WHISPER_ENCODER_H

#include "encoder/whisper_config.h"
#include "nn/attention.h"
#include "nn/layers.h"

struct whisper_encoder_layer {
    struct layer_norm attention_norm, ffn_norm;
    struct linear qkv, out, ffn1, ffn2;
};

/* Immutable after opening; shared by streams. */
struct whisper_encoder {
    struct whisper_config config;
    struct linear conv1, conv2;
    float *positions; /* [n_audio_ctx, D] */
    struct whisper_encoder_layer layers[WHISPER_MAX_LAYERS];
    struct layer_norm norm;
};

LINNET_MUST_CHECK int whisper_encoder_open(struct whisper_encoder *e, const struct whisper_config *config,
                                           const struct layer_source *from);
void whisper_encoder_close(struct whisper_encoder *e); /* half-opened and zeroed ones too */
size_t whisper_encoder_bytes(const struct whisper_encoder *e);

/* Scratch of one stream. */
struct whisper_encoder_state {
    float *mel;  /* [2 n_audio_ctx + 2, n_mels] with a row of zeros before and after */
    float *conv; /* [2 n_audio_ctx + 2, D], likewise */
    float *norm; /* [n_audio_ctx, D] */
    float *wide; /* [n_audio_ctx, max(3 D, ffn)] */
    struct attention_cache *caches; /* [n_caches] a layer's keys and values: each its own, or all in turn the only one */
    int n_caches;
};

/* keeps: every layer's keys and values stay, so that a later call can go on from them. */
LINNET_MUST_CHECK int whisper_encoder_state_open(struct whisper_encoder_state *s, const struct whisper_encoder *e,
                                                 int keeps, struct nn_context *ctx, struct message *msg);
void whisper_encoder_state_close(struct whisper_encoder_state *s);

/* Encodes mel [n_frames, n_mels] (normalised, see log_mel.h; n_frames even, at most 2 n_audio_ctx) into
 * out [n_frames / 2, D].
 *
 * With from > 0, in a state that keeps, only the rows of out from there on are computed: the audio before them, and
 * out's rows for it, must be as in the last call.  The new rows attend to the old ones, which know nothing of them. */
void whisper_encoder_forward(struct nn_context *ctx, const struct whisper_encoder *e, struct whisper_encoder_state *s,
                             const float *mel, int n_frames, int from, float *out);

#endif
