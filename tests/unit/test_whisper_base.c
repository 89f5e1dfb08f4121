/* SPDX-License-Identifier: Apache-2.0
 * test_whisper_base.c - Whisper base on three recordings against openai-whisper: features, encoder, logits, tokens of
 * every search, texts, times of words.
 *
 * Needs the model (whisper-base in the model cache) and the reference data; skipped without them. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper_common/state.h"
#include "encoder/whisper_encoder.h"
#include "frontend/audio_file.h"
#include "frontend/log_mel.h"
#include "linnet.h"
#include "tests/support/unit.h"

enum { RATE_HZ = 16000, WINDOW = LOG_MEL_WINDOW_FRAMES, MAX_SAMPLES = WINDOW * LOG_MEL_HOP + 40 };

static linnet_model *model;
static float samples[MAX_SAMPLES];

static const struct {
    const char *name, *language;
} recordings[] = {{"jfk", "en"}, {"librispeech-1995-1837-0001", "en"}, {"aishell-BAC009S0724W0121", "zh"}};
enum { N_RECORDINGS = sizeof recordings / sizeof recordings[0] };

static json_t *reference(const char *name)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/refs/whisper-base/%s.json", unit_shared(), name);
    json_t *json = json_load_file(path, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    return json;
}

/* The recording into samples, zeros after it; returns its length. */
static size_t read_recording(const char *name)
{
    char path[4400];
    struct audio_file *f = NULL;
    size_t n = 0;
    long got;
    snprintf(path, sizeof path, "%s/audio/%s.wav", unit_shared(), name);
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&f, path, NULL, RATE_HZ, NULL), 0);
    memset(samples, 0, sizeof samples);
    while (n < MAX_SAMPLES && (got = audio_file_read(f, samples + n, MAX_SAMPLES - n, NULL)) > 0)
        n += (size_t)got;
    audio_file_close(f);
    return n;
}

/* ---- numbers ---- */

static float difference(const float *a, const struct tensor *t)
{
    size_t n = tensor_elements(t);
    float most = 0, *b = mem_array(n, sizeof *b);
    tensor_to_f32(t, 0, n, b);
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= most))
            most = fabsf(a[i] - b[i]);
    mem_free(b);
    return most;
}

static float *features(void)
{
    float *frames = mem_array(WINDOW * 80, sizeof *frames);
    struct features_stream *m = NULL;
    read_recording("jfk");
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&m, 80, NULL), 0);
    CU_ASSERT_EQUAL(features_feed(m, samples, MAX_SAMPLES, frames), WINDOW);
    log_mel_normalize(frames, WINDOW * 80, -INFINITY);
    features_close(m);
    return frames;
}

static void check_features(const float *frames, const struct tensor *t)
{
    float *channels = mem_array(WINDOW * 80, sizeof *channels);
    for (int i = 0; i < WINDOW; i++)
        for (int k = 0; k < 80; k++)
            channels[k * WINDOW + i] = frames[i * 80 + k];
    CU_ASSERT_TRUE(difference(channels, t) < 1e-4f);
    mem_free(channels);
}

