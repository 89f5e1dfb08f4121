/* SPDX-License-Identifier: Apache-2.0
 * boundary.c - emission probabilities of encoder frames.
 *
 * CTC gives for each frame, independently of the others, probabilities of symbols, and a run of a label is one label.
 * So a label begins at a frame when the frame is that label and the one before it is not: p(emit) = sum over labels v
 * of p_t(v) (1 - p_{t-1}(v)),  p(stay) = p_t(blank) + sum of p_t(v) p_{t-1}(v). Where the frame before is blank that is
 * 1 - p(blank) and p(blank).
 *
 * The network is a linear layer (boundary.output: [1, D] and a bias) or has a hidden layer of rectified units before it
 * (boundary.hidden: [n, D]; then boundary.output is [1, n]); its output x gives p(emit) = 1 / (1 + exp(-x)). */
#include "decoders/segmental/boundary.h"

#include <math.h>

#include "base/mem.h"
#include "nn/layers.h"

#define MAX_HIDDEN (1 << 16)

struct boundary {
    int n_dims, n_hidden; /* 0: no hidden layer */
    struct linear hidden, output;
};

static double log_of(double p)
{
    double x = log(p);
    return x > BOUNDARY_LEAST ? x : BOUNDARY_LEAST; /* what is not a number, too */
}

struct boundary_score boundary_from_ctc(const float *logprobs, const float *previous, int n_vocabulary, int blank)
{
    double emit = 0.0, stay = exp((double)logprobs[blank]);
    for (int v = 0; v < n_vocabulary; v++) {
        if (v == blank)
            continue;
        double p = exp((double)logprobs[v]), again = previous != NULL ? exp((double)previous[v]) : 0.0;
        emit += p * (1.0 - again);
        stay += p * again;
    }
    return (struct boundary_score){log_of(emit), log_of(stay)};
}

static int read_layers(struct boundary *b, const struct layer_source *from)
{
    const struct tensor *hidden = safetensors_find(from->file, "boundary.hidden.weight");
    int n_in = b->n_dims, rc = LINNET_OK;
    if (hidden != NULL) {
        if (hidden->n_dims != 2 || hidden->shape[0] < 1 || hidden->shape[0] > MAX_HIDDEN)
            return fail(from->msg, LINNET_E_MODEL, "boundary.hidden.weight: not a matrix of at most %d rows",
                        MAX_HIDDEN);
        n_in = b->n_hidden = (int)hidden->shape[0];
        rc = linear_load(&b->hidden, from, "boundary.hidden", b->n_dims, b->n_hidden, LAYER_BIAS);
    }
    return rc < 0 ? rc : linear_load(&b->output, from, "boundary.output", n_in, 1, LAYER_BIAS);
}

int boundary_open(struct boundary **out, const struct safetensors *weights, int n_dims, struct pool *pool,
                  struct message *msg)
{
    if (safetensors_find(weights, "boundary.output.weight") == NULL) {
        *out = NULL;
        return LINNET_OK;
    }
    struct boundary *b = mem_array(1, sizeof *b);
    if (b == NULL)
        return fail_memory(msg);
    b->n_dims = n_dims;
    const struct layer_source from = {.file = weights, .pool = pool, .msg = msg};
    int rc = read_layers(b, &from);
    if (rc < 0) {
        boundary_close(b);
        return rc;
    }
    *out = b;
    return LINNET_OK;
}

void boundary_close(struct boundary *b)
{
    if (b == NULL)
        return;
    linear_close(&b->hidden);
    linear_close(&b->output);
    mem_free(b);
}

int boundary_floats(const struct boundary *b) { return b->n_hidden + 1; }

size_t boundary_scratch(const struct boundary *b)
{
    size_t output = linear_scratch(&b->output), hidden = b->n_hidden > 0 ? linear_scratch(&b->hidden) : 0;
    return hidden > output ? hidden : output;
}

/* log(1 / (1 + exp(-x))) */
static double log_sigmoid(double x)
{
    double y = x > 0.0 ? -log1p(exp(-x)) : x - log1p(exp(x));
    return y > BOUNDARY_LEAST ? y : BOUNDARY_LEAST;
}

void boundary_forward(const struct boundary *b, struct nn_context *ctx, const float *states, int n, float *work,
                      struct boundary_score *scores)
{
    const struct linear_how activate = {NN_RELU, 0, 0.0f};
    float *hidden = work + n;
    if (b->n_hidden > 0)
        linear_forward(ctx, &b->hidden, &(struct linear_rows){states, b->n_dims, n, hidden, b->n_hidden}, &activate);
    linear_forward(
        ctx, &b->output,
        &(struct linear_rows){b->n_hidden > 0 ? hidden : states, b->n_hidden > 0 ? b->n_hidden : b->n_dims, n, work, 1},
        NULL);
    for (int i = 0; i < n; i++)
        scores[i] = (struct boundary_score){log_sigmoid((double)work[i]), log_sigmoid(-(double)work[i])};
}
