/* SPDX-License-Identifier: Apache-2.0
 * test_stream.c - what include/linnet.h promises of streams, on a tiny random model: events, pieces, reset, threads,
 * cancelling. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "tests/support/tiny_stream.h"

static void pieces(void)
{
    static const size_t sizes[] = {1, 7, 160, 4000};
    struct buffer whole = run_fresh(model, sound, LONG, LONG);
    CU_ASSERT_TRUE(whole.n > 200); /* two windows of something */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer cut = run_fresh(model, sound, LONG, sizes[i]);
        same_text(&whole, &cut);
    }
    buffer_free(&whole);
}

static void events_in_order(void)
{
    linnet_stream *s = open_quick(model);
    linnet_event e;
    double last = 0;
    int n_final = 0, n_end = 0;
    CU_ASSERT_EQUAL(linnet_stream_next(s, &e), 0);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, LONG), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        CU_ASSERT_EQUAL(n_end, 0);
        if (e.type == LINNET_EVENT_END) {
            n_end++;
            CU_ASSERT_DOUBLE_EQUAL(e.end_s, LONG / 16000.0, 1e-3);
            continue;
        }
        CU_ASSERT_EQUAL(e.type, LINNET_EVENT_FINAL);
        CU_ASSERT_TRUE(e.start_s >= last - 1e-9 && e.end_s >= e.start_s);
        CU_ASSERT_TRUE(e.committed == strlen(e.text) && e.n_tokens > 0);
        CU_ASSERT_TRUE(e.logprob <= 0 && e.confidence >= 0 && e.confidence <= 1 && e.no_speech >= 0 &&
                       e.no_speech <= 1);
        CU_ASSERT_STRING_EQUAL(e.language, "en");
        last = e.start_s;
        n_final++;
    }
    CU_ASSERT_EQUAL(n_end, 1);
    CU_ASSERT_TRUE(n_final > 0);
    CU_ASSERT_EQUAL(linnet_stream_next(s, &e), 0);
    linnet_stream_close(s);
}

static void reset_is_new(void)
{
    struct buffer fresh = run_fresh(model, sound, SHORT, SHORT), again = {0};
    linnet_stream *s = open_quick(model);
    struct linnet_stats stats = {.size = sizeof stats};
    CU_ASSERT_EQUAL(linnet_stream_feed(s, other, LONG), 0); /* a window is done, another is open */
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
    CU_ASSERT_TRUE(stats.audio_s == 0 && stats.n_tokens == 0 && stats.encoder_s == 0);
    CU_ASSERT_EQUAL(event_dump_run(&again, s, sound, SHORT, SHORT), 0);
    same_text(&fresh, &again);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0); /* after finish */
    CU_ASSERT_EQUAL(event_dump_run(&again, s, sound, SHORT, 1000), 0);
    same_text(&fresh, &again);
    linnet_stream_close(s);
    buffer_free(&fresh);
}

static void interleaved(void)
{
    struct buffer a = run_fresh(model, sound, LONG, LONG), b = run_fresh(model, other, LONG, LONG), x = {0}, y = {0};
    linnet_stream *s = open_quick(model), *t = open_quick(model);
    CU_ASSERT_STRING_NOT_EQUAL(buffer_text(&a), buffer_text(&b));
    for (size_t at = 0; at < LONG; at += 30000) {
        size_t n = LONG - at < 30000 ? LONG - at : 30000;
        CU_ASSERT_EQUAL(linnet_stream_feed(s, sound + at, n), 0);
        CU_ASSERT_EQUAL(linnet_stream_feed(t, other + at, n), 0);
        CU_ASSERT_EQUAL(event_dump_ready(&x, s), 0);
    }
    CU_ASSERT_EQUAL(event_dump_run(&y, t, NULL, 0, 1), 0);
    CU_ASSERT_EQUAL(event_dump_run(&x, s, NULL, 0, 1), 0);
    same_text(&a, &x);
    same_text(&b, &y);
    linnet_stream_close(s);
    linnet_stream_close(t);
    buffer_free(&a);
    buffer_free(&b);
}

struct work {
    const float *samples;
    struct buffer out;
    int rc;
};

static void *work(void *arg)
{
    struct work *w = arg;
    linnet_stream *s = NULL;
    struct linnet_stream_options o;
    linnet_stream_options_init(&o);
    o.settings = quick;
    o.n_settings = sizeof quick / sizeof *quick;
    w->rc = linnet_stream_open(model, &o, &s, NULL, 0);
    if (w->rc >= 0)
        w->rc = event_dump_run(&w->out, s, w->samples, SHORT, 4000);
    linnet_stream_close(s);
    return NULL;
}

