/* SPDX-License-Identifier: Apache-2.0
 * precision.h - what the products of a model are computed in. */
#ifndef LINNET_NN_PRECISION_H
#define LINNET_NN_PRECISION_H

#include "base/settings.h"
#include "base/status.h"

/* fp32: single precision, with weights as they are stored.  bf16: weights and inputs rounded to bf16, sums in single
 * precision.  int8: 8-bit numbers; weights have a scale for each output, inputs one for each row, found as they come.
 * auto: what is fastest on this processor (bench/LOG.md): int8 where its vector code has products of bytes. */
#define PRECISIONS(X)                                                                                                  \
    X(PRECISION_FP32, "fp32") X(PRECISION_BF16, "bf16") X(PRECISION_INT8, "int8") X(PRECISION_AUTO, "auto")
enum precision {
    PRECISIONS(SETTING_ENUM) PRECISION_INT16, /* of single layers, where 8 bits are too few */
    PRECISION_INT8X16,                        /* of layers that meet few rows: 8-bit weights, 16-bit inputs */
};

/* A layer of a network in 8 bits that needs more. */
enum precision precision_finer(enum precision p);
static inline enum precision precision_of_few_rows(enum precision p)
{
    return p == PRECISION_INT8 ? PRECISION_INT8X16 : p;
}

/* By name, never auto.  LINNET_E_ARGUMENT for an unknown one. */
LINNET_MUST_CHECK int precision_find(enum precision *out, const char *name, struct message *msg);
const char *precision_name(enum precision p);

#endif
