/* SPDX-License-Identifier: Apache-2.0
 * hybrid_model.h - a WeNet model: features, encoder, CTC layer, attention decoders, vocabulary.
 *
 * The directory that `linnet convert` makes: config.json (every setting written out), model.safetensors (WeNet's own
 * names), units.txt, and pieces.tsv where there is a sentencepiece model.  The segmental search also takes a boundary
 * network (tensors boundary.*) and lengths.txt, where they are. */
#ifndef LINNET_DECODERS_HYBRID_MODEL_H
#define LINNET_DECODERS_HYBRID_MODEL_H

#include "decoders/attention_decoder.h"
#include "decoders/segmental/boundary.h"
#include "decoders/segmental/length_model.h"
#include "vocab/units.h"
#include "encoder/conformer.h"
#include "frontend/fbank.h"

/* Immutable after opening; shared by streams. */
struct hybrid_model {
    struct conformer_config config;
    struct features features;
    int n_vocabulary, blank, sos, eos;
    double reverse_weight; /* usual share of the right-to-left decoder when rescoring */
    double frame_s;        /* of an encoder frame */
    uint64_t n_parameters;
    struct conformer *encoder;
    struct linear ctc;
    struct attention_decoder *left, *right; /* NULL: none */
    struct boundary *boundary;              /* NULL: none */
    struct length_counts lengths;           /* of segments; empty: none */
    struct units *units;
};

LINNET_MUST_CHECK int hybrid_model_open(struct hybrid_model **out, const char *dir, struct pool *pool,
                                        struct message *msg);
void hybrid_model_close(struct hybrid_model *m);
size_t hybrid_model_bytes(const struct hybrid_model *m); /* of weights in memory */
void hybrid_model_describe(const struct hybrid_model *m, char *text, size_t size);

/* CTC log probabilities [n, V] of encoder frames [n, D].  The context must have hybrid_model_scratch floats. */
void hybrid_model_ctc(const struct hybrid_model *m, struct nn_context *ctx, const float *states, int n,
                      float *logprobs);
size_t hybrid_model_scratch(const struct hybrid_model *m);

#endif
