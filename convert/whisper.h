/* SPDX-License-Identifier: Apache-2.0
 * whisper.h - what the three sources of Whisper models share: from a checkpoint to a Hugging Face directory. */
#ifndef LINNET_CONVERT_WHISPER_H
#define LINNET_CONVERT_WHISPER_H

#include <jansson.h>

#include "base/buffer.h"
#include "convert/checkpoint.h"
#include "convert/convert.h"

enum whisper_naming { WHISPER_NAMES_OPENAI, WHISPER_NAMES_CT2 };

struct whisper_sizes {
    int64_t n_mels, d_model, n_ffn, n_vocab, n_audio_ctx, n_text_ctx;
    int64_t n_encoder_layers, n_decoder_layers, n_encoder_heads, n_decoder_heads;
};

/* Writes dir/model.safetensors and dir/config.json from c.  prefix: of the names in c ("model_state_dict."). */
int whisper_write_model(const struct checkpoint *c, enum whisper_naming naming, const char *prefix, const char *dir,
                        const struct convert_options *options, struct whisper_sizes *sizes,
                        struct message *msg) LINNET_MUST_CHECK;

/* The sizes that the checkpoint states, as numbers "PREFIXn_mels" and so on, must be those that its tensors have. */
int whisper_check_sizes(const struct checkpoint *c, const char *prefix, const struct whisper_sizes *s,
                        struct message *msg) LINNET_MUST_CHECK;

/* Writes dir/generation_config.json, after the vocabulary.  known: alignment_heads, suppress_ids and suppress_ids_begin
 * that the source has (NULL: none; they follow from the model's size and vocabulary). */
int whisper_write_generation(const struct whisper_sizes *sizes, const char *source, const char *dir, json_t *known,
                             struct message *msg) LINNET_MUST_CHECK;

/* json.c: files of a model directory. */
int convert_write(const char *dir, const char *name, const void *bytes, size_t n,
                  struct message *msg) LINNET_MUST_CHECK;
/* Takes the reference to json; NULL: there was no memory for it. */
int convert_write_json(const char *dir, const char *name, json_t *json, struct message *msg) LINNET_MUST_CHECK;
int convert_copy(const char *from, const char *dir, const char *name, struct message *msg) LINNET_MUST_CHECK;

#endif