static void numbers(void)
{
    char path[4400];
    struct safetensors *f = NULL;
    struct nn_context ctx;
    struct whisper_encoder_state encoder;
    struct text_decoder_state state;
    const struct whisper_encoder *e = whisper_encoder_of(model->encoder);
    static const int prompt[] = {50258, 50259, 50359, 50363}, slots[] = {0, 1, 2, 3};
    struct text_row rows[4];
    snprintf(path, sizeof path, "%s/refs/whisper-base/jfk.safetensors", unit_shared());
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&f, path, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, model->pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_encoder_state_open(&encoder, e, 0, &ctx, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_state_open(&state, model, &ctx, 4, 4, NULL), 0);
    float *frames = features(), *states = mem_array(1500 * 512, sizeof *states);
    float *logits = mem_array(4 * 51865, sizeof *logits);
    check_features(frames, safetensors_find(f, "mel"));
    const struct whisper_encoder_input window = {.mel = frames, .n_frames = WINDOW};
    whisper_encoder_forward(&ctx, e, &encoder, &window, states);
    CU_ASSERT_TRUE(difference(states, safetensors_find(f, "encoder_out")) < 2e-3f); /* values reach 40 */
    for (int i = 0; i < 4; i++)
        rows[i] = (struct text_row){prompt[i], i, slots};
    text_decoder_state_append(&state, &ctx, states, 1500);
    text_decoder_state_step(&state, &ctx, rows, 4, NULL);
    text_decoder_state_logits(&state, &ctx, 0, 4, logits);
    CU_ASSERT_TRUE(difference(logits, safetensors_find(f, "first_logits")) < 2e-2f);
    void *all[] = {frames, states, logits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
    whisper_encoder_state_close(&encoder);
    text_decoder_state_close(&state);
    nn_context_close(&ctx);
    safetensors_close(f);
}

/* ---- searches ---- */

static linnet_stream *open_stream(const char *const *settings, size_t n)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[400] = "";
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = n;
    if (linnet_stream_open(model, &o, &s, error, sizeof error) < 0)
        printf("%s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static int same_tokens(const json_t *wanted, const int *tokens, int n)
{
    int same = json_array_size(wanted) == (size_t)n;
    for (int i = 0; same && i < n; i++)
        same = json_integer_value(json_array_get(wanted, (size_t)i)) == tokens[i];
    return same;
}

/* The window's tokens, as the best hypothesis of the list. */
static void check_tokens(const json_t *wanted, const char *const *settings, size_t n, size_t n_samples)
{
    linnet_stream *s = open_stream(settings, n);
    linnet_event e;
    CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, n_samples), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_next(s, &e), 1);
    CU_ASSERT_TRUE_FATAL(e.type == LINNET_EVENT_FINAL && e.n_nbest > 0);
    CU_ASSERT_TRUE(same_tokens(json_object_get(wanted, "tokens"), e.nbest[0].tokens, e.nbest[0].n_tokens));
    CU_ASSERT_DOUBLE_EQUAL(e.logprob, json_number_value(json_object_get(wanted, "avg_logprob")), 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(e.no_speech, json_number_value(json_object_get(wanted, "no_speech_prob")), 1e-3);
    linnet_stream_close(s);
}

static void searches(void)
{
    static const struct {
        const char *name, *beam, *timestamps;
    } kinds[] = {{"greedy", "decoder.beam=1", "decoder.timestamps=false"},
                 {"greedy_timestamps", "decoder.beam=1", "decoder.timestamps=true"},
                 {"beam5", "decoder.beam=5", "decoder.timestamps=true"},
                 {"beam5_no_timestamps", "decoder.beam=5", "decoder.timestamps=false"}};
    for (int i = 0; i < N_RECORDINGS; i++) {
        json_t *json = reference(recordings[i].name);
        char language[20];
        size_t n = read_recording(recordings[i].name);
        snprintf(language, sizeof language, "language=%s", recordings[i].language);
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            const char *settings[] = {
                language,      "decoder.padding=silence", "decoder.temperature=0", "decoder.nbest=2",
                kinds[k].beam, kinds[k].timestamps};
            check_tokens(json_object_get(json, kinds[k].name), settings, sizeof settings / sizeof *settings, n);
        }
        json_decref(json);
    }
}

/* ---- whole recordings ---- */

static void check_words(const linnet_event *e, const json_t *words)
{
    CU_ASSERT_EQUAL_FATAL((size_t)e->n_words, json_array_size(words));
    for (int i = 0; i < e->n_words; i++) {
        const json_t *w = json_array_get(words, (size_t)i);
        CU_ASSERT_STRING_EQUAL(e->words[i].text, json_string_value(json_object_get(w, "word")));
        CU_ASSERT_DOUBLE_EQUAL(e->words[i].start_s, json_number_value(json_object_get(w, "start")), 0.0201);
        CU_ASSERT_DOUBLE_EQUAL(e->words[i].end_s, json_number_value(json_object_get(w, "end")), 0.0201);
        CU_ASSERT_DOUBLE_EQUAL(e->words[i].confidence, json_number_value(json_object_get(w, "probability")), 5e-3);
    }
}

/* All recordings are one window. */
static void check_window(const linnet_event *e, const json_t *segment)
{
    const struct linnet_window *w = e->window;
    CU_ASSERT_DOUBLE_EQUAL(e->no_speech, json_number_value(json_object_get(segment, "no_speech_prob")), 1e-3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    CU_ASSERT_EQUAL(w->size, sizeof *w);
    CU_ASSERT_TRUE(w->start_s == 0 && w->temperature == 0 && w->language_probability > 0.5);
    CU_ASSERT_STRING_EQUAL(w->language_name, strcmp(e->language, "zh") == 0 ? "chinese" : "english");
    CU_ASSERT_EQUAL(w->compression_ratio, json_number_value(json_object_get(segment, "compression_ratio")));
}

static void transcripts(void)
{
    static const char *const settings[] = {"language=auto", "decoder.word_times=true"};
    linnet_stream *s = open_stream(settings, 2);
    for (int i = 0; i < N_RECORDINGS; i++) {
        json_t *json = reference(recordings[i].name);
        const json_t *segments = json_object_get(json_object_get(json, "transcribe"), "segments");
        size_t n = read_recording(recordings[i].name), k = 0;
        linnet_event e;
        CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
        CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, n), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
        for (; linnet_stream_next(s, &e) > 0 && e.type == LINNET_EVENT_FINAL; k++) {
            const json_t *g = json_array_get(segments, k);
            CU_ASSERT_PTR_NOT_NULL_FATAL(g);
            CU_ASSERT_STRING_EQUAL(e.language, recordings[i].language);
            CU_ASSERT_STRING_EQUAL(e.text, json_string_value(json_object_get(g, "text")));
            CU_ASSERT_TRUE(same_tokens(json_object_get(g, "tokens"), e.tokens, e.n_tokens));
            CU_ASSERT_DOUBLE_EQUAL(e.start_s, json_number_value(json_object_get(g, "start")), 0.0201);
            CU_ASSERT_DOUBLE_EQUAL(e.end_s, json_number_value(json_object_get(g, "end")), 0.0201);
            CU_ASSERT_DOUBLE_EQUAL(e.logprob, json_number_value(json_object_get(g, "avg_logprob")), 1e-3);
            check_words(&e, json_object_get(g, "words"));
            check_window(&e, g);
        }
        CU_ASSERT_EQUAL(k, json_array_size(segments));
        json_decref(json);
    }
    linnet_stream_close(s);
}

