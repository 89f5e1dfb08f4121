/* SPDX-License-Identifier: Apache-2.0
 * whisper_config.c - the sizes of a Whisper model. */
#include "encoder/whisper_config.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

static int config_load(const char *dir, json_t **root, char path[FILE_MAX_PATH], struct message *msg)
{
    json_error_t error;
    int rc = file_in(path, dir, "config.json", msg);
    if (rc < 0)
        return rc;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return fail(msg, LINNET_E_IO, "%s: not a model directory: no config.json can be read", dir);
    *root = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
    fclose(f);
    if (*root == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s:%d: %s", path, error.line, error.text);
    if (!json_is_object(*root)) {
        json_decref(*root);
        return fail(msg, LINNET_E_FORMAT, "%s: not a JSON object", path);
    }
    return LINNET_OK;
}

int whisper_config_kind(const char *dir, char *kind, size_t size, struct message *msg)
{
    char path[FILE_MAX_PATH];
    json_t *root;
    int rc = config_load(dir, &root, path, msg);
    if (rc < 0)
        return rc;
    const char *type = json_string_value(json_object_get(root, "model_type"));
    snprintf(kind, size, "%s", type != NULL ? type : "");
    rc = type != NULL && strcmp(type, "whisper") == 0;
    json_decref(root);
    return rc;
}

static const struct {
    const char *key;
    size_t offset;
    int low, high;
} sizes[] = {
    {"num_mel_bins", offsetof(struct whisper_config, n_mels), 1, 1024},
    {"d_model", offsetof(struct whisper_config, d_model), 1, 16384},
    {"encoder_layers", offsetof(struct whisper_config, encoder_layers), 1, WHISPER_MAX_LAYERS},
    {"encoder_attention_heads", offsetof(struct whisper_config, encoder_heads), 1, 256},
    {"encoder_ffn_dim", offsetof(struct whisper_config, encoder_ffn), 1, 65536},
    {"decoder_layers", offsetof(struct whisper_config, decoder_layers), 1, WHISPER_MAX_LAYERS},
    {"decoder_attention_heads", offsetof(struct whisper_config, decoder_heads), 1, 256},
    {"decoder_ffn_dim", offsetof(struct whisper_config, decoder_ffn), 1, 65536},
    {"max_source_positions", offsetof(struct whisper_config, n_audio_ctx), 1, 16384},
    {"max_target_positions", offsetof(struct whisper_config, n_text_ctx), 8, 16384},
    {"vocab_size", offsetof(struct whisper_config, n_vocab), 1000, 1 << 20},
};

static int read_sizes(struct whisper_config *c, const json_t *root, const char *path, struct message *msg)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const json_t *value = json_object_get(root, sizes[i].key);
        if (!json_is_integer(value))
            return fail(msg, LINNET_E_MODEL, "%s: no number '%s'", path, sizes[i].key);
        json_int_t v = json_integer_value(value);
        if (v < sizes[i].low || v > sizes[i].high)
            return fail(msg, LINNET_E_MODEL, "%s: %s is %lld, possible are %d to %d", path, sizes[i].key, (long long)v,
                        sizes[i].low, sizes[i].high);
        *(int *)(void *)((char *)c + sizes[i].offset) = (int)v;
    }
    if (c->d_model % c->encoder_heads != 0 || c->d_model % c->decoder_heads != 0)
        return fail(msg, LINNET_E_MODEL, "%s: d_model %d is not a multiple of the number of heads", path, c->d_model);
    const char *act = json_string_value(json_object_get(root, "activation_function"));
    if (act != NULL && strcmp(act, "gelu") != 0)
        return fail(msg, LINNET_E_MODEL, "%s: activation_function '%s' is not supported", path, act);
    if (json_is_true(json_object_get(root, "scale_embedding")))
        return fail(msg, LINNET_E_MODEL, "%s: scale_embedding is not supported", path);
    return LINNET_OK;
}

int whisper_config_read(struct whisper_config *c, const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    json_t *root;
    struct whisper_config fresh = {0};
    int rc = config_load(dir, &root, path, msg);
    if (rc < 0)
        return rc;
    rc = read_sizes(&fresh, root, path, msg);
    json_decref(root);
    if (rc >= 0)
        *c = fresh;
    return rc;
}
