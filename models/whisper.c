/* SPDX-License-Identifier: Apache-2.0
 * whisper.c - the family of Whisper's models, as they lie in a Hugging Face directory.
 *
 * Beside what every such directory has, truncation_head.safetensors holds Simul-Whisper's truncation head, one linear
 * layer D -> 1, where `linnet convert` put one. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/alignatt/head.h"
#include "encoder/whisper_encoder.h"
#include "frontend/log_mel.h"
#include "models/model.h"
#include "vocab/whisper_vocab.h"

static const struct text_decoder_names decoder_names = {
    .embedding = "embed_tokens",
    .positions = "embed_positions",
    .norm = "layer_norm",
    .blocks = "layers",
    .norms = {"self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm"},
    .self = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"},
    .cross = {"encoder_attn.q_proj", "encoder_attn.k_proj", "encoder_attn.v_proj", "encoder_attn.out_proj"},
    .hidden = "fc1",
    .back = "fc2",
};

/* Refuses what would change the arithmetic. */
static int check_config(struct config *c)
{
    if (config_has(c, "activation_function"))
        config_choice(c, "activation_function", "gelu");
    if (c->rc >= 0 && config_has(c, "scale_embedding") && config_bool(c, "scale_embedding"))
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: scale_embedding is not supported", c->path);
    return c->rc;
}

static int decoder_open(struct linnet_model *m, const struct model_source *from)
{
    struct config *c = from->config;
    struct text_decoder_config d = {.n_vocabulary = config_int(c, "vocab_size", 1000, 1 << 20),
                                    .n_dims = m->encoder->n_dims,
                                    .n_heads = config_int(c, "decoder_attention_heads", 1, 256),
                                    .n_hidden = config_int(c, "decoder_ffn_dim", 1, 65536),
                                    .n_blocks = config_int(c, "decoder_layers", 1, 1000),
                                    .n_positions = config_int(c, "max_target_positions", 8, 16384),
                                    .tied = 1,
                                    .embedding_scale = 1.0f,
                                    .norm_eps = 1e-5f,
                                    .activation = NN_GELU,
                                    .key_bias = LAYER_BIAS_OPTIONAL};
    if (check_config(c) < 0)
        return c->rc;
    if (d.n_dims % d.n_heads != 0)
        return fail(c->msg, LINNET_E_MODEL, "%s: d_model %d is not a multiple of decoder_attention_heads %d", c->path,
                    d.n_dims, d.n_heads);
    return text_decoder_open(&m->left, &d, &decoder_names, "model.decoder.", from->layers);
}

/* ---- alignment heads ---- */

/* All heads of the upper half of the layers: what openai-whisper aligns with by default. */
static int upper_heads(const struct text_decoder_config *c, int *index)
{
    int n = 0;
    for (int i = 0; i < c->n_blocks * c->n_heads; i++)
        index[i] = i / c->n_heads >= c->n_blocks / 2 ? n++ : -1;
    return n;
}

static int named_heads(struct linnet_model *m, const json_t *list, const char *path, struct message *msg)
{
    const struct text_decoder_config *c = &m->left->config;
    size_t i;
    const json_t *pair;
    for (int k = 0; k < c->n_blocks * c->n_heads; k++)
        m->named_heads.index[k] = -1;
    m->named_heads.n = 0;
    json_array_foreach(list, i, pair)
    {
        json_int_t layer = json_integer_value(json_array_get(pair, 0)),
                   head = json_integer_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || layer < 0 || layer >= c->n_blocks || head < 0 || head >= c->n_heads)
            return fail(msg, LINNET_E_MODEL, "%s: alignment_heads[%zu] is not a layer below %d and a head below %d",
                        path, i, c->n_blocks, c->n_heads);
        int at = (int)layer * c->n_heads + (int)head;
        if (m->named_heads.index[at] < 0)
            m->named_heads.index[at] = m->named_heads.n++;
    }
    return LINNET_OK;
}

