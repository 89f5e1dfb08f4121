/* SPDX-License-Identifier: Apache-2.0
 * head.c - continuous integrate-and-fire: a sigmoid says for each frame how much of a word it holds.  The amounts are
 * scaled to add up to a whole number of words; where their sum so far reaches it, the last word is complete. */
#include "decoders/alignatt/head.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "nn/layers.h"

#define FULL 0.999f /* Simul-Whisper's threshold for one word */
enum { MOST_ROUNDS = 10, END_FRAMES = 2 };

int alignatt_head_read(float **weight, float *bias, const char *dir, int d_model, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct safetensors *f;
    float *w = NULL, *b = NULL;
    int rc = file_in(path, dir, ALIGNATT_HEAD_FILE, msg);
    if (rc < 0 || (rc = safetensors_open(&f, path, msg)) < 0)
        return rc;
    struct layer_source from = {.file = f, .msg = msg};
    if ((rc = floats_load(&w, &from, "weight", 2, (const int64_t[]){1, d_model})) >= 0 &&
        (rc = floats_load(&b, &from, "bias", 1, (const int64_t[]){1})) >= 0) {
        *weight = w;
        *bias = b[0];
        w = NULL;
    }
    mem_free(w);
    mem_free(b);
    safetensors_close(f);
    return rc;
}

static float sum_of(const float *x, int n, int *n_nonzero)
{
    double sum = 0;
    *n_nonzero = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)x[i];
        *n_nonzero += x[i] != 0.0f;
    }
    return (float)sum;
}

/* Spreads the excess of large amounts over all frames: each that is too large halves all and adds half of the mean. */
static int smooth(float *x, int n)
{
    int n_large = 0, n_nonzero;
    for (int i = 0; i < n; i++)
        n_large += x[i] > FULL;
    for (int i = 0; i < n && n_large > 0; i++) {
        if (x[i] < FULL)
            continue;
        float mean = 0.5f * sum_of(x, n, &n_nonzero) / (float)n_nonzero;
        for (int j = 0; j < n; j++)
            x[j] = x[j] * 0.5f + (x[j] != 0.0f ? mean : 0.0f);
    }
    return n_large;
}

int alignatt_head_fires(const struct nn_kernels *kernels, const float *weight, float bias, const float *states, int n,
                        int d_model, float *amounts)
{
    int n_nonzero;
    if (n < END_FRAMES)
        return 0;
    for (int i = 0; i < n; i++)
        amounts[i] = 1.0f / (1.0f + expf(-(kernels->dot(weight, states + (ptrdiff_t)i * d_model, d_model) + bias)));
    float sum = sum_of(amounts, n, &n_nonzero), scale = nearbyintf(sum) / sum;
    for (int i = 0; i < n; i++)
        amounts[i] *= scale;
    for (int round = 0; round < MOST_ROUNDS && smooth(amounts, n) > 0; round++)
        ;
    double total = 0; /* the last frame's amount is left out */
    for (int i = 0; i < n - 1; i++)
        total += (double)amounts[i];
    double words = floor(total / (double)FULL), so_far = 0;
    for (int i = 0; i < n - 1; i++) {
        so_far += (double)amounts[i];
        if (so_far - words >= 0)
            return i >= n - END_FRAMES;
    }
    return 0;
}
