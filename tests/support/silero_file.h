/* SPDX-License-Identifier: Apache-2.0
 * silero_file.h - a voice detector with random weights, in the form of Silero VAD's file. */
#ifndef LINNET_TESTS_SUPPORT_SILERO_FILE_H
#define LINNET_TESTS_SUPPORT_SILERO_FILE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/safetensors.h"
#include "tests/support/noise.h"

enum { SILERO_TENSORS = 15 };

static const struct silero_tensor {
    const char *name;
    int n_dims;
    int64_t shape[3];
} silero_tensors[SILERO_TENSORS] = {{"stft_conv.weight", 3, {258, 1, 256}},
                                    {"conv1.weight", 3, {128, 129, 3}},
                                    {"conv1.bias", 1, {128}},
                                    {"conv2.weight", 3, {64, 128, 3}},
                                    {"conv2.bias", 1, {64}},
                                    {"conv3.weight", 3, {64, 64, 3}},
                                    {"conv3.bias", 1, {64}},
                                    {"conv4.weight", 3, {128, 64, 3}},
                                    {"conv4.bias", 1, {128}},
                                    {"lstm_cell.weight_ih", 2, {512, 128}},
                                    {"lstm_cell.weight_hh", 2, {512, 128}},
                                    {"lstm_cell.bias_ih", 1, {512}},
                                    {"lstm_cell.bias_hh", 1, {512}},
                                    {"final_conv.weight", 3, {1, 128, 1}},
                                    {"final_conv.bias", 1, {1}}};

static inline size_t silero_elements(const struct silero_tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->n_dims; i++)
        n *= (size_t)t->shape[i];
    return n;
}

/* Their values, of a size at which it matters what is heard; free each. */
static inline void silero_values(float *values[SILERO_TENSORS])
{
    for (int i = 0; i < SILERO_TENSORS; i++) {
        const struct silero_tensor *t = &silero_tensors[i];
        size_t n = silero_elements(t);
        float scale = t->n_dims == 1 ? 0.1f : 6.0f / sqrtf((float)(n / (size_t)t->shape[0]));
        values[i] = calloc(n, sizeof *values[i]);
        for (size_t k = 0; k < n; k++)
            values[i][k] = scale * noise();
    }
}

/* Writes them but for the tensor `missing`, with one row too many for `misshapen`; either may be NULL. */
static inline int silero_write(const char *path, float *const values[SILERO_TENSORS], const char *missing,
                               const char *misshapen)
{
    struct safetensors_writer *w;
    int index[SILERO_TENSORS], rc = safetensors_writer_open(&w, path, NULL);
    for (int i = 0; i < SILERO_TENSORS && rc >= 0; i++) {
        struct silero_tensor t = silero_tensors[i];
        t.shape[0] += misshapen != NULL && strcmp(t.name, misshapen) == 0;
        index[i] = missing != NULL && strcmp(t.name, missing) == 0
                       ? -1
                       : (rc = safetensors_writer_declare(w, t.name, DTYPE_F32, t.n_dims, t.shape, NULL));
    }
    for (int i = 0; i < SILERO_TENSORS && rc >= 0; i++) {
        struct silero_tensor t = silero_tensors[i];
        size_t n = silero_elements(&t);
        int is_misshapen = misshapen != NULL && strcmp(t.name, misshapen) == 0;
        float *data = calloc(n + n / (size_t)t.shape[0], sizeof *data);
        memcpy(data, values[i], n * sizeof *data);
        n += is_misshapen ? n / (size_t)t.shape[0] : 0;
        rc = index[i] < 0 ? 0 : safetensors_writer_put(w, index[i], data, n * sizeof *data, NULL);
        free(data);
    }
    return rc < 0 ? rc : safetensors_writer_close(w, NULL);
}

#endif
