/* SPDX-License-Identifier: Apache-2.0
 * plain_decoder.h - an attention decoder as a plain implementation in double precision, written apart from the
 * program's, on the weights of random_decoder.h. */
#ifndef LINNET_TESTS_SUPPORT_PLAIN_DECODER_H
#define LINNET_TESTS_SUPPORT_PLAIN_DECODER_H

#include "tests/support/random_decoder.h"

static void put_left_and_right(struct writing *x)
{
    put_decoder(x, "left");
    put_decoder(x, "right");
}

/* A decoder, or one of its blocks: whose weights are meant. */
struct plain_part {
    const struct model *model;
    const char *prefix;
    int post_norm;
    int block; /* -1: the decoder's own */
};

/* What is seen of the recording: row t sees frames begin[t] .. end[t] - 1. */
struct plain_view {
    const double (*frames)[D];
    const int *begin, *end;
};

static const float *plain(const struct plain_part *part, const char *name)
{
    char full[120];
    if (part->block >= 0)
        snprintf(full, sizeof full, "%s.decoders.%d.%s", part->prefix, part->block, name);
    else
        snprintf(full, sizeof full, "%s.%s", part->prefix, name);
    const struct tensor *t = safetensors_find(part->model->file, full);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t->data;
}

static void plain_linear(const float *w, const float *b, const double *x, int n_in, int n_out, double *y)
{
    for (int o = 0; o < n_out; o++) {
        y[o] = (double)b[o];
        for (int i = 0; i < n_in; i++)
            y[o] += (double)w[o * n_in + i] * x[i];
    }
}

static void plain_layer(const struct plain_part *part, const char *layer, const double *x, double *y)
{
    char name[60];
    snprintf(name, sizeof name, "%s.weight", layer);
    const float *w = plain(part, name);
    snprintf(name, sizeof name, "%s.bias", layer);
    plain_linear(w, plain(part, name), x, D, D, y);
}

static void plain_norm(const struct plain_part *part, const char *norm, double *x)
{
    char name[60];
    double mean = 0.0, variance = 0.0;
    for (int i = 0; i < D; i++)
        mean += x[i] / D;
    for (int i = 0; i < D; i++)
        variance += (x[i] - mean) * (x[i] - mean) / D;
    snprintf(name, sizeof name, "%s.weight", norm);
    const float *gamma = plain(part, name);
    snprintf(name, sizeof name, "%s.bias", norm);
    const float *beta = plain(part, name);
    for (int i = 0; i < D; i++)
        x[i] = (x[i] - mean) / sqrt(variance + 1e-5) * (double)gamma[i] + (double)beta[i];
}

/* Adds attention of y to keys and values from n rows of memory to x. */
static void plain_attention(const struct plain_part *part, const char *kind, const double *y, const double (*memory)[D],
                            int n, double *x)
{
    char name[60];
    double q[D], k[T + MAX_LENGTH][D], v[T + MAX_LENGTH][D], heads[D] = {0}, out[D];
    snprintf(name, sizeof name, "%s.linear_q", kind);
    plain_layer(part, name, y, q);
    for (int t = 0; t < n; t++) {
        snprintf(name, sizeof name, "%s.linear_k", kind);
        plain_layer(part, name, memory[t], k[t]);
        snprintf(name, sizeof name, "%s.linear_v", kind);
        plain_layer(part, name, memory[t], v[t]);
    }
    for (int h = 0; h < H; h++) {
        double weight[T + MAX_LENGTH], sum = 0.0;
        for (int t = 0; t < n; t++) {
            double dot = 0.0;
            for (int i = h * D / H; i < (h + 1) * D / H; i++)
                dot += q[i] * k[t][i];
            sum += weight[t] = exp(dot / sqrt((double)D / H));
        }
        for (int t = 0; t < n; t++)
            for (int i = h * D / H; i < (h + 1) * D / H; i++)
                heads[i] += weight[t] / sum * v[t][i];
    }
    snprintf(name, sizeof name, "%s.linear_out", kind);
    plain_layer(part, name, heads, out);
    for (int i = 0; i < D; i++)
        x[i] += out[i];
}

static void plain_feed_forward(const struct plain_part *part, const double *y, double *x)
{
    double hidden[HIDDEN], out[D];
    plain_linear(plain(part, "feed_forward.w_1.weight"), plain(part, "feed_forward.w_1.bias"), y, D, HIDDEN, hidden);
    for (int i = 0; i < HIDDEN; i++)
        hidden[i] = hidden[i] > 0.0 ? hidden[i] : 0.0;
    plain_linear(plain(part, "feed_forward.w_2.weight"), plain(part, "feed_forward.w_2.bias"), hidden, HIDDEN, D, out);
    for (int i = 0; i < D; i++)
        x[i] += out[i];
}

/* The block on rows x [n]. */
static void plain_block(const struct plain_part *part, const struct plain_view *view, double (*x)[D], int n)
{
    double y[MAX_LENGTH][D];
    memcpy(y, x, sizeof y);
    for (int t = 0; t < n && !part->post_norm; t++)
        plain_norm(part, "norm1", y[t]);
    for (int t = 0; t < n; t++) {
        double z[D];
        plain_attention(part, "self_attn", y[t], (const double(*)[D])y, t + 1, x[t]);
        if (part->post_norm)
            plain_norm(part, "norm1", x[t]);
        memcpy(z, x[t], sizeof z);
        if (!part->post_norm)
            plain_norm(part, "norm2", z);
        plain_attention(part, "src_attn", z, view->frames + view->begin[t], view->end[t] - view->begin[t], x[t]);
        if (part->post_norm)
            plain_norm(part, "norm2", x[t]);
        memcpy(z, x[t], sizeof z);
        if (!part->post_norm)
            plain_norm(part, "norm3", z);
        plain_feed_forward(part, z, x[t]);
        if (part->post_norm)
            plain_norm(part, "norm3", x[t]);
    }
}

/* log p(next | tokens [n]) into logprobs [n + 1][V]. */
static inline void plain_logprobs_within(const struct plain_part *part, const struct plain_view *view,
                                         const int *tokens, int n, double (*logprobs)[V])
{
    double x[MAX_LENGTH][D];
    const float *embedding = plain(part, "embed.0.weight");
    for (int t = 0; t <= n; t++)
        for (int i = 0; i < D; i++) {
            double angle = t * pow(10000.0, -(double)(i / 2 * 2) / D);
            int token = t == 0 ? small.sos : tokens[t - 1];
            x[t][i] = (double)embedding[token * D + i] * sqrt((double)D) + (i % 2 ? cos(angle) : sin(angle));
        }
    for (int b = 0; b < BLOCKS; b++) {
        struct plain_part block = *part;
        block.block = b;
        plain_block(&block, view, x, n + 1);
    }
    for (int t = 0; t <= n; t++) {
        double sum = 0.0;
        if (!part->post_norm)
            plain_norm(part, "after_norm", x[t]);
        plain_linear(plain(part, "output_layer.weight"), plain(part, "output_layer.bias"), x[t], D, V, logprobs[t]);
        for (int v = 0; v < V; v++)
            sum += exp(logprobs[t][v]);
        for (int v = 0; v < V; v++)
            logprobs[t][v] -= log(sum);
    }
}

#endif
