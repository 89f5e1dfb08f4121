/* SPDX-License-Identifier: Apache-2.0
 * test_utterance_streams.c - streams of frame-synchronous decoders against themselves: in other pieces, on other
 * threads, beside other streams, for an hour. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/wenet_stream.h"

static void test_pieces(void)
{
    static const size_t pieces[] = {1, 7, 160, 4000, 1000000};
    struct recording r;
    recording_open(&r);
    linnet_model *one = model_open(r.c.dir, 1), *two = model_open(r.c.dir, 2);
    for (int d = 0; d < N_DECODERS; d++)
        for (int streaming = 0; streaming < 2; streaming++) {
            struct setting_texts s = {.n = 0};
            struct buffer first = {0}, again = {0};
            stream_settings(&s, streaming_decoders[d]);
            linnet_stream *stream = stream_open(one, &s, streaming), *other = stream_open(two, &s, streaming);
            run(stream, r.wav.data, r.wav.n_rows, 4000, &first);
            CU_ASSERT_PTR_NOT_NULL(strstr(buffer_text(&first), streaming ? "\n3 " : "2 "));
            for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
                buffer_cut(&again, 0);
                CU_ASSERT_EQUAL(linnet_stream_reset(stream), 0);
                run(stream, r.wav.data, r.wav.n_rows, pieces[i], &again);
                CU_ASSERT_STRING_EQUAL(buffer_text(&again), buffer_text(&first));
            }
            buffer_cut(&again, 0);
            run(other, r.wav.data, r.wav.n_rows, 1234, &again);
            CU_ASSERT_STRING_EQUAL(buffer_text(&again), buffer_text(&first));
            linnet_stream_close(stream);
            linnet_stream_close(other);
            buffer_free(&first);
            buffer_free(&again);
        }
    linnet_model_close(one);
    linnet_model_close(two);
    recording_close(&r);
}

static void test_interleaved(void)
{
    struct recording r;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 2);
    linnet_stream *streams[N_DECODERS];
    struct buffer alone[N_DECODERS] = {{0}}, beside[N_DECODERS] = {{0}};
    size_t starts[N_DECODERS] = {0, 5000, 20000, 9000}, at[N_DECODERS];
    for (int i = 0; i < N_DECODERS; i++) {
        struct setting_texts s = {.n = 0};
        stream_settings(&s, streaming_decoders[i]);
        streams[i] = stream_open(m, &s, 1);
        run(streams[i], r.wav.data + starts[i], r.wav.n_rows - starts[i], 3000, &alone[i]);
        CU_ASSERT_EQUAL(linnet_stream_reset(streams[i]), 0);
        at[i] = starts[i];
    }
    for (int busy = 1; busy;) {
        busy = 0;
        for (int i = 0; i < N_DECODERS; i++) {
            size_t n = r.wav.n_rows - at[i] < 700 ? r.wav.n_rows - at[i] : 700;
            CU_ASSERT_EQUAL(linnet_stream_feed(streams[i], r.wav.data + at[i], n), 0);
            note_events(streams[i], &beside[i]);
            at[i] += n;
            busy |= n > 0;
        }
    }
    for (int i = 0; i < N_DECODERS; i++) {
        CU_ASSERT_EQUAL(linnet_stream_finish(streams[i]), 0);
        note_events(streams[i], &beside[i]);
        CU_ASSERT_STRING_EQUAL(buffer_text(&beside[i]), buffer_text(&alone[i]));
        linnet_stream_close(streams[i]);
        buffer_free(&alone[i]);
        buffer_free(&beside[i]);
    }
    linnet_model_close(m);
    recording_close(&r);
}

/* ---- long, and many ---- */

static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    if (f != NULL)
        fclose(f);
    return resident;
}

/* An hour through one stream: what is resident after a minute stays all there is. */
static void test_hour(void)
{
    enum { SECOND = 16000 };
    const int hour = getenv("LINNET_TEST_FEW") == NULL ? 3600 : 300; /* sanitizers slow it down twentyfold */
    struct recording r;
    struct setting_texts s = {.n = 0};
    linnet_event e;
    long after_minute = 0;
    int n_final = 0;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    stream_settings(&s, "attention_rescoring");
    linnet_stream *stream = stream_open(m, &s, 1);
    for (int t = 0; t < hour; t++) {
        size_t at = (size_t)(t % 9) * SECOND;
        CU_ASSERT_EQUAL(linnet_stream_feed(stream, r.wav.data + at, SECOND), 0);
        while (linnet_stream_next(stream, &e) > 0) {
            n_final += e.type == LINNET_EVENT_FINAL;
            CU_ASSERT(e.end_s <= t + 1.0);
            CU_ASSERT(e.type == LINNET_EVENT_END || e.start_s >= t - 9.0);
        }
        if (t == 60)
            after_minute = resident_pages();
    }
    printf(" %d results, %ld pages after a minute, %ld after %d s ", n_final, after_minute, resident_pages(), hour);
    CU_ASSERT(n_final > hour / 6);
    CU_ASSERT(resident_pages() <= after_minute + 256);
    linnet_stream_close(stream);
    linnet_model_close(m);
    recording_close(&r);
}

enum { N_STREAMS = 16 };

struct alone {
    linnet_model *model;
    const struct recording *recording;
    int i;
    struct buffer events;
};

static void *run_alone(void *arg)
{
    struct alone *a = arg;
    struct setting_texts s = {.n = 0};
    stream_settings(&s, streaming_decoders[a->i % 3]);
    linnet_stream *stream = stream_open(a->model, &s, 1);
    size_t start = (size_t)(a->i % 4) * 5000;
    size_t n = getenv("LINNET_TEST_FEW") == NULL ? 80000 : 32000;
    run(stream, a->recording->wav.data + start, n, (size_t)(500 + 300 * a->i), &a->events);
    linnet_stream_close(stream);
    return NULL;
}

/* Sixteen streams on one model, each on a thread of its own: what each gives alone. */
static void test_many(void)
{
    struct recording r;
    struct alone together[N_STREAMS], one;
    pthread_t threads[N_STREAMS];
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 3);
    for (int i = 0; i < N_STREAMS; i++) {
        together[i] = (struct alone){.model = m, .recording = &r, .i = i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_alone, &together[i]), 0);
    }
    for (int i = 0; i < N_STREAMS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < N_STREAMS; i++) {
        one = (struct alone){.model = m, .recording = &r, .i = i};
        run_alone(&one);
        CU_ASSERT(one.events.n > 200);
        CU_ASSERT_STRING_EQUAL(buffer_text(&together[i].events), buffer_text(&one.events));
        buffer_free(&together[i].events);
        buffer_free(&one.events);
    }
    linnet_model_close(m);
    recording_close(&r);
}

static const struct unit_test tests[] = {
    {"pieces of any size, again, on two threads: the same events", test_pieces},
    {"streams beside each other", test_interleaved},
    {"sixteen streams at once", test_many},
    {"an hour through one stream", test_hour}, /* last: a sanitizer's heap is warm then, and grows no more */
};

int main(void)
{
    if (unit_shared() == NULL)
        return UNIT_SKIP;
    return unit_main("streams of utterances", tests, sizeof tests / sizeof tests[0]);
}
