/* SPDX-License-Identifier: Apache-2.0
 * test_whisper_context.c - windows of which only the audio and a margin are encoded (decoder.context=audio), on a small
 * random model.
 *
 * What a random model says is improbable, so that it is decoded again with 30 s.  Where text of it is to be accepted no
 * probability is too low, and the model is made so that it ends. */
#include "base/mem.h"
#include "decoders/whisper/search.h"
#include "encoder/whisper_encoder.h"
#include "frontend/log_mel.h"
#include "linnet.h"
#include "tests/support/event_dump.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"
#include "vocab/whisper_vocab.h"

enum { N_SAMPLES = 40960, N_AUDIO = N_SAMPLES / LOG_MEL_HOP, N_ENCODED = N_AUDIO + 200, N_SETTINGS = 20 };
enum { N_LONG = 32 * 16000 };

static char *folder;
static linnet_model *model; /* of one thread */
static float *sound;

static const char *const accepted[] = {"decoder.logprob_threshold=-1000",
                                       "decoder.compression_ratio_threshold=0",
                                       "decoder.temperature=0",
                                       "decoder.timestamps=false",
                                       "decoder.skip_silence=false",
                                       "decoder.suppress_tokens=",
                                       "language=en",
                                       NULL};

static linnet_stream *open_stream(const char *const *settings, const char *context)
{
    const char *all[N_SETTINGS] = {context};
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[400] = "";
    linnet_stream_options_init(&o);
    o.settings = all;
    for (o.n_settings = 1; *settings != NULL; settings++)
        all[o.n_settings++] = *settings;
    if (linnet_stream_open(model, &o, &s, error, sizeof error) < 0)
        printf("%s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

/* All events of sound [n] with the settings (NULL at their end) and context, fed in pieces; n_fallbacks may be NULL. */
static char *decode(const char *const *settings, const char *context, size_t n, size_t piece, uint64_t *n_fallbacks)
{
    struct linnet_stats stats = {.size = sizeof stats};
    struct buffer out = {0};
    linnet_stream *s = open_stream(settings, context);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, sound, n, piece), 0);
    CU_ASSERT_EQUAL(linnet_stream_stats(s, &stats), 0);
    if (n_fallbacks != NULL)
        *n_fallbacks = stats.n_fallbacks;
    linnet_stream_close(s);
    return out.data;
}

/* ---- text that is accepted ---- */

/* The states of the audio and two seconds of padding. */
static void encode(struct nn_context *ctx, float *states)
{
    static const float silence[2 * LOG_MEL_HOP];
    const struct whisper_encoder *e = whisper_encoder_of(model->encoder);
    struct whisper_encoder_state state;
    struct features_stream *features = NULL;
    float *mel = mem_array(N_ENCODED * TINY_MELS, sizeof *mel);
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&features, TINY_MELS, NULL), 0);
    size_t n = features_feed(features, sound, N_SAMPLES, mel);
    n += features_feed(features, silence, 2 * LOG_MEL_HOP, mel + n * TINY_MELS);
    CU_ASSERT_TRUE(n >= N_AUDIO);
    log_mel_normalize(mel, N_AUDIO * TINY_MELS, -INFINITY);
    memset(mel + N_AUDIO * TINY_MELS, 0, (N_ENCODED - N_AUDIO) * TINY_MELS * sizeof *mel);
    CU_ASSERT_EQUAL_FATAL(whisper_encoder_state_open(&state, e, 0, ctx, NULL), 0);
    whisper_encoder_forward(ctx, e, &state, &(struct whisper_encoder_input){.mel = mel, .n_frames = N_ENCODED}, states);
    whisper_encoder_state_close(&state);
    features_close(features);
    mem_free(mel);
}

/* The decoder's text is that of a search over exactly these states. */
static void states_of_audio(void)
{
    const struct whisper_specials *special = &whisper_vocab_of(model->vocab)->special;
    const int prompt[] = {special->sot, special->first_language, special->transcribe, special->no_timestamps};
    const int never[] = {special->transcribe, special->translate, special->sot,
                         special->sot_prev,   special->sot_lm,    special->no_speech};
    const struct whisper_search_options how = {
        .beam = 1, .best_of = 1, .patience = 1, .suppress_blank = 1, .suppressed = never, .n_suppressed = 6};
    float *states = mem_array((N_ENCODED / 2) * TINY_D, sizeof *states);
    const struct whisper_hypothesis *best;
    struct whisper_search *search;
    struct nn_context ctx;
    double no_speech;
    linnet_event e;
    int n;
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, model->pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_search_open(&search, model, &how, &ctx, NULL), 0);
    encode(&ctx, states);
    whisper_search_set_states(search, states, N_ENCODED / 2);
    CU_ASSERT_EQUAL(whisper_search_prompt(search, prompt, 4, &no_speech, NULL), 0);
    CU_ASSERT_EQUAL(whisper_search_run(search, 0, 0, NULL, &best, &n), 0);
    CU_ASSERT_TRUE(best->n > 0 && !best->is_full);

    linnet_stream *s = open_stream(accepted, "decoder.context=audio");
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, N_SAMPLES), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_next(s, &e), 1);
    CU_ASSERT_EQUAL_FATAL(e.n_tokens, best->n);
    CU_ASSERT(memcmp(e.tokens, best->tokens, (size_t)best->n * sizeof *e.tokens) == 0);
    CU_ASSERT_EQUAL(e.logprob, best->sum_logprob / (best->n + 1));
    CU_ASSERT_EQUAL(e.no_speech, no_speech);
    linnet_stream_close(s);
    whisper_search_close(search);
    nn_context_close(&ctx);
    mem_free(states);
}

