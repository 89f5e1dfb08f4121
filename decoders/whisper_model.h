/* SPDX-License-Identifier: Apache-2.0
 * whisper_model.h - a Whisper model as it lies in a Hugging Face directory: networks, vocabulary, alignment heads. */
#ifndef LINNET_DECODERS_WHISPER_MODEL_H
#define LINNET_DECODERS_WHISPER_MODEL_H

#include "decoders/whisper_network.h"
#include "vocab/whisper_vocab.h"
#include "encoder/whisper_encoder.h"

/* Immutable after opening. */
struct whisper_model {
    struct whisper_config config;
    struct whisper_encoder encoder;
    struct whisper_network network;
    struct whisper_vocab *vocab;
    int *tap_index; /* [decoder_layers * decoder_heads] number of an alignment head, -1 for the others */
    int n_taps;
    int *upper_index; /* the same for all heads of the upper half of the layers */
    int n_upper;
    float *head_weight, head_bias; /* [D] Simul-Whisper's truncation head, NULL where the model has none */
};

LINNET_MUST_CHECK int whisper_model_open(struct whisper_model **out, const char *dir, struct pool *pool,
                                         struct message *msg);
void whisper_model_close(struct whisper_model *m); /* NULL is fine */
/* Reads Simul-Whisper's truncation head, one linear layer D -> 1, from truncation_head.safetensors in dir.  *weight is
 * the caller's to mem_free. */
LINNET_MUST_CHECK int whisper_model_head(float **weight, float *bias, const char *dir, int d_model,
                                         struct message *msg);

size_t whisper_model_bytes(const struct whisper_model *m);
uint64_t whisper_model_parameters(const struct whisper_model *m);

#endif