/* A segment's words are those of the reference from `at` on; sum_s grows by how far their times are from its times. */
static int compare_words(const linnet_event *e, const json_t *words, int at, double *sum_s)
{
    for (int i = 0; i < e->n_words; i++) {
        const json_t *w = json_array_get(words, (size_t)(at + i));
        CU_ASSERT_PTR_NOT_NULL_FATAL(w);
        CU_ASSERT_STRING_EQUAL(e->words[i].text, json_string_value(json_object_get(w, "word")));
        *sum_s += fabs(e->words[i].start_s - json_number_value(json_object_get(w, "start"))) / 2 +
                  fabs(e->words[i].end_s - json_number_value(json_object_get(w, "end"))) / 2;
    }
    return e->n_words;
}

/* With only the audio and a margin encoded the words are the same, though not cut into the same segments.  Their times
 * come from other weights, but the attention is as sharp: they are on average not two encoder frames away. */
static void only_the_audio(void)
{
    static const char *const settings[] = {"language=auto", "decoder.word_times=true", "decoder.context=audio"};
    linnet_stream *s = open_stream(settings, 3);
    struct linnet_stats stats = {.size = sizeof stats};
    for (int i = 0; i < N_RECORDINGS; i++) {
        json_t *json = reference(recordings[i].name), *words = json_array();
        const json_t *segments = json_object_get(json_object_get(json, "transcribe"), "segments");
        for (size_t k = 0; k < json_array_size(segments); k++)
            json_array_extend(words, json_object_get(json_array_get(segments, k), "words"));
        size_t n = read_recording(recordings[i].name);
        double sum_s = 0;
        int n_words = 0;
        linnet_event e;
        CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
        CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, n), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
        while (linnet_stream_next(s, &e) > 0 && e.type == LINNET_EVENT_FINAL) {
            CU_ASSERT_STRING_EQUAL(e.language, recordings[i].language);
            n_words += compare_words(&e, words, n_words, &sum_s);
            CU_ASSERT_TRUE(n_words > 0 && e.words[e.n_words - 1].end_s <= (double)n / RATE_HZ);
        }
        CU_ASSERT_EQUAL((size_t)n_words, json_array_size(words));
        CU_ASSERT_TRUE(sum_s / n_words < 0.04);
        CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
        CU_ASSERT_EQUAL(stats.n_fallbacks, 0);
        json_decref(words);
        json_decref(json);
    }
    linnet_stream_close(s);
}

/* A spelling that nobody uses comes where it is asked for, and what is asked for no more does not. */
static void hotwords_are_heard(void)
{
    static const char *const settings[] = {"language=en"}, *const phrases[] = {"Amerikans"};
    linnet_stream *s = open_stream(settings, 1);
    size_t n = read_recording("jfk");
    for (int boosts = 1; boosts >= 0; boosts--) {
        linnet_event e;
        CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
        CU_ASSERT_EQUAL(linnet_stream_bias(s, phrases, NULL, (size_t)boosts, NULL, 0), boosts);
        CU_ASSERT_EQUAL(linnet_stream_feed(s, samples, n), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
        CU_ASSERT_EQUAL_FATAL(linnet_stream_next(s, &e), 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(e.text, boosts ? "fellow Amerikans" : "fellow Americans"));
        CU_ASSERT(e.logprob <= 0);
    }
    linnet_stream_close(s);
}

static const struct unit_test tests[] = {
    {"features, encoder, logits", numbers},
    {"tokens of every search", searches},
    {"texts, segments, times of words", transcripts},
    {"hotwords are heard", hotwords_are_heard},
    {"the same words where only the audio is encoded", only_the_audio},
};

int main(void)
{
    char error[400];
    if (unit_shared() == NULL)
        return UNIT_SKIP;
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.precision = "fp32"; /* as references are */
    if (linnet_model_open("whisper-base", &o, &model, error, sizeof error) < 0) {
        printf("%s\n", error);
        return UNIT_SKIP;
    }
    int code = unit_main("whisper base", tests, sizeof tests / sizeof *tests);
    linnet_model_close(model);
    return code;
}