static void parallel(void)
{
    struct buffer a = run_fresh(model, sound, SHORT, SHORT), b = run_fresh(model, other, SHORT, SHORT);
    struct work jobs[2] = {{.samples = sound}, {.samples = other}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_TRUE(jobs[0].rc == 0 && jobs[1].rc == 0);
    same_text(&a, &jobs[0].out);
    same_text(&b, &jobs[1].out);
    buffer_free(&a);
    buffer_free(&b);
}

static void thread_counts(void)
{
    struct linnet_model_options o;
    struct linnet_model_info info = {.size = sizeof info};
    struct buffer first = {0};
    for (int n = 1; n <= 3; n += 2) {
        linnet_model *m = NULL;
        linnet_model_options_init(&o);
        o.n_threads = n;
        CU_ASSERT_EQUAL_FATAL(linnet_model_open(folder, &o, &m, NULL, 0), 0);
        CU_ASSERT_EQUAL(linnet_model_info(m, &info), 0);
        CU_ASSERT_EQUAL(info.n_threads, n);
        struct buffer out = run_fresh(m, sound, LONG, LONG);
        linnet_model_close(m);
        if (n == 1)
            first = out;
        else
            same_text(&first, &out);
    }
    buffer_free(&first);
}

static void cancelling(void)
{
    struct buffer fresh = run_fresh(model, sound, SHORT, SHORT), again = {0};
    linnet_stream *s = open_quick(model);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, SHORT), 0);
    linnet_stream_cancel(s);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), LINNET_E_CANCELLED);
    CU_ASSERT_TRUE(strlen(linnet_stream_error(s)) > 0);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, 10), LINNET_E_CANCELLED); /* only reset helps */
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_STRING_EQUAL(linnet_stream_error(s), "");
    CU_ASSERT_EQUAL(event_dump_run(&again, s, sound, SHORT, SHORT), 0);
    same_text(&fresh, &again);
    linnet_stream_close(s);
    linnet_stream_cancel(NULL);
    buffer_free(&fresh);
}

static void *cancel_soon(void *arg)
{
    struct timespec t = {0, 20000000};
    nanosleep(&t, NULL);
    linnet_stream_cancel(arg);
    return NULL;
}

static void cancelling_from_outside(void)
{
    static const char *const slow[] = {"language=en", "decoder.logprob_threshold=0", "decoder.no_speech_threshold=1"};
    linnet_stream *s = open_stream(model, slow, 3); /* tries every temperature: much longer than the wait */
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_soon, s), 0);
    int rc = linnet_stream_feed(s, sound, LONG);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(rc, LINNET_E_CANCELLED);
    linnet_stream_close(s);
}

/* As words are spoken: pieces of any size, reset, what partial events promise. */
static void streaming(void)
{
    enum { N = 9 * 16000 + 11 };
    static const size_t sizes[] = {N, 1, 7, 160, 4000};
    struct buffer whole = {0}, again = {0};
    linnet_stream *s = open_as(model, quick, sizeof quick / sizeof *quick, 1);
    CU_ASSERT_EQUAL(event_dump_run(&whole, s, sound, N, N), 0);
    CU_ASSERT_TRUE(whole.n > 100);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
        CU_ASSERT_EQUAL(event_dump_run(&again, s, sound, N, sizes[i]), 0);
        same_text(&whole, &again);
    }
    linnet_stream_close(s);
    buffer_free(&whole);
}

static void committed_stays(void)
{
    linnet_stream *s = open_as(model, quick, sizeof quick / sizeof *quick, 1);
    struct buffer committed = {0}; /* text of the open utterance */
    linnet_event e;
    int n_end = 0;
    for (size_t at = 0; at < LONG; at += 8000) {
        CU_ASSERT_EQUAL(linnet_stream_feed(s, sound + at, LONG - at < 8000 ? LONG - at : 8000), 0);
        if (at + 8000 >= LONG)
            CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
        while (linnet_stream_next(s, &e) > 0) {
            n_end += e.type == LINNET_EVENT_END;
            if (e.type != LINNET_EVENT_PARTIAL && e.type != LINNET_EVENT_FINAL)
                continue;
            CU_ASSERT_TRUE(e.committed <= strlen(e.text));
            CU_ASSERT_EQUAL(strncmp(buffer_text(&committed), e.text, committed.n), 0);
            buffer_cut(&committed, 0);
            if (e.type == LINNET_EVENT_PARTIAL)
                CU_ASSERT_EQUAL(buffer_append(&committed, e.text, e.committed), 0);
        }
    }
    CU_ASSERT_EQUAL(n_end, 1);
    linnet_stream_close(s);
    buffer_free(&committed);
}

static void sampling(void)
{
    static const char *const settings[] = {"language=en", "decoder.temperature=1", "decoder.max_tokens=30",
                                           "decoder.seed=5"};
    static const char *const reseeded[] = {"language=en", "decoder.temperature=1", "decoder.max_tokens=30",
                                           "decoder.seed=6"};
    struct buffer a = {0}, b = {0}, c = {0};
    linnet_stream *s = open_stream(model, settings, 4), *t = open_stream(model, reseeded, 4);
    CU_ASSERT_EQUAL(event_dump_run(&a, s, sound, SHORT, SHORT), 0);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(event_dump_run(&b, s, sound, SHORT, 500), 0);
    CU_ASSERT_EQUAL(event_dump_run(&c, t, sound, SHORT, SHORT), 0);
    CU_ASSERT_STRING_NOT_EQUAL(buffer_text(&a), buffer_text(&c));
    same_text(&a, &b);
    linnet_stream_close(s);
    linnet_stream_close(t);
    buffer_free(&a);
    buffer_free(&c);
}

static const struct unit_test tests[] = {
    {"pieces of any size", pieces},
    {"events come in order", events_in_order},
    {"reset is new", reset_is_new},
    {"two streams in turn", interleaved},
    {"two streams at once", parallel},
    {"1 thread as 3", thread_counts},
    {"cancelling", cancelling},
    {"cancelling from another thread", cancelling_from_outside},
    {"streaming, in pieces of any size", streaming},
    {"what is committed stays", committed_stays},
    {"sampling depends on the seed alone", sampling},
};

TINY_STREAM_MAIN("stream", tests)
