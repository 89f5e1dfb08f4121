/* SPDX-License-Identifier: Apache-2.0
 * sinusoid.c - sinusoidal position encodings. */
#include "nn/sinusoid.h"

#include <math.h>

void nn_sinusoid(int first, int n_rows, int n_dims, float *out)
{
    float step = (float)(-log(10000.0) / n_dims);
    for (int i = 0; i < n_dims; i += 2) {
        float frequency = expf((float)i * step), *row = out + i;
        for (int r = 0; r < n_rows; r++, row += n_dims) {
            float angle = (float)(first + r) * frequency;
            row[0] = sinf(angle);
            if (i + 1 < n_dims)
                row[1] = cosf(angle);
        }
    }
}
