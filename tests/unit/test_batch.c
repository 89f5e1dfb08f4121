/* SPDX-License-Identifier: Apache-2.0
 * test_batch.c - recordings that share decoder steps (nn/text_batch.h): each gets the bits that it gets alone, whatever
 * is decoded beside it, in any precision and with any number of threads. */
#include <pthread.h>

#include "decoders/common/model.h"
#include "models/stream.h"
#include "tests/support/tiny_stream.h"

enum { N_RECORDINGS = 7, N_MOST = 5, CANCELLED = 4 };

static float *silence; /* [LONG] */

static int is_slow(void) { return getenv("LINNET_TEST_FEW") != NULL; } /* under sanitizers: less of everything */

/* A short one, silence, two windows, a click, the same sound again, nothing at all. */
static const float *samples_of(int i, size_t *n)
{
    static const size_t lengths[N_RECORDINGS] = {SHORT, 41000, LONG, 6000, 80000, SHORT, 0};
    *n = is_slow() && lengths[i] == LONG ? SHORT : lengths[i];
    return i == 1 ? silence : i % 2 == 0 ? other : sound;
}

struct run {
    linnet_model *model;
    const char *const *settings;
    size_t n_settings;
    struct text_batch *batch;
    int next, cancels;
    struct buffer out[N_RECORDINGS];
    int rc[N_RECORDINGS];
    uint64_t n_steps; /* of all recordings */
};

static void decode(struct run *r, linnet_stream *s, int i)
{
    struct linnet_stats stats = {.size = sizeof stats};
    size_t n;
    const float *samples = samples_of(i, &n);
    r->rc[i] = linnet_stream_reset(s);
    if (r->cancels && i == CANCELLED)
        linnet_stream_cancel(s);
    if (r->rc[i] >= 0)
        r->rc[i] = event_dump_run(&r->out[i], s, samples, n, 16000);
    if (linnet_stream_stats(s, &stats) >= 0)
        r->n_steps += stats.n_tokens;
}

struct worker {
    struct run *run;
    linnet_stream *stream;
    pthread_t thread;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    text_batch_enter(w->run->batch);
    while (w->run->next < N_RECORDINGS)
        decode(w->run, w->stream, w->run->next++);
    text_batch_leave(w->run->batch);
    return NULL;
}

/* All recordings, n at a time.  Returns how many steps that took. */
static uint64_t run_batch(struct run *r, int n)
{
    struct worker workers[N_MOST];
    CU_ASSERT_EQUAL_FATAL(text_batch_open(&r->batch, r->model->left, n, NULL), 0);
    for (int i = 0; i < n; i++) {
        workers[i] = (struct worker){r, open_stream(r->model, r->settings, r->n_settings), 0};
        CU_ASSERT_TRUE(stream_can_batch(workers[i].stream));
        CU_ASSERT_EQUAL_FATAL(stream_set_batch(workers[i].stream, r->batch, workers[0].stream), 0);
    }
    for (int i = 0; i < n; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = n - 1; i >= 0; i--)
        linnet_stream_close(workers[i].stream);
    uint64_t steps = text_batch_steps(r->batch);
    text_batch_close(r->batch);
    return steps;
}

static void run_alone(struct run *r)
{
    linnet_stream *s = open_stream(r->model, r->settings, r->n_settings);
    for (int i = 0; i < N_RECORDINGS; i++)
        decode(r, s, i);
    linnet_stream_close(s);
}

static void clear(struct run *r)
{
    for (int i = 0; i < N_RECORDINGS; i++)
        buffer_free(&r->out[i]);
}

/* Recordings alone on one thread, then several at a time, which takes at most `most` percent of the steps. */
static void compare(const char *precision, uint64_t most, const char *const *settings, size_t n_settings)
{
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.precision = precision;
    o.n_threads = 1;
    struct run alone = {.settings = settings, .n_settings = n_settings}, several;
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(folder, &o, &alone.model, NULL, 0), 0);
    run_alone(&alone);
    linnet_model_close(alone.model);
    for (int n = is_slow() ? N_MOST : 2; n <= N_MOST; n += 3) {
        several = (struct run){.settings = settings, .n_settings = n_settings, .cancels = n == N_MOST};
        o.n_threads = n == 2 ? 1 : 3;
        CU_ASSERT_EQUAL_FATAL(linnet_model_open(folder, &o, &several.model, NULL, 0), 0);
        uint64_t steps = run_batch(&several, n);
        linnet_model_close(several.model);
        CU_ASSERT_TRUE(steps * 100 <= several.n_steps * most);
        for (int i = 0; i < N_RECORDINGS; i++) {
            int is_cancelled = several.cancels && i == CANCELLED;
            CU_ASSERT_EQUAL(several.rc[i], is_cancelled ? LINNET_E_CANCELLED : 0);
            if (!is_cancelled)
                CU_ASSERT_STRING_EQUAL(buffer_text(&several.out[i]), buffer_text(&alone.out[i]));
        }
        clear(&several);
    }
    CU_ASSERT_TRUE(strlen(buffer_text(&alone.out[0])) > 100);
    CU_ASSERT_STRING_NOT_EQUAL(buffer_text(&alone.out[0]), buffer_text(&alone.out[5]));
    clear(&alone);
}

static void compare_precisions(uint64_t most, const char *const *settings, size_t n_settings)
{
    compare("fp32", most, settings, n_settings);
    if (is_slow())
        return;
    compare("int8", most, settings, n_settings);
    compare("bf16", most, settings, n_settings);
}

#define COMPARE(most, ...)                                                                                             \
    compare_precisions(most, (const char *const[]){__VA_ARGS__},                                                       \
                       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void greedy(void) { COMPARE(66, "language=en", "decoder.temperature=0", "decoder.max_tokens=40"); }

/* What a random model says is improbable: every temperature is tried, with three samples each. */
static void fallback(void)
{
    COMPARE(66, "decoder.temperature=0,0.4,1", "decoder.best_of=3", "decoder.max_tokens=12",
            "decoder.skip_silence=false", "decoder.context=audio");
}

static void beams_and_word_times(void)
{
    COMPARE(66, "language=en", "decoder.temperature=0", "decoder.max_tokens=15", "decoder.beam=3", "decoder.nbest=3",
            "decoder.word_times=true");
}

/* More rows than one step has room for are several steps. */
static void many_rows(void)
{
    COMPARE(100, "language=en", "decoder.temperature=1", "decoder.best_of=40", "decoder.max_tokens=4",
            "decoder.logprob_threshold=-1000", "decoder.compression_ratio_threshold=0");
}

static void arguments(void)
{
    struct text_batch *b = NULL;
    struct message msg = {""};
    CU_ASSERT_EQUAL(text_batch_open(&b, model->left, 0, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(text_batch_open(&b, model->left, TEXT_BATCH_MOST + 1, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(b);
    text_batch_close(NULL);
    linnet_stream *s = open_as(model, quick, 3, 1);
    CU_ASSERT_FALSE(stream_can_batch(s));
    linnet_stream_close(s);
}

static const struct unit_test tests[] = {
    {"greedy", greedy},       {"fallback", fallback},   {"beams, word times", beams_and_word_times},
    {"many rows", many_rows}, {"arguments", arguments},
};

int main(void)
{
    silence = calloc(LONG, sizeof *silence);
    int code = silence != NULL ? tiny_stream_main("batch", tests, sizeof tests / sizeof tests[0]) : 99;
    free(silence);
    return code;
}
