/* SPDX-License-Identifier: Apache-2.0
 * conformer_config.h - what a WeNet encoder is made of, from the "encoder" object of a model's config.json. */
#ifndef LINNET_ENCODER_CONFORMER_CONFIG_H
#define LINNET_ENCODER_CONFORMER_CONFIG_H

#include "base/config.h"
#include "encoder/subsampling.h"

enum conformer_position { CONFORMER_POSITION_NONE, CONFORMER_POSITION_ADDED, CONFORMER_POSITION_RELATIVE };

struct conformer_config {
    int is_transformer; /* plain Transformer blocks: no macaron, no convolution, other names of norms */
    int n_features, n_dims, n_heads, n_hidden, n_blocks;
    enum subsampling_kind input;
    enum conformer_position position; /* RELATIVE: neither added nor shifted, used by relative attention alone */
    int relative_attention;
    enum nn_activation activation;
    int pre_norm, final_norm;
    float norm_eps;
    int query_bias, key_bias, value_bias, hidden_bias; /* the output's goes with the query's */
    int static_chunk;                                  /* > 0: the only chunk that the model was trained for */
    int dynamic_chunk;                                 /* trained for chunks of any size */
    int macaron;
    int convolution, kernel, causal, batch_norm, inner_factor, convolution_bias;
    float convolution_eps;
};

/* Reads input_dim and the object "encoder".  Every number is checked for being possible, and a kind that is not known
 * is refused by name. */
LINNET_MUST_CHECK int conformer_config_read(struct conformer_config *c, const struct config *config);

#endif
