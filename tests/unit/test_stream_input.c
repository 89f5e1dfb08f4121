/* SPDX-License-Identifier: Apache-2.0
 * test_stream_input.c - what include/linnet.h promises of audio, on a tiny random model: no samples, bad samples,
 * sample rates, files, the first pass over them. */
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>

#include "decoders/decoder.h"
#include "frontend/wav_writer.h"
#include "models/model.h"
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

/* Writes n samples, which 16 bits hold, to a file in the folder. */
static const char *write_wav(const char *name, const float *samples, size_t n, int rate_hz)
{
    static char path[4200];
    struct wav_writer *w = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CU_ASSERT_EQUAL_FATAL(wav_writer_open(&w, path, rate_hz, NULL), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, samples, n, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(wav_writer_close(w, NULL), 0);
    return path;
}

/* The same without a header: "f32le". */
static const char *write_bare(const char *name, const float *samples, size_t n)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fwrite(samples, sizeof *samples, n, f), n);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
    return path;
}

/* The sound, times scale up to n_quiet and times 1000 scale after it, as 16 bits hold it. */
static float *rounded(size_t n, size_t n_quiet, float scale)
{
    float *samples = calloc(n, sizeof *samples);
    for (size_t i = 0; samples != NULL && i < n; i++)
        samples[i] = (float)lrintf(sound[i] * (i < n_quiet ? scale : 1000 * scale)) / 32768.0f;
    CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
    return samples;
}

/* What a file gives from its opening to its end. */
static struct buffer run_file(linnet_stream *s, const char *path, const struct linnet_file_options *options)
{
    struct buffer out = {0};
    int rc;
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, options), 0);
    while ((rc = linnet_stream_read(s)) > 0)
        continue;
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(linnet_stream_read(s), 0); /* still at the end */
    CU_ASSERT_EQUAL(event_dump_run(&out, s, NULL, 0, 1), 0);
    return out;
}

static void files(void)
{
    enum { N = 12 * 16000 };
    struct linnet_stats stats = {.size = sizeof stats};
    struct buffer a = {0}, b;
    linnet_stream *s = open_quick(model);
    float *samples = rounded(N, N, 32768.0f);
    const char *path = write_wav("sound.wav", samples, N, 16000);
    int n_calls = 0, rc;
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), 0);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
    CU_ASSERT_TRUE(stats.audio_s == 0 && stats.file_s == 12);
    while ((rc = linnet_stream_read(s)) > 0)
        n_calls++;
    CU_ASSERT_TRUE(rc == 0 && n_calls > 1);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
    CU_ASSERT_EQUAL(stats.audio_s, 12);
    CU_ASSERT_EQUAL(event_dump_run(&a, s, NULL, 0, 1), 0);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
    CU_ASSERT_TRUE(stats.audio_s == 0 && stats.file_s == 0);
    b = (struct buffer){0};
    CU_ASSERT_EQUAL(event_dump_run(&b, s, samples, N, 999), 0);
    same_text(&a, &b);

    linnet_stream *live = open_as(model, quick, sizeof quick / sizeof *quick, 1);
    CU_ASSERT_EQUAL(linnet_stream_open_file(live, path, NULL), 0);
    for (n_calls = 0; (rc = linnet_stream_read(live)) > 0;)
        n_calls++;
    CU_ASSERT_TRUE(rc == 0 && n_calls == 120); /* as words are spoken */
    linnet_stream_close(live);
    linnet_stream_close(s);
    buffer_free(&a);
    free(samples);
}

/* A part of a file, headerless too, is what feeding that part is. */
static void parts(void)
{
    enum { N = 5 * 16000, FROM = 24000, TO = 64000 };
    struct linnet_file_options part;
    linnet_stream *s = open_quick(model);
    float *samples = rounded(N, N, 32768.0f);
    const char *path = write_wav("part.wav", samples, N, 16000);
    linnet_file_options_init(&part);
    CU_ASSERT_TRUE(part.raw == NULL && part.start_s == 0 && part.end_s == 0);
    part.start_s = FROM / 16000.0;
    part.end_s = TO / 16000.0;
    struct buffer wanted = run_fresh(model, samples + FROM, TO - FROM, 1000), got = run_file(s, path, &part);
    same_text(&wanted, &got);
    buffer_free(&wanted);
    part.end_s = 0;
    wanted = run_fresh(model, samples + FROM, N - FROM, 1000);
    got = run_file(s, path, &part);
    same_text(&wanted, &got);
    part.raw = "f32le";
    got = run_file(s, write_bare("part.f32", samples, N), &part);
    same_text(&wanted, &got);
    buffer_free(&wanted);
    linnet_stream_close(s);
    free(samples);
}

