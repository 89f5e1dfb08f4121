/* SPDX-License-Identifier: Apache-2.0
 * test_stream_arguments.c - what include/linnet.h promises of arguments, settings, errors and figures, on a tiny random
 * model. */
#include <locale.h>
#include <stddef.h>
#include <string.h>

#define TINY_PRECISION "fp32" /* in which the random model says something in every case below */
#include "tests/support/tiny_stream.h"

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
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, NULL, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_open_file(NULL, "a", NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_read(NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_finish(NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_next(s, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_next(NULL, &e), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_reset(NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_stats(NULL, &stats), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(linnet_stream_bias(NULL, NULL, NULL, 0, NULL, 0), LINNET_E_ARGUMENT);
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

/* Fields win over settings; those that are NULL or 0 leave them. */
static void fields(void)
{
    static const char *const settings[] = {"language=klingon", "task=translate",        "decoder.beam=3",
                                           "decoder.nbest=3",  "decoder.temperature=0", "decoder.max_tokens=10"};
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    linnet_event e = {.n_nbest = 0};
    char translated[500] = "";
    linnet_stream_options_init(&o);
    CU_ASSERT_TRUE(o.language == NULL && o.task == NULL && o.word_times == 0 && o.nbest == 0);
    o.settings = settings;
    o.n_settings = sizeof settings / sizeof settings[0];
    CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, NULL, 0), LINNET_E_ARGUMENT);
    o.language = "french";
    for (int with = 0; with < 2; with++) {
        o.task = with ? "transcribe" : NULL;
        o.word_times = with;
        o.nbest = with ? 2 : 0;
        CU_ASSERT_EQUAL_FATAL(linnet_stream_open(model, &o, &s, NULL, 0), 0);
        CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, SHORT), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
        CU_ASSERT_EQUAL(linnet_stream_next(s, &e), 1);
        CU_ASSERT_STRING_EQUAL(e.language, "fr");
        CU_ASSERT_TRUE((e.n_words > 0) == with && e.n_nbest == (with ? 2 : 3));
        if (with)
            CU_ASSERT_STRING_NOT_EQUAL(e.text, translated);
        snprintf(translated, sizeof translated, "%s", e.text);
        linnet_stream_close(s);
    }
    o.task = "dance";
    CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, NULL, 0), LINNET_E_ARGUMENT);
    o.task = NULL;
    o.nbest = -1;
    CU_ASSERT_EQUAL(linnet_stream_open(model, &o, &s, NULL, 0), LINNET_E_ARGUMENT);
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
    o.sample_rate_hz = o.nbest = -1; /* beyond its size: not looked at */
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

static void no_phrases(void)
{
    static const char *const phrases[] = {"hello"}, *const settings[] = {"decoder.name=simul_whisper", "language=en"};
    linnet_stream *s = open_as(model, settings, 2, 1);
    CU_ASSERT_EQUAL(linnet_stream_bias(s, phrases, NULL, 1, NULL, 0), LINNET_E_UNSUPPORTED);
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
    {"wrong arguments", wrong_arguments},           {"wrong settings", wrong_settings},
    {"options with fields of their own", fields},   {"older callers, arguments that go away", older_and_gone},
    {"calls out of order", calls_out_of_order},     {"model info and stream stats", figures},
    {"phrases where there is no bias", no_phrases}, {"names of errors, version, locale", names},
};

TINY_STREAM_MAIN("arguments of streams", tests)
