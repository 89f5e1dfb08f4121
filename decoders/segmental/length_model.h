/* SPDX-License-Identifier: Apache-2.0
 * length_model.h - lengths of the segments of labels: counts from aligned data, and probabilities from counts.
 *
 * A length is the number of encoder frames from after one label's frame up to and with the next one's; lengths from
 * `longest` on count as one class, so that no pause is impossible. */
#ifndef LINNET_DECODERS_SEGMENTAL_LENGTH_MODEL_H
#define LINNET_DECODERS_SEGMENTAL_LENGTH_MODEL_H

#include "base/settings.h"
#include "base/status.h"

/* What is counted.  A zeroed struct is empty and may be closed. */
struct length_counts {
    int n_labels, longest;
    long long *at; /* [n_labels, longest]: lengths 1, 2, ..., longest or more */
};

LINNET_MUST_CHECK int length_counts_open(struct length_counts *c, int n_labels, int longest, struct message *msg);
void length_counts_close(struct length_counts *c);
void length_counts_add(struct length_counts *c, int label, int length);

/* A text file: a line "lengths N LONGEST", then "LABEL count count ..." for each label that was seen. */
LINNET_MUST_CHECK int length_counts_write(const struct length_counts *c, const char *path, struct message *msg);
LINNET_MUST_CHECK int length_counts_read(struct length_counts *c, const char *path, int n_labels, struct message *msg);

#define LENGTH_MODEL_KINDS(X)                                                                                          \
    X(LENGTH_MODEL_NONE, "none")     /* all lengths are equally probable: 0 */                                         \
    X(LENGTH_MODEL_STATIC, "static") /* exp(-|mean length of the label - length| * variance), normalized */            \
    X(LENGTH_MODEL_GLOBAL, "global") /* the histogram of all labels */                                                 \
    X(LENGTH_MODEL_LABEL, "label")   /* the label's histogram and `smoothing` counts of the global one */
enum length_model_kind { LENGTH_MODEL_KINDS(SETTING_ENUM) };

struct length_model_options {
    enum length_model_kind kind;
    double variance;  /* of static; larger is stricter */
    double smoothing; /* >= 0; of the global histogram, by the uniform one: that many counts in all */
};

struct length_model;

/* counts are not needed afterwards, and may be NULL with LENGTH_MODEL_NONE. */
LINNET_MUST_CHECK int length_model_open(struct length_model **out, const struct length_model_options *options,
                                        const struct length_counts *counts, struct message *msg);
void length_model_close(struct length_model *m);

double length_model_logprob(const struct length_model *m, int label, int length); /* length >= 1 */

/* All labels' [n_labels] for one length, scaled and added to scores [n_labels]. */
void length_model_add(const struct length_model *m, int length, double scale, float *scores, int n_labels);

#endif
