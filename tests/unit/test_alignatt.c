/* SPDX-License-Identifier: Apache-2.0
 * test_alignatt.c - streaming Whisper: texts that it must emit, and that they do not depend on how audio is fed.
 * Skipped where Whisper base is not in the model cache. */
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "frontend/audio_file.h"
#include "tests/support/whisper_base.h"

static void feeding_does_not_matter(void)
{
    static const char *const settings[][3] = {{"endpoint.rule3_utterance_ms=2500", "language=en", "decoder.buffer_s=3"},
                                              {"language=en", "decoder.name=simul_whisper", "decoder.buffer_s=3"}};
    static const size_t chunks[] = {1, 7, 160, 4000};
    size_t n;
    float *samples = read_recording(REFERENCES, recordings[0], &n);
    for (int way = 0; way < 2; way++) {
        linnet_stream *s = open_stream(settings[way], 3);
        struct buffer whole = {0}, cut = {0};
        run(s, samples, n, n, &whole);
        CU_ASSERT_PTR_NOT_NULL(strstr(buffer_text(&whole), way == 0 ? "elephant" : "Mark"));
        for (size_t i = way == 0 ? 0 : 3; i < sizeof chunks / sizeof chunks[0]; i++) {
            CU_ASSERT_EQUAL_FATAL(linnet_stream_reset(s), 0);
            buffer_cut(&cut, 0);
            run(s, samples, n, chunks[i], &cut);
            CU_ASSERT_STRING_EQUAL(buffer_text(&cut), buffer_text(&whole));
        }
        buffer_free(&whole);
        buffer_free(&cut);
        linnet_stream_close(s);
    }
    mem_free(samples);
}

/* What was committed stays: each later text of the utterance starts with it. */
static void committed_text_stays(void)
{
    static const char *const settings[] = {"language=en"};
    size_t n;
    float *samples = read_recording(REFERENCES, recordings[3], &n);
    linnet_stream *s = open_stream(settings, 1);
    char text[1000] = "";
    linnet_event e;
    int n_partials = 0;
    for (size_t at = 0; at < n; at += 4000) {
        CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples + at, n - at < 4000 ? n - at : 4000), 0);
        if (at + 4000 >= n)
            CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
        while (linnet_stream_next(s, &e) > 0) {
            if (e.type != LINNET_EVENT_PARTIAL && e.type != LINNET_EVENT_FINAL)
                continue;
            n_partials += e.type == LINNET_EVENT_PARTIAL;
            CU_ASSERT_EQUAL(strncmp(e.text, text, strlen(text)), 0);
            snprintf(text, sizeof text, "%.*s", e.type == LINNET_EVENT_FINAL ? 0 : (int)e.committed, e.text);
        }
    }
    CU_ASSERT(n_partials > 1);
    linnet_stream_close(s);
    mem_free(samples);
}

/* Chinese in steps so short that they end anywhere: whole characters only, committed ones too, and the words. */
static void chinese_comes_in_characters(void)
{
    static const char *const settings[] = {"language=zh", "decoder.segment_s=0.3", "decoder.frame_threshold=2"};
    char path[4400], text[500] = "";
    struct audio_file *f;
    linnet_event e;
    int n_partials = 0;
    snprintf(path, sizeof path, "%s/audio/aishell-BAC009S0724W0121.wav", unit_shared());
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&f, path, NULL, RATE_HZ, NULL), 0);
    float *samples = mem_array(10 * RATE_HZ, sizeof *samples);
    long n = audio_file_read(f, samples, 10 * RATE_HZ, NULL);
    linnet_stream *s = open_stream(settings, 3);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, (size_t)n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        CU_ASSERT_EQUAL(utf8_valid(e.text, strlen(e.text)), strlen(e.text));
        CU_ASSERT_EQUAL(utf8_valid(e.text, e.committed), e.committed);
        CU_ASSERT_PTR_NULL(strstr(e.text, "\xef\xbf\xbd"));
        n_partials += e.type == LINNET_EVENT_PARTIAL;
        if (e.type == LINNET_EVENT_FINAL)
            strncat(text, e.text, sizeof text - strlen(text) - 1);
    }
    CU_ASSERT(n_partials > 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "地產")); /* real estate, as in the text of the whole recording */
    linnet_stream_close(s);
    audio_file_close(f);
    mem_free(samples);
}

/* Recordings, each with `pause` samples of silence after it and two seconds more at the end; *n: samples of it all. */
static float *one_after_another(const char *folder, const char *const *names, size_t n_names, size_t pause, size_t *n)
{
    size_t at = 0, n_one;
    float *samples = mem_array(60 * RATE_HZ, sizeof *samples);
    CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
    for (size_t i = 0; i < n_names; i++) {
        float *one = read_recording(folder, names[i], &n_one);
        CU_ASSERT_FATAL(at + n_one + pause + 2 * RATE_HZ <= 60 * RATE_HZ);
        memcpy(samples + at, one, n_one * sizeof *one);
        at += n_one + pause;
        mem_free(one);
    }
    *n = at + 2 * RATE_HZ;
    return samples;
}

/* 150 ms of noise. */
static void add_click(float *samples)
{
    unsigned seed = 1;
    for (int i = 0; i < RATE_HZ * 15 / 100; i++)
        samples[i] = 0.2f * noise_of(&seed);
}

