/* SPDX-License-Identifier: Apache-2.0
 * conformer_config.c - reading what a WeNet encoder is made of. */
#include "encoder/conformer_config.h"

static void read_common(struct conformer_config *c, struct config *from)
{
    static const enum nn_activation activations[] = {NN_RELU, NN_SWISH, NN_GELU};
    c->is_transformer = config_choice(from, "kind", "conformer|transformer");
    c->n_dims = config_int(from, "output_size", 2, 16384);
    c->n_heads = config_int(from, "attention_heads", 1, 256);
    c->n_hidden = config_int(from, "linear_units", 1, 65536);
    c->n_blocks = config_int(from, "num_blocks", 1, 1000);
    c->position = (enum conformer_position)config_choice(from, "pos_enc_layer_type", "no_pos|abs_pos|rel_pos");
    c->relative_attention = config_choice(from, "selfattention_layer_type", "selfattn|rel_selfattn");
    c->activation = activations[config_choice(from, "activation_type", "relu|swish|gelu")];
    c->pre_norm = config_bool(from, "normalize_before");
    c->final_norm = config_bool(from, "final_norm");
    c->norm_eps = (float)config_number(from, "norm_eps", 1e-30, 1);
    c->query_bias = config_bool(from, "query_bias");
    c->key_bias = config_bool(from, "key_bias");
    c->value_bias = config_bool(from, "value_bias");
    c->hidden_bias = config_bool(from, "mlp_bias");
    c->static_chunk = config_int(from, "static_chunk_size", -1, 100000);
    c->dynamic_chunk = config_bool(from, "use_dynamic_chunk");
    c->input = (enum subsampling_kind)config_choice(from, "input_layer", SUBSAMPLING_KINDS);
}

static void read_convolution(struct conformer_config *c, struct config *from)
{
    c->kernel = config_int(from, "cnn_module_kernel", 1, 1024);
    c->causal = config_bool(from, "causal");
    c->batch_norm = config_choice(from, "cnn_module_norm", "layer_norm|batch_norm");
    c->convolution_eps = (float)config_number(from, "conv_norm_eps", 1e-30, 1);
    c->inner_factor = config_int(from, "conv_inner_factor", 1, 64);
    c->convolution_bias = config_bool(from, "conv_bias");
    if (from->rc >= 0 && !c->causal && c->kernel % 2 == 0)
        from->rc = fail(from->msg, LINNET_E_MODEL, "%s: cnn_module_kernel %d is even and the convolution not causal",
                        from->path, c->kernel);
    if (from->rc >= 0 && c->n_dims * c->inner_factor % 2 != 0)
        from->rc = fail(from->msg, LINNET_E_MODEL, "%s: output_size %d times conv_inner_factor %d is odd", from->path,
                        c->n_dims, c->inner_factor);
}

int conformer_config_read(struct conformer_config *c, const struct config *config)
{
    struct conformer_config fresh = {0};
    struct config root = *config;
    fresh.n_features = config_int(&root, "input_dim", 1, 4096);
    struct config from = config_in(&root, "encoder");
    read_common(&fresh, &from);
    if (!fresh.is_transformer) {
        fresh.macaron = config_bool(&from, "macaron_style");
        fresh.convolution = config_bool(&from, "use_cnn_module");
    }
    if (fresh.convolution)
        read_convolution(&fresh, &from);
    if (from.rc < 0)
        return from.rc;
    if (fresh.n_dims % fresh.n_heads != 0 || fresh.n_dims % 2 != 0)
        return fail(from.msg, LINNET_E_MODEL, "%s: output_size %d is odd or no multiple of attention_heads %d",
                    from.path, fresh.n_dims, fresh.n_heads);
    if (fresh.is_transformer && fresh.relative_attention)
        return fail(from.msg, LINNET_E_MODEL, "%s: selfattention_layer_type 'rel_selfattn' in a transformer",
                    from.path);
    *c = fresh;
    return LINNET_OK;
}
