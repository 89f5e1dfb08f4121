/* SPDX-License-Identifier: Apache-2.0
 * sinusoid.c - position encodings, with the roundings of the models' origin: single precision all the way. */
#include "nn/sinusoid.h"

#include <math.h>
#include <stddef.h>

void nn_sinusoid(int first, int n_rows, int n_dims, float *out)
{
    float step = (float)(-log(10000.0) / n_dims);
    for (int r = 0; r < n_rows; r++) {
        float *row = out + (size_t)r * (size_t)n_dims;
        for (int i = 0; i < n_dims; i += 2) {
            float angle = (float)(first + r) * expf((float)i * step);
            row[i] = sinf(angle);
            if (i + 1 < n_dims)
                row[i + 1] = cosf(angle);
        }
    }
}
