/* SPDX-License-Identifier: Apache-2.0
 * test_stream.c - what include/linnet.h promises, on a tiny random model. */
#include <locale.h>
#include <pthread.h>

#include "frontend/wav_writer.h"
#include "linnet.h"
#include "tests/support/event_dump.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

enum { SHORT = 3 * 16000 + 77, LONG = 37 * 16000 + 5 };

static char *folder;
static linnet_model *model;
static float *sound, *other; /* [LONG] */

/* Short, so that the tests are quick; deterministic but for sampling. */
static const char *const quick[] = {"language=en", "decoder.temperature=0", "decoder.max_tokens=40"};

static linnet_stream *open_as(linnet_model *m, const char *const *settings, size_t n, int streaming)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[300] = "";
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = n;
    o.streaming = streaming;
    if (linnet_stream_open(m, &o, &s, error, sizeof error) < 0)
        printf("%s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static linnet_stream *open_stream(linnet_model *m, const char *const *settings, size_t n)
{
    return open_as(m, settings, n, 0);
}

static linnet_stream *open_quick(linnet_model *m)
{
    return open_stream(m, quick, sizeof quick / sizeof *quick);
}

static struct buffer run_fresh(linnet_model *m, const float *samples, size_t n, size_t piece)
{
    struct buffer out = {0};
    linnet_stream *s = open_quick(m);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, samples, n, piece), 0);
    linnet_stream_close(s);
    return out;
}

static void same_text(struct buffer *a, struct buffer *b)
{
    CU_ASSERT_STRING_EQUAL(buffer_text(a), buffer_text(b));
    buffer_free(b);
}

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
    CU_ASSERT_EQUAL(linnet_stream_preview(s, other, N), 0); /* does not look ahead */
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
    struct buffer said = {0}; /* what the open utterance has said for good */
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
            CU_ASSERT_EQUAL(strncmp(buffer_text(&said), e.text, said.n), 0);
            buffer_cut(&said, 0);
            if (e.type == LINNET_EVENT_PARTIAL)
                CU_ASSERT_EQUAL(buffer_append(&said, e.text, e.committed), 0);
        }
    }
    CU_ASSERT_EQUAL(n_end, 1);
    linnet_stream_close(s);
    buffer_free(&said);
}

static void wrong_arguments(void)
{
    linnet_stream *s = open_quick(model), *none = (linnet_stream *)(void *)folder;
    linnet_model *no_model = (linnet_model *)(void *)folder;
    linnet_event e;
    struct linnet_stats stats = {.size = sizeof stats};
    struct linnet_model_info info = {.size = sizeof info + 1};
    char error[100] = "";
    CU_ASSERT_EQUAL(linnet_model_open(NULL, NULL, &no_model, error, sizeof error), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_model_open(folder, NULL, NULL, NULL, 0), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_model_open("/no/such/model", NULL, &no_model, error, sizeof error), LINNET_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "/no/such/model"));
    CU_ASSERT_PTR_EQUAL(no_model, folder); /* outputs are written only on success */
    CU_ASSERT_EQUAL(linnet_model_open("/no/such/model", NULL, &no_model, error, 5), LINNET_E_IO);
    CU_ASSERT_EQUAL(strlen(error), 4); /* cut to the size given */
    CU_ASSERT_EQUAL(linnet_stream_open(NULL, NULL, &none, NULL, 0), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_open(model, NULL, NULL, NULL, 0), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(none, folder);
    CU_ASSERT_EQUAL(linnet_model_info(NULL, &info), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_model_info(model, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_model_info(model, &info), LINNET_E_ARGUMENT); /* made for a newer library */
    CU_ASSERT_EQUAL(linnet_stream_feed(NULL, sound, 1), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, NULL, 1), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, NULL, 0), 0); /* an argument error does not end a stream */
    CU_ASSERT_EQUAL(linnet_stream_feed_file(s, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_finish(NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_next(s, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_next(NULL, &e), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_reset(NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_stats(NULL, &stats), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_bias(NULL, NULL, NULL, 0), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_preview(NULL, sound, 1), LINNET_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(linnet_stream_error(NULL), "");
    linnet_stream_close(s);
    linnet_stream_close(NULL);
    linnet_model_close(NULL);
}

static void wrong_settings(void)
{
    static const struct {
        const char *setting, *named;
        int code;
    } wrong[] = {{"decoder.beem=3", "decoder.beem", LINNET_E_ARGUMENT},
                 {"decoder.beam=many", "decoder.beam", LINNET_E_ARGUMENT},
                 {"decoder.beam", "decoder.beam", LINNET_E_ARGUMENT},
                 {"language=klingon", "klingon", LINNET_E_ARGUMENT},
                 {"decoder.name=ctc_greedy", "ctc_greedy", LINNET_E_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct linnet_stream_options o;
        linnet_stream *s = NULL;
        char error[200] = "";
        linnet_stream_options_init(&o);
        o.settings = &wrong[i].setting;
        o.n_settings = 1;
        CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, error, sizeof error), wrong[i].code);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, wrong[i].named));
        CU_ASSERT_PTR_NULL(s);
    }
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    linnet_stream_options_init(&o);
    o.sample_rate_hz = 999;
    CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, NULL, 0), LINNET_E_ARGUMENT);
    o.size++;
    o.sample_rate_hz = 16000;
    CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, NULL, 0), LINNET_E_ARGUMENT); /* newer than this library */
    o.size = 0;
    CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, NULL, 0), LINNET_E_ARGUMENT); /* not initialised */
}

