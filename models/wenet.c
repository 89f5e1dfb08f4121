/* SPDX-License-Identifier: Apache-2.0
 * wenet.c - the family of WeNet's models: Conformer or Transformer encoder, CTC layer, attention decoders.
 *
 * The directory that `linnet convert` makes: config.json (every setting written out), model.safetensors (WeNet's own
 * names), units.txt, and pieces.tsv where there is a sentencepiece model.  The segmental search also takes a boundary
 * network (tensors boundary.*) and lengths.txt, where they are. */
#include "models/wenet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/ctc/layer.h"
#include "decoders/segmental/boundary.h"
#include "decoders/segmental/length_model.h"
#include "models/model.h"

/* ---- names ---- */

#define ENCODER_NAMES                                                                                                  \
    .input = {.layers = "encoder.embed.", .mean = "cmvn.mean", .istd = "cmvn.istd"}, .block = "encoder.encoders.%d.",  \
    .norm = "encoder.after_norm", .qkv = {"self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v"},           \
    .attention_out = "self_attn.linear_out", .position = "self_attn.linear_pos", .bias_u = "self_attn.pos_bias_u",     \
    .bias_v = "self_attn.pos_bias_v"

static const struct conformer_names conformer_names = {
    ENCODER_NAMES,
    .attention_norm = "norm_mha",
    .feed_forward = {"norm_ff", "feed_forward.w_1", "feed_forward.w_2"},
    .macaron = {"norm_ff_macaron", "feed_forward_macaron.w_1", "feed_forward_macaron.w_2"},
    .convolution_norm = "norm_conv",
    .in = "conv_module.pointwise_conv1",
    .depthwise = "conv_module.depthwise_conv",
    .inner_norm = "conv_module.norm",
    .out = "conv_module.pointwise_conv2",
    .final_norm = "norm_final",
};

static const struct conformer_names transformer_names = {
    ENCODER_NAMES,
    .attention_norm = "norm1",
    .feed_forward = {"norm2", "feed_forward.w_1", "feed_forward.w_2"},
};

const struct conformer_names *wenet_encoder_names(const struct config *config)
{
    struct config encoder = config_in(config, "encoder");
    return strcmp(config_text(&encoder, "kind"), "transformer") == 0 ? &transformer_names : &conformer_names;
}

const struct text_decoder_names wenet_decoder_names = {
    .embedding = "embed.0",
    .norm = "after_norm",
    .output = "output_layer",
    .blocks = "decoders",
    .norms = {"norm1", "norm2", "norm3"},
    .self = {"self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v", "self_attn.linear_out"},
    .cross = {"src_attn.linear_q", "src_attn.linear_k", "src_attn.linear_v", "src_attn.linear_out"},
    .hidden = "feed_forward.w_1",
    .back = "feed_forward.w_2",
};

/* ---- opening ---- */

static int read_features(struct linnet_model *m, const struct config *config)
{
    struct config c = config_in(config, "features");
    m->features.kind = features_find(config_text(&c, "kind"));
    m->features.rate_hz = config_int(&c, "sample_rate", 1000, 768000);
    m->features.n_mels = config_int(&c, "n_mels", 1, 4096);
    m->features.length_ms = config_number(&c, "frame_ms", 1, 1000);
    m->features.shift_ms = config_number(&c, "shift_ms", 1, 1000);
    m->features.low_hz = 20.0;
    if (c.rc < 0)
        return c.rc;
    if (m->features.kind == NULL)
        return fail(c.msg, LINNET_E_MODEL, "%s: features of kind '%.60s' are not supported", c.path,
                    config_text(&c, "kind"));
    if (m->features.rate_hz != 16000)
        return fail(c.msg, LINNET_E_UNSUPPORTED, "%s: a sample rate of %d Hz is not supported", c.path,
                    m->features.rate_hz);
    if (m->features.n_mels != m->encoder->n_features)
        return fail(c.msg, LINNET_E_MODEL, "%s: n_mels is %d, input_dim %d", c.path, m->features.n_mels,
                    m->encoder->n_features);
    return LINNET_OK;
}

