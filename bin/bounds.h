/* SPDX-License-Identifier: Apache-2.0
 * bounds.h - a model's encoder and text decoder beside what the machine can do at most. */
#ifndef LINNET_BIN_BOUNDS_H
#define LINNET_BIN_BOUNDS_H

#include "decoders/common/model.h"
#include "nn/peak.h"

/* Zeroed may be closed. */
struct bounds {
    /* Of the best round: */
    double peak[N_DTYPES][N_DTYPES]; /* multiplications a second of the products in the encoder */
    double reading_s;                /* for as many bytes as a step of the text decoder reads */
    /* What an encoding and a step do: */
    struct nn_work encoding, step;
    /* ---- */
    const struct linnet_model *model;
    struct nn_context ctx;
    int n_features, n_states;
    float *features, *states;
    struct text_decoder_state state;
};

/* An encoding is a window, or 30 s; the text decoder sees its states. */
LINNET_MUST_CHECK int bounds_open(struct bounds *b, const struct linnet_model *m, struct message *msg);
void bounds_close(struct bounds *b);

/* Measures all once: the times of an encoding and of a step, 0 where the model has no text decoder. */
LINNET_MUST_CHECK int bounds_round(struct bounds *b, double *encoding_s, double *step_s, struct message *msg);

double bounds_products(const struct nn_work *work); /* multiplications of all types */
double bounds_encoding_s(const struct bounds *b);   /* what an encoding would take at the peaks */

#endif