/* What no part of a file is, or no file, is refused by name. */
static void no_parts(void)
{
    static const double wrong[][2] = {{-1, 0}, {3, 2}, {2, 2}, {0, -1}, {9, 0}, {NAN, 0}, {0, NAN}};
    linnet_stream *s = open_quick(model);
    float *samples = rounded(5 * 16000, 0, 32.0f);
    const char *path = write_wav("none.wav", samples, 5 * 16000, 16000);
    struct linnet_file_options part;
    linnet_file_options_init(&part);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        part.start_s = wrong[i][0];
        part.end_s = wrong[i][1];
        CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, &part), LINNET_E_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(s), path));
    }
    part.start_s = part.end_s = 0;
    part.raw = "s17";
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, &part), LINNET_E_ARGUMENT);
    part.raw = NULL;
    part.size++;
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, &part), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_read(s), LINNET_E_STATE);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), 0); /* none of that ended the stream */
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, "/no/such.wav", NULL), LINNET_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(s), "/no/such.wav"));
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), LINNET_E_IO); /* only reset helps */
    linnet_stream_close(s);
    free(samples);
}

/* One file for a stream, and nothing beside it. */
static void one_file(void)
{
    linnet_stream *s = open_quick(model);
    float *samples = rounded(SHORT, SHORT, 32768.0f);
    const char *path = write_wav("one.wav", samples, SHORT, 16000);
    struct buffer alone = run_file(s, path, NULL), out = {0};
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), LINNET_E_STATE); /* after finish */
    CU_ASSERT_EQUAL(linnet_stream_read(s), LINNET_E_STATE);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_read(s), LINNET_E_STATE); /* none is open */
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), 0);
    CU_ASSERT_EQUAL(linnet_stream_read(s), 1);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, "/no/such.wav", NULL), LINNET_E_STATE); /* a second one */
    CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(s), "/no/such.wav"));
    CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, 100), LINNET_E_STATE);
    while (linnet_stream_read(s) > 0)
        continue;
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), LINNET_E_STATE);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, 100), LINNET_E_STATE);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, NULL, 0, 1), 0); /* calls out of order leave no trace */
    same_text(&alone, &out);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, 100), 0);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), LINNET_E_STATE); /* audio was fed */
    CU_ASSERT_EQUAL(linnet_stream_read(s), LINNET_E_STATE);
    CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, 100), 0);
    linnet_stream_close(s);
    buffer_free(&alone);
    free(samples);
}

/* What is before the damage is decoded, and its last words can be had. */
static void damaged_file(void)
{
    enum { GOOD = 40000 };
    linnet_stream *s = open_quick(model);
    float *samples = rounded(SHORT, SHORT, 32768.0f);
    struct linnet_file_options bare;
    linnet_file_options_init(&bare);
    bare.raw = "f32le";
    samples[GOOD] = NAN;
    const char *path = write_bare("damaged.f32", samples, SHORT);
    struct buffer wanted = run_fresh(model, samples, GOOD, GOOD), got = {0};
    int rc = linnet_stream_open_file(s, path, &bare);
    while (rc >= 0 && (rc = linnet_stream_read(s)) > 0)
        continue;
    CU_ASSERT_EQUAL(rc, LINNET_E_AUDIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(s), path));
    CU_ASSERT_EQUAL(linnet_stream_read(s), LINNET_E_AUDIO);
    CU_ASSERT_EQUAL(event_dump_run(&got, s, NULL, 0, 1), 0);
    same_text(&wanted, &got);
    linnet_stream_close(s);
    buffer_free(&wanted);
    free(samples);
}

/* An error of decoding names the file that is decoded. */
static void cancelled_file(void)
{
    linnet_stream *s = open_quick(model);
    float *samples = rounded(SHORT, SHORT, 32768.0f);
    const char *path = write_wav("cancelled.wav", samples, SHORT, 16000);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), 0);
    CU_ASSERT_EQUAL(linnet_stream_read(s), 1);
    linnet_stream_cancel(s);
    CU_ASSERT_EQUAL(linnet_stream_read(s), LINNET_E_CANCELLED);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), LINNET_E_CANCELLED);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    linnet_stream_close(s);
    free(samples);
}

/* Writes a file into a pipe. */
static void *fill_pipe(void *arg)
{
    const char *const *paths = arg;
    char block[4096];
    FILE *from = fopen(paths[0], "rb"), *to = fopen(paths[1], "wb");
    for (size_t n; from != NULL && to != NULL && (n = fread(block, 1, sizeof block, from)) > 0;)
        fwrite(block, 1, n, to);
    if (from != NULL)
        fclose(from);
    if (to != NULL)
        fclose(to);
    return NULL;
}

