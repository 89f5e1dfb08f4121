/* SPDX-License-Identifier: Apache-2.0
 * wenet_config.c - the settings of WeNet models, their defaults, and which of them can be computed.
 *
 * Keys and defaults are those of wenet/models/transformer/encoder.py, decoder.py, asr_model.py and
 * wenet/dataset/processor.py. */
#include "convert/wenet_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

enum kind {
    INT,    /* a whole number from 0 */
    NUMBER, /* a number */
    BOOL,
    TEXT,    /* one of choices, separated by | */
    FIXED,   /* must be the default: nothing else can be computed */
    IGNORED, /* changes nothing at run time */
};

struct setting {
    const char *key; /* of IGNORED several, separated by | */
    enum kind kind;
    const char *initial; /* in JSON; NULL: must be there */
    const char *choices; /* of TEXT */
};

/* clang-format off */
#define ATTENTION_SETTINGS \
    {"normalize_before", BOOL, "true", NULL}, {"norm_eps", NUMBER, "1e-5", NULL}, \
    {"layer_norm_type", FIXED, "\"layer_norm\"", NULL}, {"query_bias", BOOL, "true", NULL}, \
    {"key_bias", BOOL, "true", NULL}, {"value_bias", BOOL, "true", NULL}, {"mlp_bias", BOOL, "true", NULL}, \
    {"mlp_type", FIXED, "\"position_wise_feed_forward\"", NULL}, {"concat_after", FIXED, "false", NULL}, \
    {"attention_heads", INT, "4", NULL}, {"linear_units", INT, "2048", NULL}, {"num_blocks", INT, "6", NULL}, \
    {"n_kv_head|head_dim", IGNORED, NULL, NULL}, /* see check_heads */ \
    {"dropout_rate|positional_dropout_rate|attention_dropout_rate|self_attention_dropout_rate|" \
     "src_attention_dropout_rate|gradient_checkpointing|use_sdpa|n_expert|n_expert_activated", IGNORED, NULL, NULL}

#define ENCODER_SETTINGS \
    ATTENTION_SETTINGS, {"output_size", INT, "256", NULL}, \
    {"input_layer", TEXT, "\"conv2d\"", "linear|conv2d|conv2d6|conv2d8"}, {"final_norm", BOOL, "true", NULL}, \
    {"static_chunk_size", INT, "0", NULL}, {"use_dynamic_chunk", BOOL, "false", NULL}, \
    {"use_dynamic_left_chunk", IGNORED, NULL, NULL}
/* clang-format on */

static const struct setting conformer[] = {
    ENCODER_SETTINGS,
    {"pos_enc_layer_type", TEXT, "\"rel_pos\"", "abs_pos|rel_pos|no_pos"},
    {"selfattention_layer_type", TEXT, "\"rel_selfattn\"", "selfattn|rel_selfattn"},
    {"activation_type", TEXT, "\"swish\"", "relu|swish|gelu"},
    {"macaron_style", BOOL, "true", NULL},
    {"use_cnn_module", BOOL, "true", NULL},
    {"cnn_module_kernel", INT, "15", NULL},
    {"causal", BOOL, "false", NULL},
    {"cnn_module_norm", TEXT, "\"batch_norm\"", "batch_norm|layer_norm"},
    {"conv_bias", BOOL, "true", NULL},
    {"conv_norm_eps", NUMBER, "1e-5", NULL},
    {"conv_inner_factor", INT, "2", NULL},
    {"positionwise_conv_kernel_size", IGNORED, NULL, NULL}, /* WeNet's classes do not read it */
    {NULL, IGNORED, NULL, NULL},
};

static const struct setting transformer[] = {
    ENCODER_SETTINGS,
    {"pos_enc_layer_type", TEXT, "\"abs_pos\"", "abs_pos|rel_pos|no_pos"},
    {"selfattention_layer_type", TEXT, "\"selfattn\"", "selfattn"},
    {"activation_type", TEXT, "\"relu\"", "relu|swish|gelu"},
    {NULL, IGNORED, NULL, NULL},
};

