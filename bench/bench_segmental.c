/* SPDX-License-Identifier: Apache-2.0
 * bench_segmental.c - time and memory of the segmental search as recordings get longer.
 *
 *     bench/bench_segmental MODEL FILE [SETTING...]
 *
 * FILE is played again and again, as one utterance in chunks of 16 frames, for 10, 60 and 600 seconds.  Settings are
 * those of the search and of all decoders; lengths of segments are free. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "bench/measure.h"
#include "decoders/ctc/layer.h"
#include "decoders/decoder.h"
#include "decoders/segmental/search.h"
#include "decoders/utterance/frames.h"
#include "frontend/audio_file.h"
#include "linnet.h"

enum { RATE_HZ = 16000, CHUNK = 16, LEFT_CHUNKS = 4 };

extern const struct decoder segmental_decoder;

struct bench {
    linnet_model *model;
    struct nn_context ctx;
    struct settings settings;
    float *samples; /* [n] of the file */
    size_t n;
    struct message msg;
};

static int read_file(struct bench *b, const char *path)
{
    enum { MOST = 120 * RATE_HZ };
    struct audio_file *audio = NULL;
    long n = 1;
    b->samples = mem_array(MOST, sizeof *b->samples);
    int rc = b->samples == NULL ? fail_memory(&b->msg) : audio_file_open(&audio, path, NULL, RATE_HZ, &b->msg);
    while (rc >= 0 && n > 0 && b->n < MOST) {
        n = audio_file_read(audio, b->samples + b->n, MOST - b->n, &b->msg);
        rc = n < 0 ? (int)n : LINNET_OK;
        b->n += n > 0 ? (size_t)n : 0;
    }
    audio_file_close(audio);
    return rc >= 0 && b->n == 0 ? fail(&b->msg, LINNET_E_AUDIO, "%s: no samples", path) : rc;
}

static int bench_open(struct bench *b, char **arguments, int n)
{
    const struct settings_table *const tables[] = {&decoder_settings, segmental_decoder.settings[0], NULL};
    struct linnet_model_options options;
    linnet_model_options_init(&options);
    options.n_threads = 1;
    options.precision = bench_precision();
    int rc = linnet_model_open(arguments[0], &options, &b->model, b->msg.text, sizeof b->msg.text);
    if (rc < 0 || (rc = settings_open(&b->settings, tables, &b->msg)) < 0)
        return rc;
    const char *lacks = model_lacks(b->model, segmental_decoder.needs);
    if (lacks != NULL)
        return fail(&b->msg, LINNET_E_UNSUPPORTED, "%s has not %s", arguments[0], lacks);
    if ((rc = nn_context_open(&b->ctx, b->model->pool, &b->msg)) < 0 || (rc = read_file(b, arguments[1])) < 0)
        return rc;
    for (int i = 2; i < n && rc >= 0; i++)
        rc = settings_set(&b->settings, arguments[i], &b->msg);
    return rc;
}

static void bench_close(struct bench *b)
{
    nn_context_close(&b->ctx);
    linnet_model_close(b->model);
    settings_close(&b->settings);
    mem_free(b->samples);
}

/* Searches the blocks that are ready and adds the time. */
static int search(struct bench *b, struct frames *f, struct segmental *s, double *search_s)
{
    struct frame_block block;
    int rc;
    while ((rc = frames_next(f, &block, &b->msg)) > 0) {
        double start = processor_s();
        if ((rc = segmental_step(s, &b->ctx, block.states, block.logprobs, block.n, &b->msg)) < 0)
            return rc;
        *search_s += processor_s() - start;
    }
    return rc;
}

static int play(struct bench *b, struct frames *f, struct segmental *s, size_t n_wanted, double *search_s)
{
    int rc = LINNET_OK;
    for (size_t done = 0, n_taken = 0; done < n_wanted; done += n_taken) {
        size_t at = done % b->n, n = b->n - at < n_wanted - done ? b->n - at : n_wanted - done;
        if ((rc = frames_feed(f, b->samples + at, n, &n_taken, &b->msg)) < 0 || (rc = search(b, f, s, search_s)) < 0)
            return rc;
    }
    double start = processor_s();
    rc = segmental_finish(s, &b->ctx, &b->msg);
    *search_s += processor_s() - start;
    return rc;
}

static int search_open(struct bench *b, struct segmental **s)
{
    struct segmental_options o =
        *(const struct segmental_options *)settings_of(&b->settings, segmental_decoder.settings[0]);
    o.blank = b->model->ctc->blank;
    o.n_beam = decoder_beam(settings_of(&b->settings, &decoder_settings));
    o.boundary = b->model->boundary;
    return segmental_open(s, b->model->left, &o, &b->msg);
}

static int measure(struct bench *b, int seconds)
{
    const struct frames_options options = {CHUNK, LEFT_CHUNKS, 0};
    struct frames *f = NULL;
    struct segmental *s = NULL;
    double search_s = 0.0, start = processor_s();
    int rc = frames_open(&f, b->model, &b->ctx, &options, &b->msg);
    if (rc >= 0 && (rc = search_open(b, &s)) >= 0 && (rc = play(b, f, s, (size_t)seconds * RATE_HZ, &search_s)) >= 0) {
        struct segmental_cost cost = segmental_cost(s);
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("%4d s: search %.2f ms a second, with the encoder %.2f; %.2f label scores a frame; at most %d frames, "
               "%d states; %d labels; %ld kB\n",
               seconds, 1e3 * search_s / seconds, 1e3 * (processor_s() - start) / seconds,
               (double)cost.n_rows / segmental_n_frames(s), cost.most_frames, cost.most_nodes, segmental_n_tokens(s),
               usage.ru_maxrss);
    }
    segmental_close(s);
    frames_close(f);
    return rc;
}

int main(int argc, char **argv)
{
    static const int lengths[] = {10, 60, 600};
    struct bench b = {.n = 0};
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL FILE [SETTING...]\n", argv[0]);
        return 2;
    }
    int rc = bench_open(&b, argv + 1, argc - 1);
    for (int i = 0; i < 3 && rc >= 0; i++)
        rc = measure(&b, lengths[i]);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", argv[0], b.msg.text);
    bench_close(&b);
    return rc < 0;
}
