/* SPDX-License-Identifier: Apache-2.0
 * whisper_config.h - the sizes of a Whisper model, from its config.json. */
#ifndef LINNET_ENCODER_WHISPER_CONFIG_H
#define LINNET_ENCODER_WHISPER_CONFIG_H

#include "base/status.h"

#define WHISPER_MAX_LAYERS 64

struct whisper_config {
    int n_mels;
    int d_model;
    int encoder_layers, encoder_heads, encoder_ffn;
    int decoder_layers, decoder_heads, decoder_ffn;
    int n_audio_ctx; /* encoder frames of a window: 1500 */
    int n_text_ctx;  /* tokens: 448 */
    int n_vocab;
};

/* Reads dir/config.json.  Sizes are checked for being possible; anything that would change the arithmetic (another
 * activation, scaled embeddings) is refused by name. */
LINNET_MUST_CHECK int whisper_config_read(struct whisper_config *c, const char *dir, struct message *msg);

/* 1 when a config.json says that the directory holds a Whisper model, 0 when it is another kind, < 0 when unreadable;
 * the kind that it names is written to kind [size]. */
LINNET_MUST_CHECK int whisper_config_kind(const char *dir, char *kind, size_t size, struct message *msg);

#endif
