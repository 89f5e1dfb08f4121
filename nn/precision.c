/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/precision.h"

#include <string.h>

#include "nn/kernels.h"

#define TEXT(name, text) text,
#define COMMA_TEXT(name, text) ", " text
static const char *const names[] = {PRECISIONS(TEXT)};

const char *precision_name(enum precision p) { return names[p]; }

enum precision precision_finer(enum precision p)
{
    return p != PRECISION_INT8 ? p : kernels_pick()->bf16_is_fast ? PRECISION_BF16 : PRECISION_INT16;
}

int precision_find(enum precision *out, const char *name, struct message *msg)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum precision)i;
            if (*out == PRECISION_AUTO)
                *out = kernels_pick()->int8_is_fast ? PRECISION_INT8 : PRECISION_FP32;
            return LINNET_OK;
        }
    return fail(msg, LINNET_E_ARGUMENT, "precision '%.40s' is none of %s", name, &PRECISIONS(COMMA_TEXT)[2]);
}