static int heads_open(struct linnet_model *m, const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    json_error_t error;
    size_t n = (size_t)m->left->config.n_blocks * (size_t)m->left->config.n_heads;
    m->named_heads.index = mem_array(n, sizeof(int));
    m->upper_heads.index = mem_array(n, sizeof(int));
    if (m->named_heads.index == NULL || m->upper_heads.index == NULL)
        return fail_memory(msg);
    m->named_heads.n = upper_heads(&m->left->config, m->named_heads.index);
    m->upper_heads.n = upper_heads(&m->left->config, m->upper_heads.index);
    int rc = file_in(path, dir, "generation_config.json", msg);
    if (rc < 0 || !file_exists(path))
        return rc;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s:%d: %s", path, error.line, error.text);
    const json_t *list = json_object_get(root, "alignment_heads");
    rc = json_array_size(list) > 0 ? named_heads(m, list, path, msg) : LINNET_OK;
    json_decref(root);
    return rc;
}

/* ---- the whole ---- */

static int whisper_open(struct linnet_model *m, const struct model_source *from)
{
    const struct encoder_source encoder = {from->config, from->layers, NULL};
    struct message *msg = from->layers->msg;
    int rc;
    if ((rc = encoder_open(&m->encoder, "whisper", &encoder)) < 0 || (rc = decoder_open(m, from)) < 0 ||
        (rc = vocab_open(&m->vocab, "bpe", from->dir, m->left->config.n_vocabulary, msg)) < 0 ||
        (rc = heads_open(m, from->dir, msg)) < 0)
        return rc;
    if (file_exists_in(from->dir, ALIGNATT_HEAD_FILE) &&
        (rc = alignatt_head_read(&m->truncation_weight, &m->truncation_bias, from->dir, m->encoder->n_dims, msg)) < 0)
        return rc;
    m->features = (struct features)LOG_MEL_DEFAULTS;
    m->features.n_mels = m->encoder->n_features;
    snprintf(m->description, sizeof m->description,
             "Whisper, %s, %d mel bins, encoder %d x %d, decoder %d x %d, %d tokens",
             whisper_vocab_of(m->vocab)->special.n_languages > 0 ? "multilingual" : "English only",
             m->encoder->n_features, whisper_encoder_of(m->encoder)->n_layers, m->encoder->n_dims,
             m->left->config.n_blocks, m->left->config.n_dims, m->vocab->n);
    return LINNET_OK;
}

static void whisper_facts(const struct linnet_model *m, struct facts *f)
{
    const struct whisper_encoder *e = whisper_encoder_of(m->encoder);
    const struct text_decoder_config *d = &m->left->config;
    const struct whisper_vocab *v = whisper_vocab_of(m->vocab);
    facts_number(f, "d_model", e->base.n_dims, 0);
    facts_number(f, "encoder_layers", e->n_layers, 0);
    facts_number(f, "encoder_heads", e->n_heads, 0);
    facts_number(f, "encoder_ffn", e->n_hidden, 0);
    facts_number(f, "decoder_layers", d->n_blocks, 0);
    facts_number(f, "decoder_heads", d->n_heads, 0);
    facts_number(f, "decoder_ffn", d->n_hidden, 0);
    facts_number(f, "window_frames", e->n_states, 0);
    facts_number(f, "text_tokens", d->n_positions, 0);
    facts_list_begin(f, "languages");
    for (int i = 0; i < v->special.n_languages; i++)
        facts_list_text(f, whisper_vocab_language_code(v, v->special.first_language + i));
    if (v->special.n_languages == 0)
        facts_list_text(f, "en");
    facts_list_end(f);
    facts_list_begin(f, "alignment_heads");
    for (int i = 0; i < d->n_blocks * d->n_heads; i++)
        if (m->named_heads.index[i] >= 0)
            facts_list_pair(f, i / d->n_heads, i % d->n_heads);
    facts_list_end(f);
    facts_text(f, "truncation_head", m->truncation_weight != NULL ? "yes" : "no");
}

const struct family whisper_family = {.name = "whisper", .open = whisper_open, .facts = whisper_facts};
