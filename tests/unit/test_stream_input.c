/* SPDX-License-Identifier: Apache-2.0
 * test_stream_input.c - what include/linnet.h promises of audio, on a tiny random model: no samples, bad samples,
 * sample rates, files, previews. */
#include <math.h>

#include "frontend/wav_writer.h"
#include "tests/support/tiny_stream.h"

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

static const struct unit_test tests[] = {
    {"samples that are not numbers", not_a_number},
    {"no audio at all", nothing},
    {"sample rates", rates},
    {"files", files},
    {"recordings shown before they are fed", shown_before},
};

TINY_STREAM_MAIN("input of streams", tests)