static void read_biases(struct config *c, struct text_decoder_config *out)
{
    static const char *const keys[] = {"query_bias",     "key_bias",     "value_bias",
                                       "src_query_bias", "src_key_bias", "src_value_bias"};
    int has_all = 1;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        has_all &= config_bool(c, keys[i]);
    out->key_bias = out->attention_bias = has_all ? LAYER_BIAS : LAYER_BIAS_OPTIONAL;
    out->hidden_bias = config_bool(c, "mlp_bias") ? LAYER_BIAS : LAYER_BIAS_OPTIONAL;
}

/* What the decoders of both directions share. */
static int read_decoder(const struct linnet_model *m, struct config *c, struct text_decoder_config *out)
{
    static const enum nn_activation activations[] = {NN_RELU, NN_SWISH, NN_GELU};
    int n_dims = m->encoder->n_dims;
    *out = (struct text_decoder_config){
        .n_vocabulary = m->vocab->n, .n_dims = n_dims, .embedding_scale = (float)sqrt((double)n_dims)};
    config_choice(c, "input_layer", "embed");
    out->n_heads = config_int(c, "attention_heads", 1, 256);
    out->n_hidden = config_int(c, "linear_units", 1, 65536);
    out->norm_eps = (float)config_number(c, "norm_eps", 1e-30, 1);
    out->post_norm = !config_bool(c, "normalize_before");
    out->activation = activations[config_choice(c, "activation_type", "relu|swish|gelu")];
    read_biases(c, out);
    if (c->rc >= 0 && n_dims % out->n_heads != 0)
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: output_size %d is no multiple of the decoder's attention_heads %d",
                     c->path, n_dims, out->n_heads);
    return c->rc;
}

static int decoders_open(struct linnet_model *m, const struct model_source *from)
{
    struct text_decoder_config d;
    if (!config_has(from->config, "decoder"))
        return LINNET_OK; /* CTC alone */
    struct config c = config_in(from->config, "decoder");
    int is_both = config_choice(&c, "kind", "transformer|bitransformer"), rc = read_decoder(m, &c, &d);
    int n_left = config_int(&c, "num_blocks", 1, 1000), n_right = is_both ? config_int(&c, "r_num_blocks", 0, 1000) : 0;
    d.sos = config_int(from->config, "sos", 0, m->vocab->n - 1);
    d.eos = config_int(from->config, "eos", 0, m->vocab->n - 1);
    d.n_blocks = n_left;
    if (rc < 0 || (rc = c.rc) < 0 || (rc = from->config->rc) < 0 ||
        (rc = text_decoder_open(&m->left, &d, &wenet_decoder_names, is_both ? "decoder.left_decoder." : "decoder.",
                                from->layers)) < 0 ||
        n_right == 0)
        return rc;
    d.n_blocks = n_right;
    return text_decoder_open(&m->right, &d, &wenet_decoder_names, "decoder.right_decoder.", from->layers);
}

static int networks_open(struct linnet_model *m, const struct model_source *from, int blank)
{
    int rc = ctc_layer_open(&m->ctc, from->layers, "ctc.ctc_lo", m->encoder->n_dims, m->vocab->n, blank);
    if (rc < 0 || (rc = decoders_open(m, from)) < 0)
        return rc;
    return boundary_open(&m->boundary, from->layers->file, m->encoder->n_dims, from->layers->pool, from->layers->msg);
}

/* lengths.txt, which `linnet align` writes. */
static int lengths_open(struct linnet_model *m, const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc = file_in(path, dir, "lengths.txt", msg);
    if (rc < 0 || !file_exists(path))
        return rc;
    m->lengths = mem_array(1, sizeof *m->lengths);
    return m->lengths == NULL ? fail_memory(msg) : length_counts_read(m->lengths, path, m->vocab->n, msg);
}

