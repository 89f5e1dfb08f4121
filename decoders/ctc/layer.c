/* SPDX-License-Identifier: Apache-2.0
 * layer.c - the CTC output layer. */
#include "decoders/ctc/layer.h"

#include "base/mem.h"

int ctc_layer_open(struct ctc_layer **out, const struct layer_source *from, const char *prefix, int n_dims,
                   int n_vocabulary, int blank)
{
    struct ctc_layer *c = mem_array(1, sizeof *c);
    if (c == NULL)
        return fail_memory(from->msg);
    c->n_vocabulary = n_vocabulary;
    c->blank = blank;
    int rc = linear_load(&c->linear, from, prefix, n_dims, n_vocabulary, LAYER_BIAS);
    if (rc < 0) {
        ctc_layer_close(c);
        return rc;
    }
    *out = c;
    return LINNET_OK;
}

void ctc_layer_close(struct ctc_layer *c)
{
    if (c == NULL)
        return;
    linear_close(&c->linear);
    mem_free(c);
}

void ctc_layer_forward(const struct ctc_layer *c, struct nn_context *ctx, const float *states, int n, float *logprobs)
{
    int v = c->n_vocabulary;
    linear_forward(ctx, &c->linear, &(struct linear_rows){states, c->linear.n_in, n, logprobs, v}, NULL);
    for (ptrdiff_t t = 0; t < n; t++)
        ctx->kernels->log_softmax(logprobs + t * v, logprobs + t * v, v);
}

size_t ctc_layer_scratch(const struct ctc_layer *c) { return linear_scratch(&c->linear); }
