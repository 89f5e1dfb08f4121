/* SPDX-License-Identifier: Apache-2.0
 * bounds.h - a model's encoder and text decoder beside what the machine can do at most. */
#ifndef LINNET_BIN_BOUNDS_H
#define LINNET_BIN_BOUNDS_H

#include "decoders/common/model.h"
#include "nn/peak.h"

/* Zeroed may be closed. */
struct bounds {
    double peak[N_DTYPES][N_DTYPES]; /* multiplications a second of the products in the encoder, in the best round */
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

/* Of an encoding; where the model has a text decoder, of a step, the mean over a text, and of reading as many bytes as
 * the step does, the mean of as many readings; else 0. */
struct bounds_times {
    double encoding_s, step_s, reading_s;
};

/* Measures all once. */
LINNET_MUST_CHECK int bounds_round(struct bounds *b, struct bounds_times *times, struct message *msg);

double bounds_products(const struct nn_work *work); /* multiplications of all types */
double bounds_encoding_s(const struct bounds *b);   /* what an encoding would take at the peaks */

#endif
