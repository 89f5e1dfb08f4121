/* SPDX-License-Identifier: Apache-2.0
 * bench_segmental.c - what the segmental search costs as recordings get longer: time for a second of audio, and memory.
 *
 *     bench_segmental MODEL FILE [SETTING...]
 *
 * FILE is played again and again, as one utterance in chunks of 16 frames, for 10, 60 and 600 seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "decoders/decoder.h"
#include "decoders/hybrid_encoder.h"
#include "decoders/segmental_recipe.h"
#include "frontend/audio_file.h"

enum { RATE_HZ = 16000, CHUNK = 16, LEFT_CHUNKS = 4, DEFAULT_BEAM = 10 };

struct bench {
    struct hybrid_model *model;
    struct pool *pool;
    struct nn_context ctx;
    struct settings settings;
    float *samples; /* [n] of the file */
    size_t n;
    struct message msg;
};

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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
    int rc;
    if ((rc = pool_open(&b->pool, 1)) < 0 || (rc = nn_context_open(&b->ctx, b->pool, &b->msg)) < 0 ||
        (rc = hybrid_model_open(&b->model, arguments[0], b->pool, &b->msg)) < 0 ||
        (rc = decoder_open_settings(&b->settings, &b->msg)) < 0 || (rc = read_file(b, arguments[1])) < 0)
        return rc;
    for (int i = 2; i < n && rc >= 0; i++)
        rc = settings_set(&b->settings, arguments[i], &b->msg);
    return rc;
}

static void bench_close(struct bench *b)
{
    hybrid_model_close(b->model);
    nn_context_close(&b->ctx);
    pool_close(b->pool);
    settings_close(&b->settings);
    mem_free(b->samples);
}

/* Takes the blocks that are ready; adds what the search took. */
static int search(struct bench *b, struct hybrid_encoder *e, struct segmental *s, double *search_s)
{
    struct hybrid_block block;
    int rc;
    while ((rc = hybrid_encoder_next(e, &block, &b->msg)) > 0) {
        double start = processor_s();
        if ((rc = segmental_step(s, &b->ctx, block.states, block.logprobs, block.n, &b->msg)) < 0)
            return rc;
        *search_s += processor_s() - start;
    }
    return rc;
}

static int play(struct bench *b, struct hybrid_encoder *e, struct segmental *s, size_t n_wanted, double *search_s)
{
    int rc = LINNET_OK;
    for (size_t done = 0, n_taken = 0; done < n_wanted; done += n_taken) {
        size_t at = done % b->n, n = b->n - at < n_wanted - done ? b->n - at : n_wanted - done;
        if ((rc = hybrid_encoder_feed(e, b->samples + at, n, &n_taken, &b->msg)) < 0 ||
            (rc = search(b, e, s, search_s)) < 0)
            return rc;
    }
    double start = processor_s();
    rc = segmental_finish(s, &b->ctx, &b->msg);
    *search_s += processor_s() - start;
    return rc;
}

static int measure(struct bench *b, int seconds)
{
    const struct hybrid_encoder_options options = {CHUNK, LEFT_CHUNKS, 0};
    struct hybrid_encoder *e = NULL;
    const struct decoder_options *shared = settings_of(&b->settings, &decoder_settings);
    struct segmental_recipe s = {0};
    int beam = shared->beam > 0 ? shared->beam : DEFAULT_BEAM;
    double search_s = 0.0, start = processor_s();
    int rc = hybrid_encoder_open(&e, b->model, &b->ctx, &options, &b->msg);
    if (rc >= 0 && (rc = segmental_recipe_open(&s, b->model, &b->settings, beam, &b->msg)) >= 0 &&
        (rc = play(b, e, s.search, (size_t)seconds * RATE_HZ, &search_s)) >= 0) {
        struct segmental_cost cost = segmental_cost(s.search);
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("%4d s: search %.2f ms a second, with the encoder %.2f; %.2f label scores a frame; at most %d frames, "
               "%d states; %d labels; %ld kB\n",
               seconds, 1e3 * search_s / seconds, 1e3 * (processor_s() - start) / seconds,
               (double)cost.n_rows / segmental_n_frames(s.search), cost.most_frames, cost.most_nodes,
               segmental_n_tokens(s.search), usage.ru_maxrss);
    }
    segmental_recipe_close(&s);
    hybrid_encoder_close(e);
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