static struct buffer run_pipe(linnet_stream *s, const char *path)
{
    char pipe[4300];
    const char *paths[2] = {path, pipe};
    pthread_t writer;
    snprintf(pipe, sizeof pipe, "%s.pipe", path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(pipe, 0600), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, fill_pipe, paths), 0);
    struct buffer out = run_file(s, pipe, NULL);
    pthread_join(writer, NULL);
    return out;
}

/* A first window that is quiet is not the same before something loud, where that is known: in a file, but not in a
 * part of it without that, nor in a pipe. */
static void first_pass(void)
{
    enum { QUIET = 31 * 16000 };
    linnet_stream *s = open_quick(model);
    float *samples = rounded(LONG, QUIET, 20.0f);
    const char *path = write_wav("quiet.wav", samples, LONG, 16000);
    struct linnet_file_options part;
    struct buffer fed = run_fresh(model, samples, LONG, LONG), file = run_file(s, path, NULL), other_way;
    CU_ASSERT_STRING_NOT_EQUAL(buffer_text(&fed), buffer_text(&file));
    other_way = run_file(s, path, NULL); /* again */
    same_text(&file, &other_way);
    other_way = run_pipe(s, path);
    same_text(&fed, &other_way);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), LINNET_E_STATE);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0); /* drops what the first pass found */
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path, NULL), 0);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    other_way = (struct buffer){0};
    CU_ASSERT_EQUAL(event_dump_run(&other_way, s, samples, LONG, LONG), 0);
    same_text(&fed, &other_way);
    buffer_free(&fed);
    linnet_file_options_init(&part);
    part.end_s = 30;
    fed = run_fresh(model, samples, 30 * 16000, LONG);
    other_way = run_file(s, path, &part);
    same_text(&fed, &other_way);
    linnet_stream_close(s);
    buffer_free(&fed);
    buffer_free(&file);
    free(samples);
}

extern const struct decoder whisper_decoder;

/* The first pass, made by hand in pieces of any size, finds what that over a file does. */
static void first_pass_in_pieces(void)
{
    static const size_t sizes[] = {7, 1000, 16000, LONG};
    linnet_stream *s = open_quick(model);
    float *samples = rounded(LONG, 31 * 16000, 20.0f);
    struct buffer file = run_file(s, write_wav("pieces.wav", samples, LONG, 16000), NULL);
    linnet_stream_close(s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct settings settings = {0};
        struct events events = {0};
        struct linnet_stats stats = {0};
        struct message msg = {""};
        struct buffer out = {0};
        linnet_event e;
        atomic_int cancelled = 0;
        void *state = NULL;
        CU_ASSERT_EQUAL_FATAL(model_open_settings(&settings, &msg), 0);
        for (size_t k = 0; k < sizeof quick / sizeof *quick; k++)
            CU_ASSERT_EQUAL(settings_set(&settings, quick[k], &msg), 0);
        struct decoder_host host = {&whisper_decoder, model, &settings, 0, &events, &stats, &cancelled, &msg};
        CU_ASSERT_EQUAL_FATAL(whisper_decoder.open(&state, &host), 0);
        for (size_t at = 0, n = sizes[i]; at < LONG; at += n)
            CU_ASSERT_EQUAL(whisper_decoder.preview(state, samples + at, LONG - at < n ? LONG - at : n), 1);
        CU_ASSERT_EQUAL(whisper_decoder.feed(state, samples, LONG), 0);
        CU_ASSERT_EQUAL(whisper_decoder.finish(state), 0);
        while (events_pop(&events, &e) > 0)
            CU_ASSERT_EQUAL(event_dump(&out, &e), 0);
        CU_ASSERT_TRUE(out.n > 200);
        CU_ASSERT_EQUAL(strncmp(buffer_text(&file), buffer_text(&out), out.n), 0); /* the end is the stream's */
        CU_ASSERT_EQUAL(file.data[out.n], '4');
        whisper_decoder.close(state);
        events_clear(&events);
        settings_close(&settings);
        buffer_free(&out);
    }
    buffer_free(&file);
    free(samples);
}

static const struct unit_test tests[] = {
    {"samples that are not numbers", not_a_number},
    {"no audio at all", nothing},
    {"sample rates", rates},
    {"files", files},
    {"parts of files", parts},
    {"what is no part of a file", no_parts},
    {"one file and nothing beside it", one_file},
    {"a damaged file", damaged_file},
    {"cancelling while a file is read", cancelled_file},
    {"the first pass over a file", first_pass},
    {"the first pass in pieces of any size", first_pass_in_pieces},
};

TINY_STREAM_MAIN("input of streams", tests)