static const struct setting decoder[] = {
    ATTENTION_SETTINGS,
    {"input_layer", TEXT, "\"embed\"", "embed|abs_pos"},
    {"activation_type", TEXT, "\"relu\"", "relu|swish|gelu"},
    {"r_num_blocks", INT, "0", NULL},
    {"use_output_layer", FIXED, "true", NULL},
    {"src_attention", FIXED, "true", NULL},
    {"src_query_bias", BOOL, "true", NULL},
    {"src_key_bias", BOOL, "true", NULL},
    {"src_value_bias", BOOL, "true", NULL},
    {"tie_word_embedding", IGNORED, NULL, NULL}, /* the checkpoint holds both */
    {NULL, IGNORED, NULL, NULL},
};

static const struct setting model[] = {
    {"ctc_weight", NUMBER, "0.5", NULL},
    {"reverse_weight", NUMBER, "0.0", NULL},
    {"apply_non_blank_embedding", FIXED, "false", NULL},
    {"lsm_weight|length_normalized_loss|ignore_id", IGNORED, NULL, NULL},
    {NULL, IGNORED, NULL, NULL},
};

static const struct setting fbank[] = {
    {"num_mel_bins", INT, "23", NULL},   {"frame_length", NUMBER, "25", NULL},
    {"frame_shift", NUMBER, "10", NULL}, {"window_type", FIXED, "\"povey\"", NULL},
    {"dither", IGNORED, NULL, NULL}, /* none when decoding */
    {NULL, IGNORED, NULL, NULL},
};

struct making {
    const char *path;
    struct message *msg;
};

static int is_possible(const struct setting *s, const json_t *value, const json_t *initial)
{
    switch (s->kind) {
    case INT:
        return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 1000000;
    case NUMBER:
        return json_is_number(value);
    case BOOL:
        return json_is_boolean(value);
    case TEXT:
        return json_is_string(value) && parse_choice(json_string_value(value), s->choices) >= 0;
    default:
        return json_equal(value, initial);
    }
}

/* One setting from `from` into `to`. */
static int take(const struct making *m, const struct setting *s, const char *part, const json_t *from, json_t *to)
{
    if (s->kind == IGNORED)
        return 0;
    json_t *initial = s->initial != NULL ? json_loads(s->initial, JSON_DECODE_ANY, NULL) : NULL;
    json_t *value = json_object_get(from, s->key);
    if (value == NULL)
        value = initial;
    int rc = 0;
    if (value == NULL || !is_possible(s, value, initial)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        rc = fail(m->msg, LINNET_E_UNSUPPORTED, "%s: %s.%s: %.60s is not supported", m->path, part, s->key,
                  text != NULL ? text : "nothing");
        free(text);
    } else if (s->kind != FIXED) {
        json_object_set(to, s->key, value);
    }
    json_decref(initial);
    return rc;
}

/* All settings of a part; an unknown one could change anything. */
static int take_all(const struct making *m, const struct setting *settings, const char *part, const json_t *from,
                    json_t *to)
{
    const char *key;
    json_t *value;
    if (from != NULL && !json_is_object(from) && !json_is_null(from))
        return fail(m->msg, LINNET_E_FORMAT, "%s: %s is no map", m->path, part);
    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        const struct setting *s = settings;
        while (s->key != NULL && parse_choice(key, s->key) < 0)
            s++;
        if (s->key == NULL)
            return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: %s.%.80s: not a setting that is known", m->path, part, key);
    }
    for (const struct setting *s = settings; s->key != NULL; s++) {
        int rc = take(m, s, part, from, to);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Only as many key heads as heads, of width / heads each. */
static int check_heads(const struct making *m, const char *part, const json_t *from, const json_t *to, json_int_t width)
{
    json_int_t n_heads = json_integer_value(json_object_get(to, "attention_heads"));
    const json_t *kv = json_object_get(from, "n_kv_head"), *size = json_object_get(from, "head_dim");
    if (n_heads < 1 || width % n_heads != 0)
        return fail(m->msg, LINNET_E_FORMAT, "%s: %s: %lld heads for a width of %lld", m->path, part,
                    (long long)n_heads, (long long)width);
    if (json_is_integer(kv) && json_integer_value(kv) != n_heads)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: %s.n_kv_head is not attention_heads", m->path, part);
    if (json_is_integer(size) && json_integer_value(size) != width / n_heads)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: %s.head_dim is not output_size / attention_heads", m->path,
                    part);
    return 0;
}

