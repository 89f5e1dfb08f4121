/* SPDX-License-Identifier: Apache-2.0
 * whisper_model.c - opening a Whisper model. */
#include "decoders/whisper_model.h"

#include <jansson.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* All heads of the upper half of the layers: what openai-whisper aligns with when it knows no better. */
static int taps_upper(const struct whisper_config *c, int *index)
{
    int n = 0;
    for (int i = 0; i < c->decoder_layers * c->decoder_heads; i++)
        index[i] = i / c->decoder_heads >= c->decoder_layers / 2 ? n++ : -1;
    return n;
}

static int taps_from_list(struct whisper_model *m, const json_t *list, const char *path, struct message *msg)
{
    int heads = m->config.decoder_heads, layers = m->config.decoder_layers;
    size_t i;
    const json_t *pair;
    for (int k = 0; k < layers * heads; k++)
        m->tap_index[k] = -1;
    m->n_taps = 0;
    json_array_foreach(list, i, pair)
    {
        json_int_t layer = json_integer_value(json_array_get(pair, 0)),
                   head = json_integer_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || layer < 0 || layer >= layers || head < 0 || head >= heads)
            return fail(msg, LINNET_E_MODEL, "%s: alignment_heads[%zu] is not a layer below %d and a head below %d",
                        path, i, layers, heads);
        int at = (int)layer * heads + (int)head;
        if (m->tap_index[at] < 0)
            m->tap_index[at] = m->n_taps++;
    }
    return LINNET_OK;
}

static int taps_open(struct whisper_model *m, const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    json_error_t error;
    size_t n = (size_t)m->config.decoder_layers * (size_t)m->config.decoder_heads;
    m->tap_index = mem_array(n, sizeof *m->tap_index);
    m->upper_index = mem_array(n, sizeof *m->upper_index);
    if (m->tap_index == NULL || m->upper_index == NULL)
        return fail_memory(msg);
    m->n_taps = taps_upper(&m->config, m->tap_index);
    m->n_upper = taps_upper(&m->config, m->upper_index);
    int rc = file_in(path, dir, "generation_config.json", msg);
    if (rc < 0)
        return rc;
    if (access(path, F_OK) != 0)
        return LINNET_OK;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s:%d: %s", path, error.line, error.text);
    const json_t *list = json_object_get(root, "alignment_heads");
    rc = json_array_size(list) > 0 ? taps_from_list(m, list, path, msg) : LINNET_OK;
    json_decref(root);
    return rc;
}

int whisper_model_head(float **weight, float *bias, const char *dir, int d_model, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct safetensors *f;
    float *w = NULL, *b = NULL;
    int rc = file_in(path, dir, "truncation_head.safetensors", msg);
    if (rc < 0 || (rc = safetensors_open(&f, path, msg)) < 0)
        return rc;
    struct layer_source from = {f, NULL, msg};
    if ((rc = floats_load(&w, &from, "weight", 2, (const int64_t[]){1, d_model})) >= 0 &&
        (rc = floats_load(&b, &from, "bias", 1, (const int64_t[]){1})) >= 0) {
        *weight = w;
        *bias = b[0];
        w = NULL;
    }
    mem_free(w);
    mem_free(b);
    safetensors_close(f);
    return rc;
}

/* The model's own truncation head, if it has one. */
static int head_open(struct whisper_model *m, const char *dir, struct message *msg)
{
    return file_exists_in(dir, "truncation_head.safetensors")
               ? whisper_model_head(&m->head_weight, &m->head_bias, dir, m->config.d_model, msg)
               : LINNET_OK;
}

int whisper_model_open(struct whisper_model **out, const char *dir, struct pool *pool, struct message *msg)
{
    struct safetensors *file = NULL;
    struct whisper_model *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(msg);
    int rc;
    if ((rc = whisper_config_read(&m->config, dir, msg)) < 0 || (rc = safetensors_open_dir(&file, dir, msg)) < 0)
        goto fail;
    struct layer_source from = {file, pool, msg};
    if ((rc = whisper_encoder_open(&m->encoder, &m->config, &from)) < 0 ||
        (rc = whisper_network_open(&m->network, &m->config, &from)) < 0 ||
        (rc = whisper_vocab_open(&m->vocab, dir, m->config.n_vocab, msg)) < 0 || (rc = taps_open(m, dir, msg)) < 0 ||
        (rc = head_open(m, dir, msg)) < 0)
        goto fail;
    safetensors_close(file);
    *out = m;
    return LINNET_OK;
fail:
    safetensors_close(file);
    whisper_model_close(m);
    return rc;
}

void whisper_model_close(struct whisper_model *m)
{
    if (m == NULL)
        return;
    whisper_encoder_close(&m->encoder);
    whisper_network_close(&m->network);
    whisper_vocab_close(m->vocab);
    mem_free(m->tap_index);
    mem_free(m->upper_index);
    mem_free(m->head_weight);
    mem_free(m);
}

size_t whisper_model_bytes(const struct whisper_model *m)
{
    return whisper_encoder_bytes(&m->encoder) + whisper_network_bytes(&m->network);
}

uint64_t whisper_model_parameters(const struct whisper_model *m)
{
    const struct whisper_config *c = &m->config;
    uint64_t d = (uint64_t)c->d_model, ffn = (uint64_t)c->encoder_ffn, dffn = (uint64_t)c->decoder_ffn;
    uint64_t encoder_layer = 4 * d * d + 3 * d + 2 * d * ffn + ffn + d + 4 * d;
    uint64_t decoder_layer = 8 * d * d + 6 * d + 2 * d * dffn + dffn + d + 6 * d;
    return (uint64_t)c->encoder_layers * encoder_layer + (uint64_t)c->decoder_layers * decoder_layer +
           3 * d * (uint64_t)c->n_mels + d + 3 * d * d + d + (uint64_t)c->n_audio_ctx * d + 2 * d +
           (uint64_t)c->n_vocab * d + (uint64_t)c->n_text_ctx * d + 2 * d;
}
