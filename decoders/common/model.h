/* SPDX-License-Identifier: Apache-2.0
 * model.h - what a decoder may ask a model for: a bag of parts.
 *
 * A family (models/) fills in the parts that its models have; NULL means that this model has none.  Nobody else knows
 * which family it is: a decoder names the parts that it needs, and works with every model that has them. */
#ifndef LINNET_DECODERS_COMMON_MODEL_H
#define LINNET_DECODERS_COMMON_MODEL_H

#include "base/pool.h"
#include "encoder/encoder.h"
#include "frontend/features.h"
#include "nn/text_decoder.h"
#include "vocab/vocab.h"

struct boundary;
struct ctc_layer;
struct family;
struct length_counts;

/* Attention heads whose weights give the times of tokens. */
struct alignment_heads {
    int *index; /* [blocks * heads of the text decoder] which of the n a head is, -1: none of them */
    int n;
};

/* Immutable after linnet_model_open, but for the pool, which may be used by several threads. */
struct linnet_model {
    const struct family *family;
    char *dir;
    char description[240];
    struct pool *pool;
    enum precision precision;    /* of its products */
    int is_quantized;            /* its file has the layers packed (nn/linear_stored.h) */
    struct safetensors *weights; /* its file, mapped */
    uint64_t n_parameters;
    struct features features;
    struct encoder *encoder;
    struct vocab *vocab;
    struct ctc_layer *ctc;
    struct text_decoder *left, *right;               /* of texts forwards and backwards */
    double reverse_weight;                           /* default share of the right one when rescoring */
    struct boundary *boundary;                       /* network for the ends of segments */
    struct length_counts *lengths;                   /* of segments */
    struct alignment_heads named_heads, upper_heads; /* that the model names; all of the upper half of the blocks */
    float *truncation_weight;                        /* [D] truncation head: is the last word complete? */
    float truncation_bias;
};

/* Parts as bits, for a decoder's `needs`. */
enum model_part {
    MODEL_FRAMES = 1,       /* an encoder for recordings of any length */
    MODEL_WINDOWS = 2,      /* an encoder for windows of one length */
    MODEL_CTC = 4,          /* a CTC layer */
    MODEL_TEXT_DECODER = 8, /* a text decoder */
    MODEL_TASK_TOKENS = 16, /* tokens for languages, tasks and times */
};

/* The first part of `needs` that the model has not, in words ("a CTC layer"), or NULL when it has all. */
const char *model_lacks(const struct linnet_model *m, int needs);

double model_frame_s(const struct linnet_model *m); /* seconds from encoder state to encoder state */

#endif