/* A caller compiled with fewer options, and one whose strings do not stay. */
static void older_and_gone(void)
{
    struct buffer fresh = run_fresh(model, sound, SHORT, SHORT), again = {0};
    char texts[3][40];
    const char *settings[3];
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    for (int i = 0; i < 3; i++) {
        snprintf(texts[i], sizeof texts[i], "%s", quick[i]);
        settings[i] = texts[i];
    }
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = 3;
    o.size = offsetof(struct linnet_stream_options, sample_rate_hz);
    o.sample_rate_hz = -1; /* beyond its size: not looked at */
    CU_ASSERT_EQUAL_FATAL(linnet_stream_open(model, &o, &s, NULL, 0), 0);
    memset(texts, 'x', sizeof texts);
    memset(settings, 0, sizeof settings);
    CU_ASSERT_EQUAL(event_dump_run(&again, s, sound, SHORT, SHORT), 0);
    same_text(&fresh, &again);
    linnet_stream_close(s);
    buffer_free(&fresh);
}

static void calls_out_of_order(void)
{
    linnet_stream *s = open_quick(model);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, 100), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, 100), LINNET_E_STATE);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), LINNET_E_STATE);
    CU_ASSERT_TRUE(strlen(linnet_stream_error(s)) > 0);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, 100), 0);
    linnet_stream_close(s);
}

static void not_a_number(void)
{
    float bad[300] = {0};
    linnet_stream *s = open_quick(model);
    bad[160] = NAN;
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, 16000), 0);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, bad, 300), LINNET_E_AUDIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(s), "1.01")); /* the sample's time */
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, 100), LINNET_E_AUDIO);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), LINNET_E_AUDIO);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    bad[160] = INFINITY;
    CU_ASSERT_EQUAL(linnet_stream_feed(s, bad, 300), LINNET_E_AUDIO);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    for (int i = 0; i < 300; i++)
        bad[i] = i % 2 != 0 ? 3e38f : -3e38f; /* finite, if no sound: must end in words or an error, not in a crash */
    struct buffer out = {0};
    int rc = event_dump_run(&out, s, bad, 300, 300);
    CU_ASSERT_TRUE(rc == 0 || rc == LINNET_E_AUDIO);
    buffer_free(&out);
    linnet_stream_close(s);
}

static void nothing(void)
{
    linnet_stream *s = open_quick(model);
    linnet_event e;
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_next(s, &e), 1);
    CU_ASSERT_TRUE(e.type == LINNET_EVENT_END && e.end_s == 0);
    CU_ASSERT_EQUAL(linnet_stream_next(s, &e), 0);
    linnet_stream_close(s);
}