static const char *text_of(const json_t *train, const char *key, const char *initial)
{
    const json_t *value = json_object_get(train, key);
    return value == NULL ? initial : json_is_string(value) ? json_string_value(value) : "";
}

static int make_encoder(const struct making *m, const json_t *train, json_t *config)
{
    const char *kind = text_of(train, "encoder", "conformer");
    int is_conformer = strcmp(kind, "conformer") == 0;
    const json_t *from = json_object_get(train, "encoder_conf");
    if (!is_conformer && strcmp(kind, "transformer") != 0)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: encoder '%.60s' is not supported", m->path, kind);
    json_t *to = json_object();
    json_object_set_new(config, "encoder", to);
    json_object_set_new(to, "kind", json_string(kind));
    int rc = take_all(m, is_conformer ? conformer : transformer, "encoder_conf", from, to);
    if (rc == 0)
        rc = check_heads(m, "encoder_conf", from, to, json_integer_value(json_object_get(to, "output_size")));
    return rc;
}

static int make_decoder(const struct making *m, const json_t *train, json_t *config)
{
    const char *kind = text_of(train, "decoder", "bitransformer");
    int is_bi = strcmp(kind, "bitransformer") == 0;
    const json_t *from = json_object_get(train, "decoder_conf");
    if (json_is_null(json_object_get(train, "decoder")))
        return 0; /* CTC alone */
    if (!is_bi && strcmp(kind, "transformer") != 0)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: decoder '%.60s' is not supported", m->path, kind);
    json_t *to = json_object();
    json_object_set_new(config, "decoder", to);
    json_object_set_new(to, "kind", json_string(kind));
    int rc = take_all(m, decoder, "decoder_conf", from, to);
    if (rc < 0)
        return rc;
    json_object_set_new(to, "input_layer", json_string("embed")); /* two names of one thing */
    if (!is_bi && wenet_config_int(config, "decoder", "r_num_blocks") != 0)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: decoder_conf.r_num_blocks with decoder transformer", m->path);
    return check_heads(m, "decoder_conf", from, to, wenet_config_int(config, "encoder", "output_size"));
}

static int make_features(const struct making *m, const json_t *train, json_t *config)
{
    const json_t *data = json_object_get(train, "dataset_conf");
    const char *kind = text_of(data, "feats_type", "fbank");
    if (strcmp(kind, "fbank") != 0)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: dataset_conf.feats_type '%.60s' is not supported", m->path,
                    kind);
    json_t *from = json_object(), *to = json_object();
    json_object_set_new(config, "features", to);
    int rc = take_all(m, fbank, "dataset_conf.fbank_conf", json_object_get(data, "fbank_conf"), from);
    if (json_object_get(data, "fbank_conf") == NULL) /* files until 2021 */
        json_object_set(from, "num_mel_bins", json_object_get(config, "input_dim"));
    json_t *rate = json_object_get(json_object_get(data, "resample_conf"), "resample_rate");
    json_object_set_new(to, "kind", json_string("fbank"));
    json_object_set(to, "n_mels", json_object_get(from, "num_mel_bins"));
    json_object_set(to, "frame_ms", json_object_get(from, "frame_length"));
    json_object_set(to, "shift_ms", json_object_get(from, "frame_shift"));
    json_object_set_new(to, "sample_rate", json_integer(json_is_integer(rate) ? json_integer_value(rate) : 16000));
    json_decref(from);
    if (rc == 0 && wenet_config_int(config, "features", "n_mels") != wenet_config_int(config, NULL, "input_dim"))
        rc = fail(m->msg, LINNET_E_FORMAT, "%s: dataset_conf.fbank_conf.num_mel_bins is %d, input_dim %d", m->path,
                  wenet_config_int(config, "features", "n_mels"), wenet_config_int(config, NULL, "input_dim"));
    return rc;
}