static void describe(struct linnet_model *m)
{
    const struct encoder *e = m->encoder;
    const struct conformer_config *c = &conformer_of(e)->config;
    snprintf(m->description, sizeof m->description, "%s, %d mel bins, encoder %d x %d%s, %s, %d tokens, %s",
             c->is_transformer ? "Transformer" : "Conformer", e->n_features, c->n_blocks, e->n_dims,
             c->convolution && !c->causal ? " looking ahead" : "",
             m->right != NULL  ? "decoders both ways"
             : m->left != NULL ? "decoder"
                               : "CTC alone",
             m->vocab->n,
             e->dynamic_chunk      ? "chunks of any size"
             : e->static_chunk > 0 ? "chunks of one size"
                                   : "whole recordings");
}

static int wenet_open(struct linnet_model *m, const struct model_source *from)
{
    const struct encoder_source encoder = {from->config, from->layers, wenet_encoder_names(from->config)};
    struct message *msg = from->layers->msg;
    int n_vocabulary = config_int(from->config, "output_dim", 2, 1 << 22);
    int blank = config_int(from->config, "blank", 0, n_vocabulary - 1), rc;
    m->reverse_weight = config_number(from->config, "reverse_weight", 0, 1);
    if ((rc = from->config->rc) < 0 || (rc = vocab_open(&m->vocab, "units", from->dir, n_vocabulary, msg)) < 0)
        return rc;
    if ((rc = encoder_open(&m->encoder, "conformer", &encoder)) < 0 || (rc = networks_open(m, from, blank)) < 0)
        return fail_in(msg, rc, from->dir);
    if ((rc = read_features(m, from->config)) < 0 || (rc = lengths_open(m, from->dir, msg)) < 0)
        return rc;
    describe(m);
    return LINNET_OK;
}

/* ---- facts ---- */

static void decoder_facts(struct facts *f, const char *layers, const char *hidden, const struct text_decoder *d)
{
    facts_number(f, layers, d != NULL ? d->config.n_blocks : 0, 0);
    if (d != NULL)
        facts_number(f, hidden, d->config.n_hidden, 0);
}

static void wenet_facts(const struct linnet_model *m, struct facts *f)
{
    const struct conformer *e = conformer_of(m->encoder);
    const struct conformer_config *c = &e->config;
    char chunks[40];
    snprintf(chunks, sizeof chunks, "of %d frames", c->static_chunk);
    facts_text(f, "encoder", c->is_transformer ? "Transformer" : "Conformer");
    facts_number(f, "d_model", c->n_dims, 0);
    facts_number(f, "encoder_layers", c->n_blocks, 0);
    facts_number(f, "encoder_heads", c->n_heads, 0);
    facts_number(f, "encoder_ffn", c->n_hidden, 0);
    facts_number(f, "kernel", c->convolution ? c->kernel : 0, 0);
    facts_text(f, "convolution", !c->convolution ? "none" : c->causal ? "causal" : "symmetric");
    facts_number(f, "subsampling", e->subsampling.rate, 0);
    facts_text(f, "chunks", c->static_chunk > 0 ? chunks : c->dynamic_chunk ? "of any size" : "no");
    decoder_facts(f, "decoder_layers", "decoder_ffn", m->left);
    decoder_facts(f, "right_layers", "right_ffn", m->right);
    facts_number(f, "reverse_weight", m->reverse_weight, 4);
    facts_number(f, "blank", m->ctc->blank, 0);
    if (m->left != NULL) {
        facts_number(f, "sos", m->left->config.sos, 0);
        facts_number(f, "eos", m->left->config.eos, 0);
    }
    facts_text(f, "normalization", e->subsampling.mean != NULL ? "mean and variance" : "none");
}

const struct family wenet_family = {.name = "wenet", .open = wenet_open, .facts = wenet_facts};