static linnet_stream *open_at_rate(int rate_hz)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    linnet_stream_options_init(&o);
    o.settings = quick;
    o.n_settings = sizeof quick / sizeof *quick;
    o.sample_rate_hz = rate_hz;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_open(model, &o, &s, NULL, 0), 0);
    return s;
}

static void rates(void)
{
    static const int rates_hz[] = {1000, 8000, 44100, 48000, 768000};
    for (size_t i = 0; i < sizeof rates_hz / sizeof *rates_hz; i++) {
        struct linnet_stats stats = {.size = sizeof stats};
        struct buffer out = {0};
        linnet_stream *s = open_at_rate(rates_hz[i]);
        CU_ASSERT_EQUAL(event_dump_run(&out, s, sound, SHORT, 12345), 0);
        CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
        CU_ASSERT_DOUBLE_EQUAL(stats.audio_s, (double)SHORT / rates_hz[i], 1e-3);
        linnet_stream_close(s);
        buffer_free(&out);
    }
}

static void files(void)
{
    char path[4200];
    struct wav_writer *w = NULL;
    struct buffer a = {0}, b = {0};
    linnet_stream *s = open_quick(model);
    snprintf(path, sizeof path, "%s/sound.wav", folder);
    CU_ASSERT_EQUAL_FATAL(wav_writer_open(&w, path, 16000, NULL), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, sound, 12 * 16000, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(wav_writer_close(w, NULL), 0);
    int n_calls = 1, rc;
    while ((rc = linnet_stream_feed_file(s, path)) > 0)
        n_calls++;
    CU_ASSERT_TRUE(rc == 0 && n_calls > 1);
    CU_ASSERT_EQUAL(event_dump_run(&a, s, NULL, 0, 1), 0);
    float *rounded = calloc(12 * 16000, sizeof *rounded); /* as 16 bits hold them */
    for (int i = 0; i < 12 * 16000; i++)
        rounded[i] = (float)lrintf(sound[i] * 32768.0f) / 32768.0f;
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(event_dump_run(&b, s, rounded, 12 * 16000, 999), 0);
    same_text(&a, &b);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_feed_file(s, "/no/such.wav"), LINNET_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(s), "/no/such.wav"));
    linnet_stream_close(s);
    buffer_free(&a);
    free(rounded);
}

/* Shown in pieces, then fed: what it says. */
static struct buffer run_shown(linnet_stream *s, const float *samples, size_t n, size_t piece)
{
    struct buffer out = {0};
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    for (size_t at = 0; at < n; at += piece)
        CU_ASSERT_EQUAL(linnet_stream_preview(s, samples + at, n - at < piece ? n - at : piece), 1);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, samples, n, 30000), 0);
    return out;
}

/* A first window that is quiet is not the same before something loud, if that is known. */
static void shown_before(void)
{
    char path[4200];
    struct wav_writer *w = NULL;
    linnet_stream *s = open_quick(model), *slow;
    float *quiet = calloc(LONG, sizeof *quiet);
    for (int i = 0; i < LONG; i++)
        quiet[i] = (float)lrintf(sound[i] * (i < 31 * 16000 ? 20 : 20000)) / 32768.0f; /* as 16 bits hold them */
    struct buffer alone = run_fresh(model, quiet, LONG, LONG), shown = run_shown(s, quiet, LONG, LONG);
    CU_ASSERT_STRING_NOT_EQUAL(buffer_text(&alone), buffer_text(&shown));
    static const size_t sizes[] = {7, 16000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer cut = run_shown(s, quiet, LONG, sizes[i]);
        same_text(&shown, &cut);
    }
    struct buffer out = {0};
    CU_ASSERT_EQUAL(linnet_stream_preview(s, quiet, 1), LINNET_E_STATE); /* after it was fed */
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);                         /* forgets it */
    CU_ASSERT_EQUAL(event_dump_run(&out, s, quiet, LONG, LONG), 0);
    same_text(&alone, &out);

    snprintf(path, sizeof path, "%s/shown.wav", folder);
    CU_ASSERT_EQUAL_FATAL(wav_writer_open(&w, path, 16000, NULL), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, quiet, LONG, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(wav_writer_close(w, NULL), 0);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    while (linnet_stream_feed_file(s, path) > 0)
        ;
    CU_ASSERT_EQUAL(event_dump_run(&out, s, NULL, 0, 1), 0);
    same_text(&shown, &out);
    linnet_stream_close(s);
    buffer_free(&alone);
    buffer_free(&shown);

    slow = open_at_rate(8000);
    shown = run_shown(slow, quiet + LONG / 2, LONG / 2, LONG);
    out = run_shown(slow, quiet + LONG / 2, LONG / 2, 977);
    same_text(&shown, &out);
    linnet_stream_close(slow);
    buffer_free(&shown);
    free(quiet);
}