/* Context is not emitted again, noise after speech has no text, and pieces of any size are the same. */
static void earlier_utterances_are_context(void)
{
    static const char *const settings[] = {"language=en", "endpoint.rule2_silence_ms=600"};
    const char *const names[] = {recordings[0], recordings[4]};
    size_t n;
    float *samples = one_after_another(REFERENCES, names, 2, RATE_HZ, &n);
    add_click(samples + n - 2 * RATE_HZ);
    linnet_stream *s = open_stream(settings, 2);
    struct buffer whole = {0}, cut = {0};
    run(s, samples, n, n, &whole);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    run(s, samples, n, 777, &cut);
    CU_ASSERT_STRING_EQUAL(buffer_text(&cut), buffer_text(&whole));
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    linnet_event e;
    char text[500] = "";
    double last = 0;
    int n_finals = 0;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        if (e.type != LINNET_EVENT_FINAL)
            continue;
        CU_ASSERT(e.start_s >= last);
        last = e.end_s;
        n_finals++;
        strncat(text, e.text, sizeof text - strlen(text) - 1);
    }
    CU_ASSERT_EQUAL(n_finals, 2);
    const char *first = strstr(text, "elephant"), *second = strstr(text, "states have not had much time");
    CU_ASSERT(first != NULL && second > first);
    CU_ASSERT_PTR_NULL(strstr(first + 1, "elephant"));
    CU_ASSERT(second != NULL && strlen(second) <= strlen("states have not had much time."));
    linnet_stream_close(s);
    buffer_free(&whole);
    buffer_free(&cut);
    mem_free(samples);
}

/* The text of recordings one after another has three phrases one after another. */
static void check_order(const char *folder, const char *const *names, size_t n_names, size_t pause,
                        const char *const wanted[3])
{
    static const char *const settings[] = {"language=en"};
    size_t n;
    float *samples = one_after_another(folder, names, n_names, pause, &n);
    linnet_stream *s = open_stream(settings, 1);
    linnet_event e;
    char text[500] = "";
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0)
        if (e.type == LINNET_EVENT_FINAL)
            strncat(text, e.text, sizeof text - strlen(text) - 1);
    const char *first = strstr(text, wanted[0]), *second = strstr(text, wanted[1]), *third = strstr(text, wanted[2]);
    CU_ASSERT(first != NULL && second > first && third > second);
    linnet_stream_close(s);
    mem_free(samples);
}

/* The end of a sentence is not the end of the audio: without the time stamps of the segments in the prompt there is no
 * text of the third speaker. */
static void speakers_take_turns(void)
{
    static const char *const wanted[] = {"After all", "the key to", "elephant"};
    const char *const turns[] = {recordings[3], recordings[6], recordings[0]};
    check_order(REFERENCES, turns, 3, RATE_HZ / 4, wanted);
}

/* Whisper base repeats "We must at your house" for the second and the third as well. */
static void nothing_is_repeated(void)
{
    static const char *const names[] = {"050170129", "028920174", "023550175", "001110009",
                                        "096170001", "000030145", "021120296"};
    static const char *const wanted[] = {"house", "old pattern", "Old people"};
    check_order(UTTERANCES, names, 7, RATE_HZ / 2, wanted);
}

/* After "two three zero zero" Whisper base goes on counting, over the fifth of them. */
static void loops_are_left(void)
{
    static const char *const names[] = {"001130002", "001130023", "001130054", "001130087", "001130138", "001200015"};
    static const char *const wanted[] = {"0, 0", "not a ", "We were fortunate"};
    check_order(UTTERANCES, names, 6, RATE_HZ / 2, wanted);
}

/* After the fifth Whisper base ends the text, though the last two, of another speaker, follow. */
static void no_speech_is_skipped(void)
{
    static const char *const settings[] = {"language=en"};
    static const char *const names[] = {"014650011", "014650038", "014650047", "014650085",
                                        "014650113", "015010004", "015010041"};
    size_t n;
    float *samples = one_after_another(UTTERANCES, names, 7, RATE_HZ / 2, &n);
    linnet_stream *s = open_stream(settings, 1);
    linnet_event e;
    double last = 0;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0)
        last = e.type == LINNET_EVENT_FINAL && e.text[0] != '\0' ? e.end_s : last;
    CU_ASSERT((double)n / RATE_HZ - last < 7); /* silence of 2.5 s, and the last of them is 3.3 s long */
    linnet_stream_close(s);
    mem_free(samples);
}

static void silence_and_noise_have_no_text(void)
{
    static const char *const settings[] = {"language=en"};
    static float samples[8 * RATE_HZ];
    unsigned seed = 1;
    for (int noise = 0; noise < 2; noise++) {
        linnet_stream *s = open_stream(settings, 1);
        struct buffer out = {0};
        for (int i = 0; i < 8 * RATE_HZ && noise; i++)
            samples[i] = 0.02f * noise_of(&seed);
        run(s, samples, 8 * RATE_HZ, 4000, &out);
        CU_ASSERT_STRING_EQUAL(buffer_text(&out), "4 8.0000 8.0000 0 '' 0\n");
        buffer_free(&out);
        linnet_stream_close(s);
    }
}

static const struct unit_test tests[] = {
    {"feeding does not matter", feeding_does_not_matter},
    {"committed text stays", committed_text_stays},
    {"Chinese comes in characters", chinese_comes_in_characters},
    {"earlier utterances are context", earlier_utterances_are_context},
    {"speakers take turns", speakers_take_turns},
    {"no speech is skipped", no_speech_is_skipped},
    {"nothing is repeated", nothing_is_repeated},
    {"loops are left", loops_are_left},
    {"silence and noise have no text", silence_and_noise_have_no_text},
};

int main(void)
{
    int code = whisper_base_open();
    if (code != 0)
        return code;
    code = unit_main("alignatt", tests, sizeof tests / sizeof tests[0]);
    linnet_model_close(model);
    return code;
}
