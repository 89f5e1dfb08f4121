/* SPDX-License-Identifier: Apache-2.0
 * calibration.h - confidences made true: of the words with a confidence of 0.8, 80 % should be right.
 *
 * A word to which the decoder gives the probability p has the confidence sigmoid(logit(p) / temperature + offset)
 * (Platt 1999; Guo et al. 2017 with the offset 0).  `linnet calibrate` fits the two numbers, for each decoder, whole
 * and streaming apart, into calibration.json:
 *
 *     {"calibrations": [{"decoder": "ctc_greedy", "streaming": false, "temperature": 2.1, "offset": -0.3, ...}, ...]}
 *
 * An entry without "decoder" is for all that have none of their own. */
#ifndef LINNET_DECODERS_COMMON_CALIBRATION_H
#define LINNET_DECODERS_COMMON_CALIBRATION_H

#include "base/status.h"

#define CALIBRATION_FILE "calibration.json" /* in a model's folder */

struct calibration {
    double temperature, offset;
};

/* Probabilities are written with four decimals: what would be written as 0 or 1 is half of the last one away. */
double calibration_logit(double p);
double calibration_apply(const struct calibration *c, double p);

/* The decoder's in the file that `setting` names; "auto": in the model's folder, if there is one; "none": none.
 * Returns 1, or 0: there is none.  A file that is named and has none for the decoder is an error. */
int calibration_find(struct calibration *c, const char *setting, const char *model_dir, const char *decoder,
                     int streaming, struct message *msg) LINNET_MUST_CHECK;

#endif