static void figures(void)
{
    struct linnet_model_info info = {.size = sizeof info};
    struct linnet_stats stats = {.size = sizeof stats}, less = {.size = offsetof(struct linnet_stats, features_s)};
    struct buffer out = {0};
    linnet_stream *s = open_quick(model);
    CU_ASSERT_EQUAL(linnet_model_info(model, &info), 0);
    CU_ASSERT_STRING_EQUAL(info.kind, "whisper");
    CU_ASSERT_TRUE(info.sample_rate_hz == 16000 && info.n_mels == TINY_MELS && info.n_vocabulary == 51865);
    CU_ASSERT_TRUE(info.frame_s == 0.02 && info.n_parameters > 51865 * TINY_D &&
                   info.n_weight_bytes > info.n_parameters);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, sound, SHORT, SHORT), 0);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
    CU_ASSERT_DOUBLE_EQUAL(stats.audio_s, SHORT / 16000.0, 1e-9);
    CU_ASSERT_TRUE(stats.n_tokens > 0 && stats.n_fallbacks == 0 && stats.encoder_s > 0 && stats.decoder_s > 0);
    less.features_s = -7;
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &less), 0);
    CU_ASSERT_TRUE(less.audio_s == stats.audio_s && less.features_s == -7); /* nothing past its size */
    linnet_stream_close(s);
    buffer_free(&out);
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

static void no_phrases(void)
{
    static const char *const phrases[] = {"hello"};
    linnet_stream *s = open_quick(model);
    CU_ASSERT_EQUAL(linnet_stream_bias(s, phrases, NULL, 1), LINNET_E_UNSUPPORTED);
    linnet_stream_close(s);
}

static void names(void)
{
    for (int code = LINNET_E_UNSUPPORTED; code <= 0; code++) {
        CU_ASSERT_TRUE(strlen(linnet_strerror(code)) > 0);
        for (int other_code = LINNET_E_UNSUPPORTED; other_code < code; other_code++)
            CU_ASSERT_STRING_NOT_EQUAL(linnet_strerror(code), linnet_strerror(other_code));
    }
    CU_ASSERT_TRUE(strlen(linnet_strerror(-12345)) > 0);
    CU_ASSERT_TRUE(linnet_version()[0] >= '0' && linnet_version()[0] <= '9');
    CU_ASSERT_STRING_EQUAL(setlocale(LC_ALL, NULL), "C"); /* after all the above */
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
    {"wrong arguments", wrong_arguments},
    {"wrong settings", wrong_settings},
    {"older callers, arguments that go away", older_and_gone},
    {"calls out of order", calls_out_of_order},
    {"samples that are not numbers", not_a_number},
    {"no audio at all", nothing},
    {"sample rates", rates},
    {"files", files},
    {"recordings shown before they are fed", shown_before},
    {"model info and stream stats", figures},
    {"sampling depends on the seed alone", sampling},
    {"phrases where there is no bias", no_phrases},
    {"names of errors, version, locale", names},
};

int main(void)
{
    static const struct tiny_whisper usual = {0};
    folder = tiny_folder();
    sound = tiny_sound(LONG, 3);
    other = tiny_sound(LONG, 5);
    if (folder == NULL || sound == NULL || other == NULL || tiny_whisper_write(folder, &usual) < 0 ||
        linnet_model_open(folder, NULL, &model, NULL, 0) < 0)
        return 99;
    int code = unit_main("stream", tests, sizeof tests / sizeof *tests);
    linnet_model_close(model);
    tiny_remove(folder);
    free(folder);
    free(sound);
    free(other);
    return code;
}
