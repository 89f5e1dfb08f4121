/* SPDX-License-Identifier: Apache-2.0
 * segmental_setup.h - a small random model of the segmental search, and frames for it. */
#ifndef LINNET_TESTS_SUPPORT_SEGMENTAL_SETUP_H
#define LINNET_TESTS_SUPPORT_SEGMENTAL_SETUP_H

#include "decoders/segmental/search.h"
#include "tests/support/unit.h"

enum { V = 5, D = 8, H = 2, HIDDEN = 20, BLOCKS = 2, T = 6, MAX_LENGTH = 8, BLANK = 0, N_KEYS = 128 };

#include "tests/support/plain_decoder.h"

#define N_LONG 2000 /* frames of the longest recording */

struct setup {
    struct model model;
    char boundary_path[40];
    struct safetensors *boundary_file;
    struct pool *pool;
    struct nn_context ctx;
    struct text_decoder *decoder;
    struct boundary *boundary;
    struct length_counts counts;
    float frames[N_LONG * D], logprobs[N_LONG * V];
};

static inline int below(int n) /* 0 .. n - 1 */
{
    int i = (int)((uniform() + 0.5f) * (float)n);
    return i < n ? i : n - 1;
}

static inline void draw_logprobs(float *row, double peak)
{
    double x[V], sum = 0.0;
    for (int v = 0; v < V; v++)
        sum += exp(x[v] = (double)uniform() * 6.0);
    x[BLANK] += peak;
    sum += exp(x[BLANK]) - exp(x[BLANK] - peak);
    for (int v = 0; v < V; v++)
        row[v] = (float)(x[v] - log(sum));
}

/* A hidden layer of 3 units and an output. */
static inline void write_boundary(struct setup *s)
{
    struct writing x = {NULL, 1, 0};
    strcpy(s->boundary_path, "/tmp/linnet-boundary-XXXXXX");
    int file = mkstemp(s->boundary_path);
    CU_ASSERT_TRUE_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&x.w, s->boundary_path, NULL), 0);
    for (x.declares = 1; x.declares >= 0; x.declares--) {
        put(&x, "boundary.hidden.weight", 3, D);
        put(&x, "boundary.hidden.bias", 3, 0);
        put(&x, "boundary.output.weight", 1, 3);
        put(&x, "boundary.output.bias", 1, 0);
    }
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_close(x.w, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&s->boundary_file, s->boundary_path, NULL), 0);
}

/* Random frames; peak: added to the logit of blank. */
static inline void draw(struct setup *s, int n_frames, double peak)
{
    for (int i = 0; i < n_frames * D; i++)
        s->frames[i] = uniform() * 4.0f;
    for (int t = 0; t < n_frames; t++)
        draw_logprobs(s->logprobs + t * V, peak);
}

static inline struct setup *setup_open(int n_threads)
{
    struct setup *s = calloc(1, sizeof *s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    model_open(&s->model, put_left_and_right);
    write_boundary(s);
    CU_ASSERT_EQUAL_FATAL(pool_open(&s->pool, n_threads), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, s->pool, NULL), 0);
    s->decoder = decoder_open(&s->model, "left.", &small, s->pool);
    CU_ASSERT_EQUAL_FATAL(boundary_open(&s->boundary, s->boundary_file, D, s->pool, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->boundary);
    CU_ASSERT_EQUAL_FATAL(length_counts_open(&s->counts, V, 4, NULL), 0);
    for (int i = 0; i < 60; i++)
        length_counts_add(&s->counts, 1 + below(2), 1 + below(6));
    return s;
}

static inline void setup_close(struct setup *s)
{
    text_decoder_close(s->decoder);
    boundary_close(s->boundary);
    length_counts_close(&s->counts);
    safetensors_close(s->boundary_file);
    unlink(s->boundary_path);
    nn_context_close(&s->ctx);
    pool_close(s->pool);
    model_close(&s->model);
    free(s);
}

#endif
