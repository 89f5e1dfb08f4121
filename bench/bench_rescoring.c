/* SPDX-License-Identifier: Apache-2.0
 * bench_rescoring.c - speed of the second pass of a WeNet model, beside the speed of matrix products.
 *
 *     bench/bench_rescoring MODEL [seconds [hypotheses [tokens]]]
 *
 * The hypotheses are those of a beam: each is another one with one token changed, so that beginnings are shared.  The
 * bound counts products with weights: each different beginning once for each decoder, keys and values of each frame
 * once for each block.  Single-threaded. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/measure.h"
#include "decoders/attention/rescoring.h"
#include "decoders/common/model.h"
#include "linnet.h"

enum { MAX_HYPOTHESES = 100, MAX_TOKENS = 1000 };

static int tokens[MAX_HYPOTHESES][MAX_TOKENS];

static void make_hypotheses(struct hypothesis *h, int n, int n_tokens, int n_vocabulary)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n_tokens; k++)
            tokens[i][k] = i == 0 ? 2 + (k * 7919) % (n_vocabulary - 3) : tokens[i / 2][k];
        if (i > 0)
            tokens[i][(i * 37) % n_tokens] = 2 + (i * 104729) % (n_vocabulary - 3);
        h[i] = (struct hypothesis){.tokens = tokens[i], .n = n_tokens};
    }
}

/* Different beginnings of the hypotheses (from their ends, for a right-to-left decoder), the empty one included. */
static int count_beginnings(int n, int n_tokens, int from_end)
{
    int count = 1;
    for (int i = 0; i < n; i++)
        for (int k = 1; k <= n_tokens; k++) {
            int is_new = 1;
            for (int j = 0; j < i && is_new; j++)
                is_new = memcmp(tokens[i] + (from_end ? n_tokens - k : 0), tokens[j] + (from_end ? n_tokens - k : 0),
                                (size_t)k * sizeof(int)) != 0;
            count += is_new;
        }
    return count;
}

static double decoder_flops(const struct text_decoder *d, int n_nodes, int n_frames)
{
    const struct text_decoder_config *c = &d->config;
    double dims = c->n_dims, block = 6.0 * dims * dims + 2.0 * dims * c->n_hidden;
    return 2.0 *
           (n_nodes * (c->n_blocks * block + dims * c->n_vocabulary) + n_frames * c->n_blocks * 2.0 * dims * dims);
}

static int bench(const linnet_model *m, struct nn_context *ctx, int n_frames, int n, int n_tokens, struct message *msg)
{
    struct hypothesis h[MAX_HYPOTHESES];
    struct rescoring *r = NULL;
    const struct hypothesis *results;
    const struct rescoring_options options = {m->left, m->right, .ctc_weight = 0.5, .reverse_weight = 0.3};
    float *states = mem_array((size_t)n_frames * (size_t)m->encoder->n_dims, sizeof *states);
    const struct rescoring_input input = {states, n_frames, h, n};
    double best = 1e9;
    int rc = states != NULL ? rescoring_open(&r, &options, msg) : fail_memory(msg);
    make_hypotheses(h, n, n_tokens, m->vocab->n);
    for (int i = 0; i < n_frames * m->encoder->n_dims && states != NULL; i++)
        states[i] = (float)((i * 7919) % 1000) / 500.0f - 1.0f;
    for (int i = 0; i < 10 && rc >= 0; i++) {
        double t = processor_s();
        rc = rescoring_run(r, ctx, &input, &results, msg);
        t = processor_s() - t;
        best = t < best ? t : best;
    }
    if (rc >= 0) {
        int n_left = count_beginnings(n, n_tokens, 0), n_right = count_beginnings(n, n_tokens, 1);
        double flops = decoder_flops(m->left, n_left, n_frames);
        if (m->right != NULL)
            flops += decoder_flops(m->right, n_right, n_frames);
        double speed = product_speed(ctx, &m->left->blocks[0].hidden);
        printf("%d frames, %d hypotheses of %d tokens, %d and %d beginnings: %.4f s\n", n_frames, n, n_tokens, n_left,
               n_right, best);
        printf("%.2f GFLOP, products alone %.1f GFLOP/s: %.2f times the bound of %.4f s\n", flops * 1e-9, speed * 1e-9,
               best * speed / flops, flops / speed);
    }
    rescoring_close(r);
    mem_free(states);
    return rc;
}

int main(int argc, char **argv)
{
    linnet_model *m = NULL;
    struct linnet_model_options options;
    struct nn_context ctx = {0};
    struct message msg = {""};
    int seconds = number(argc, argv, 2, 10), n = number(argc, argv, 3, 10), n_tokens = number(argc, argv, 4, 40);
    if (argc < 2 || seconds < 1 || seconds > 1000 || n < 1 || n > MAX_HYPOTHESES || n_tokens < 1 ||
        n_tokens > MAX_TOKENS) {
        fprintf(stderr, "usage: %s MODEL [seconds [hypotheses [tokens]]]\n", argv[0]);
        return 2;
    }
    linnet_model_options_init(&options);
    options.n_threads = 1;
    options.precision = bench_precision();
    int rc = linnet_model_open(argv[1], &options, &m, msg.text, sizeof msg.text);
    if (rc >= 0 && m->left == NULL)
        rc = fail(&msg, LINNET_E_MODEL, "%s: no attention decoder", argv[1]);
    if (rc >= 0)
        rc = nn_context_open(&ctx, m->pool, &msg);
    if (rc >= 0)
        rc = bench(m, &ctx, (int)(seconds / model_frame_s(m)), n, n_tokens, &msg);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", argv[0], msg.text);
    nn_context_close(&ctx);
    linnet_model_close(m);
    return rc < 0;
}