static void any_pieces(void)
{
    static const size_t pieces[] = {1, 7, 160, 4000};
    uint64_t n_fallbacks;
    char *whole = decode(accepted, "decoder.context=audio", N_SAMPLES, N_SAMPLES, &n_fallbacks);
    char *full = decode(accepted, "decoder.context=full", N_SAMPLES, N_SAMPLES, NULL);
    CU_ASSERT_EQUAL(n_fallbacks, 0);
    CU_ASSERT_STRING_NOT_EQUAL(whole, full);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *other = decode(accepted, "decoder.context=audio", N_SAMPLES, pieces[i], NULL);
        CU_ASSERT_STRING_EQUAL(other, whole);
        mem_free(other);
    }
    mem_free(whole);
    mem_free(full);
}

static void any_threads(void)
{
    linnet_model *one = model;
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.n_threads = 3;
    o.precision = "fp32";
    char *wanted = decode(accepted, "decoder.context=audio", N_SAMPLES, 4000, NULL);
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(folder, &o, &model, NULL, 0), 0);
    char *other = decode(accepted, "decoder.context=audio", N_SAMPLES, 4000, NULL);
    CU_ASSERT_STRING_EQUAL(other, wanted);
    linnet_model_close(model);
    model = one;
    mem_free(wanted);
    mem_free(other);
}

/* Of 32 s only the second window is a short one. */
static void last_window(void)
{
    char *audio = decode(accepted, "decoder.context=audio", N_LONG, 4000, NULL);
    char *full = decode(accepted, "decoder.context=full", N_LONG, 4000, NULL);
    size_t first = strcspn(audio, "\n");
    CU_ASSERT_EQUAL(strcspn(full, "\n"), first);
    CU_ASSERT(strncmp(audio, full, first) == 0);
    CU_ASSERT(audio[first] == '\n' && audio[first + 1] != '\0');
    CU_ASSERT_STRING_NOT_EQUAL(audio + first, full + first);
    mem_free(audio);
    mem_free(full);
}

static void word_times(void)
{
    static const double end_s = (double)N_SAMPLES / 16000;
    const char *settings[N_SETTINGS] = {"decoder.word_times=true"};
    linnet_event e;
    double last_s = 0;
    int n_words = 0;
    memcpy(settings + 1, accepted, sizeof accepted);
    linnet_stream *s = open_stream(settings, "decoder.context=audio");
    CU_ASSERT_EQUAL(linnet_stream_feed(s, sound, N_SAMPLES), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0)
        for (int i = 0; i < e.n_words; i++, n_words++) {
            CU_ASSERT(e.words[i].start_s >= last_s && e.words[i].end_s >= e.words[i].start_s);
            last_s = e.words[i].end_s;
        }
    CU_ASSERT(n_words > 0 && last_s <= end_s);
    linnet_stream_close(s);
}

/* ---- text that is not ---- */

/* The text and all its numbers are those of a window of 30 s, at the cost of one more decoding. */
static void check_doubtful(const char *const *settings)
{
    uint64_t n_audio, n_full, n_none;
    char *audio = decode(settings, "decoder.context=audio", N_SAMPLES, 4000, &n_audio);
    char *full = decode(settings, "decoder.context=full", N_SAMPLES, 4000, &n_full);
    char *none = decode(settings, "language=auto", N_SAMPLES, 4000, &n_none);
    CU_ASSERT_STRING_EQUAL(audio, full);
    CU_ASSERT_EQUAL(n_audio, n_full + 1);
    CU_ASSERT_STRING_EQUAL(none, full); /* the default of single precision */
    CU_ASSERT_EQUAL(n_none, n_full);
    mem_free(audio);
    mem_free(full);
    mem_free(none);
}

static void fallback(void)
{
    static const char *const cases[][4] = {
        /* improbable, repetitive, without an end, with a time stamp after the margin, silence */
        {"decoder.temperature=0,0.5", "decoder.max_tokens=12"},
        {"decoder.temperature=0", "decoder.logprob_threshold=-1000", "decoder.compression_ratio_threshold=0.01"},
        {"decoder.temperature=0", "decoder.logprob_threshold=-1000", "decoder.max_tokens=2"},
        {"decoder.temperature=1", "decoder.logprob_threshold=-1000", "decoder.max_initial_timestamp=30"},
        {"decoder.temperature=0", "decoder.logprob_threshold=0", "decoder.no_speech_threshold=0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *settings[N_SETTINGS] = {"decoder.skip_silence=false"};
        for (size_t k = 0; k < 4 && cases[i][k] != NULL; k++)
            settings[1 + k] = cases[i][k];
        check_doubtful(settings);
    }
}

static const struct unit_test tests[] = {
    {"the states are those of the audio", states_of_audio},
    {"the same in any pieces", any_pieces},
    {"the same with any number of threads", any_threads},
    {"only the last window is short", last_window},
    {"words lie within the audio", word_times},
    {"text in doubt is decoded with 30 s", fallback},
};

int main(void)
{
    static const struct tiny_whisper how = {.ends = 1};
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.n_threads = 1;
    o.precision = "fp32";
    folder = tiny_folder();
    if (folder == NULL || tiny_whisper_write(folder, &how) < 0 || linnet_model_open(folder, &o, &model, NULL, 0) < 0)
        return 99;
    sound = tiny_sound(N_LONG, 1);
    int code = unit_main("whisper context", tests, sizeof tests / sizeof *tests);
    free(sound);
    linnet_model_close(model);
    tiny_remove(folder);
    free(folder);
    return code;
}
