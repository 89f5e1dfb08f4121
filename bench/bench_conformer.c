/* SPDX-License-Identifier: Apache-2.0
 * bench_conformer.c - speed of a WeNet encoder and its CTC layer, chunk by chunk, beside the speed of matrix products.
 *
 *     bench/bench_conformer MODEL [seconds [chunk [left_chunks [threads]]]]
 *
 * Prints the real-time factor, the arithmetic that the chunks need (products with weights only), how fast the same
 * kernels do one large product, and the ratio of both: 1 would be a stream that does nothing but products, at that
 * speed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/measure.h"
#include "decoders/common/model.h"
#include "decoders/ctc/layer.h"
#include "encoder/conformer.h"
#include "linnet.h"

struct bench {
    linnet_model *model;
    const struct conformer *encoder;
    struct nn_context ctx;
    struct message msg;
};

static int bench_open(struct bench *b, const char *dir, int n_threads)
{
    struct linnet_model_options options;
    linnet_model_options_init(&options);
    options.n_threads = n_threads;
    options.precision = bench_precision();
    int rc = linnet_model_open(dir, &options, &b->model, b->msg.text, sizeof b->msg.text);
    if (rc < 0)
        return rc;
    if (strcmp(b->model->encoder->kind->name, "conformer") != 0 || b->model->ctc == NULL)
        return fail(&b->msg, LINNET_E_UNSUPPORTED, "%s: not a Conformer with a CTC layer", dir);
    b->encoder = conformer_of(b->model->encoder);
    if ((rc = nn_context_open(&b->ctx, b->model->pool, &b->msg)) < 0)
        return rc;
    return nn_context_reserve(&b->ctx, ctc_layer_scratch(b->model->ctc), &b->msg);
}

/* Multiplications and additions of an encoder frame in products with weights. */
static double frame_flops(const struct bench *b)
{
    const struct conformer_config *c = &b->encoder->config;
    const struct subsampling *s = &b->encoder->subsampling;
    double d = c->n_dims, e = d * c->inner_factor / 2,
           macs = (double)s->out.n_in * d + (double)b->model->ctc->n_vocabulary * d;
    double per_frame = s->rate;
    for (int i = 0; i < s->n_stages; i++) {
        per_frame /= s->stages[i].stride;
        macs += per_frame * s->stages[i].n_out * d * (i > 0 ? d : 1.0) * s->stages[i].kernel * s->stages[i].kernel;
    }
    double block = (c->macaron ? 4.0 : 2.0) * d * c->n_hidden + (c->relative_attention ? 5.0 : 4.0) * d * d;
    if (c->convolution)
        block += 3.0 * d * e;
    return 2.0 * (macs + c->n_blocks * block);
}

/* Processor seconds for the frames, and how many frames come out. */
static int stream(struct bench *b, int n_features, int chunk, int left, double *seconds, int *n_frames)
{
    struct encoder_stream *s;
    int d = b->encoder->base.n_dims, mels = b->encoder->base.n_features, v = b->model->ctc->n_vocabulary;
    float *features = mem_array((size_t)n_features * (size_t)mels, sizeof *features);
    float *out = mem_array((size_t)chunk * (size_t)d, sizeof *out),
          *ctc = mem_array((size_t)chunk * (size_t)v, sizeof *ctc);
    int rc = encoder_stream_open(&s, b->model->encoder, &b->ctx, chunk, left, &b->msg);
    if (rc < 0 || features == NULL || out == NULL || ctc == NULL)
        return rc < 0 ? rc : fail_memory(&b->msg);
    for (int i = 0; i < n_features * mels; i++)
        features[i] = 10.0f + 3.0f * sinf((float)i);
    double start = processor_s();
    *n_frames = 0;
    for (int at = 0; at < n_features;) {
        at += encoder_stream_push(s, features + (ptrdiff_t)at * mels, n_features - at);
        int n = encoder_stream_step(s, out, &b->msg);
        if (n < 0)
            return n;
        ctc_layer_forward(b->model->ctc, &b->ctx, out, n, ctc);
        *n_frames += n;
    }
    *seconds = processor_s() - start;
    encoder_stream_close(s);
    mem_free(features);
    mem_free(out);
    mem_free(ctc);
    return LINNET_OK;
}

int main(int argc, char **argv)
{
    static struct bench b;
    int seconds = number(argc, argv, 2, 20), chunk = number(argc, argv, 3, 16), left = number(argc, argv, 4, 4);
    if (argc < 2 || seconds < 1 || seconds > 36000 || chunk < 1 || chunk > 10000) {
        fprintf(stderr, "usage: %s MODEL [seconds [chunk [left_chunks [threads]]]]\n", argv[0]);
        return 2;
    }
    double best = 1e9;
    int n_frames = 0, rc = bench_open(&b, argv[1], number(argc, argv, 5, 1));
    for (int i = 0; i < 3 && rc >= 0; i++) {
        double t = 0.0;
        rc = stream(&b, seconds * 100, chunk, left, &t, &n_frames);
        best = t < best ? t : best;
    }
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], b.msg.text);
        return 1;
    }
    double gflop = 1e-9 * n_frames * frame_flops(&b),
           speed = 1e-9 * product_speed(&b.ctx, &b.encoder->blocks[0].feed_forward.hidden);
    printf("%s, %s, %s: %d s of audio in chunks of %d, %d before: %.3f s, real-time factor %.4f\n", argv[1],
           b.ctx.kernels->name, bench_precision(), seconds, chunk, left, best, best / seconds);
    printf("%.2f GFLOP a second of audio, products alone %.1f GFLOP/s: %.2f times the bound of %.4f\n", gflop / seconds,
           speed, best * speed / gflop, gflop / speed / seconds);
    return 0;
}