/* input_dim, output_dim, blank, sos, eos and the weights of the scores. */
static int make_top(const struct making *m, const json_t *train, json_t *config)
{
    static const char *const sizes[] = {"input_dim", "output_dim"};
    const char *kind = text_of(train, "model", "asr_model");
    if (strcmp(kind, "asr_model") != 0)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: model '%.60s' is not supported", m->path, kind);
    if (strcmp(text_of(train, "ctc", "ctc"), "ctc") != 0)
        return fail(m->msg, LINNET_E_UNSUPPORTED, "%s: ctc '%.60s' is not supported", m->path,
                    text_of(train, "ctc", "ctc"));
    for (int i = 0; i < 2; i++) {
        json_t *value = json_object_get(train, sizes[i]);
        if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > 1000000)
            return fail(m->msg, LINNET_E_FORMAT, "%s: no possible %s", m->path, sizes[i]);
        json_object_set(config, sizes[i], value);
    }
    json_int_t n_vocab = json_integer_value(json_object_get(config, "output_dim"));
    const json_t *special = json_object_get(json_object_get(train, "tokenizer_conf"), "special_tokens");
    const struct {
        const char *name;
        const json_t *value;
        json_int_t initial;
    } ids[] = {
        {"blank", json_object_get(json_object_get(train, "ctc_conf"), "ctc_blank_id"), 0},
        {"sos", json_object_get(special, "<sos>"), n_vocab - 1},
        {"eos", json_object_get(special, "<eos>"), n_vocab - 1},
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        json_int_t id = json_is_integer(ids[i].value) ? json_integer_value(ids[i].value) : ids[i].initial;
        if (id < 0 || id >= n_vocab)
            return fail(m->msg, LINNET_E_FORMAT, "%s: %s is %lld of %lld units", m->path, ids[i].name, (long long)id,
                        (long long)n_vocab);
        json_object_set_new(config, ids[i].name, json_integer(id));
    }
    return take_all(m, model, "model_conf", json_object_get(train, "model_conf"), config);
}

int wenet_config_make(const json_t *train, const char *path, json_t **out, struct message *msg)
{
    struct making m = {path, msg};
    int rc;
    if (!json_is_object(train))
        return fail(msg, LINNET_E_FORMAT, "%s: is no map", path);
    json_t *config = json_pack("{s:s}", "model_type", "wenet");
    if (config == NULL)
        return fail_memory(msg);
    if ((rc = make_top(&m, train, config)) < 0 || (rc = make_features(&m, train, config)) < 0 ||
        (rc = make_encoder(&m, train, config)) < 0 || (rc = make_decoder(&m, train, config)) < 0) {
        json_decref(config);
        return rc;
    }
    *out = config;
    return 0;
}

static const json_t *find(const json_t *config, const char *part, const char *key)
{
    return json_object_get(part != NULL ? json_object_get(config, part) : config, key);
}

int wenet_config_int(const json_t *config, const char *part, const char *key)
{
    return (int)json_integer_value(find(config, part, key));
}

int wenet_config_is(const json_t *config, const char *part, const char *key, const char *value)
{
    const char *text = json_string_value(find(config, part, key));
    return text != NULL && strcmp(text, value) == 0;
}

int wenet_config_true(const json_t *config, const char *part, const char *key)
{
    return json_is_true(find(config, part, key));
}
