/* SPDX-License-Identifier: Apache-2.0
 * convert.h - checkpoints of other programs to model directories.
 *
 * Each kind of source is one entry of the table in convert.c: how it is recognised and how it is converted. */
#ifndef LINNET_CONVERT_CONVERT_H
#define LINNET_CONVERT_CONVERT_H

#include "nn/tensor.h"

struct convert_options {
    const char *vocabulary; /* file of a tokenizer, for sources that have none; or NULL */
    enum dtype matrix_type; /* DTYPE_F16, DTYPE_BF16, DTYPE_F32; N_DTYPES: as in the source */
    int quantize;           /* then store linear layers as int8 computes them (nn/linear_stored.h) */
};

/* Makes the model directory dir from source, a file or a directory.  A model that is already in dir is replaced, and
 * only when the new one is whole; a directory of anything else is refused.  *kind names the source's kind. */
int convert(const char *source, const char *dir, const struct convert_options *options, const char **kind,
            struct message *msg) LINNET_MUST_CHECK;

int convert_recognizes(const char *source); /* by names and first bytes only */

/* For the kinds: writes the model into the fresh directory dir (or, for an addition, the one of the model). */
struct convert_kind {
    const char *name;
    int is_addition;                       /* adds a file to an existing model */
    int (*recognizes)(const char *source); /* by names and first bytes only */
    int (*convert)(const char *source, const char *dir, const struct convert_options *options, struct message *msg);
};

#endif
