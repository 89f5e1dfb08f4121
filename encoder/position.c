/* SPDX-License-Identifier: Apache-2.0
 * position.c - sinusoidal position encodings. */
#include "encoder/position.h"

#include <math.h>
#include <stddef.h>

#include "base/mem.h"

int position_open(struct position *p, int n_dims, struct message *msg)
{
    p->n_dims = n_dims;
    p->frequencies = mem_array((size_t)n_dims / 2, sizeof *p->frequencies);
    if (p->frequencies == NULL)
        return fail_memory(msg);
    float step = (float)(-log(10000.0) / n_dims);
    for (int i = 0; i < n_dims / 2; i++)
        p->frequencies[i] = expf((float)(2 * i) * step);
    return LINNET_OK;
}

void position_close(struct position *p)
{
    mem_free(p->frequencies);
    p->frequencies = NULL;
}

void position_encode(const struct position *p, int first, int n, float *out)
{
    for (int r = 0; r < n; r++, out += p->n_dims)
        for (int i = 0; i < p->n_dims / 2; i++) {
            float angle = (float)(first + r) * p->frequencies[i];
            out[2 * i] = sinf(angle);
            out[2 * i + 1] = cosf(angle);
        }
}
