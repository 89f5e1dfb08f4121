/* SPDX-License-Identifier: Apache-2.0
 * test_alignatt_endpoint.c - when the utterances of streaming Whisper end. Skipped where Whisper base is not in the
 * model cache. */
#include <string.h>

#include "base/mem.h"
#include "tests/support/whisper_base.h"

enum { LEAD = 2 * RATE_HZ, TAIL = 7 * RATE_HZ };

/* A recording between 2 s and 7 s of a quiet room; instead of speech, `click` gives 0.15 s of loud noise. */
static float *in_silence(int click, size_t *n)
{
    size_t n_speech;
    float *speech = read_recording(REFERENCES, recordings[4], &n_speech);
    float *samples = mem_array(LEAD + n_speech + TAIL, sizeof *samples);
    unsigned seed = 1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
    if (click)
        n_speech = RATE_HZ * 15 / 100;
    *n = LEAD + n_speech + TAIL;
    for (size_t i = 0; i < *n; i++) {
        int is_speech = i >= LEAD && i < LEAD + n_speech;
        float noise = noise_of(&seed);
        samples[i] = (is_speech && click ? 0.2f : 0.01f) * noise + (is_speech && !click ? speech[i - LEAD] : 0);
    }
    mem_free(speech);
    return samples;
}

/* The first endpoint, if any, and all final texts. */
struct ending {
    double start_s, end_s; /* of the utterance */
    int rule, n;           /* of the first endpoint; how many there were */
    char text[500];
};

static struct ending ending_of(const float *samples, size_t n, const char *one, const char *two)
{
    const char *const settings[] = {"language=en", one, two};
    linnet_stream *s = open_stream(settings, two != NULL ? 3 : 2);
    struct ending found = {0};
    linnet_event e;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        if (e.type == LINNET_EVENT_FINAL)
            strncat(found.text, e.text, sizeof found.text - strlen(found.text) - 1);
        if (e.type == LINNET_EVENT_ENDPOINT && found.n++ == 0) {
            found.start_s = e.start_s;
            found.end_s = e.end_s;
            CU_ASSERT_EQUAL(sscanf(e.text, "rule %d", &found.rule), 1);
        }
    }
    linnet_stream_close(s);
    return found;
}

/* The recording's last sound is at 4.96 s of the stream. */
static void endpoint_rules_end_utterances(void)
{
    size_t n;
    float *samples = in_silence(0, &n), *click;
    struct ending with_default = ending_of(samples, n, "endpoint.rule2_silence_ms=1000", NULL);
    CU_ASSERT(with_default.rule == 2 && with_default.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(with_default.end_s, 5.96, 0.1);
    CU_ASSERT_PTR_NOT_NULL(strstr(with_default.text, "states have not had much time"));
    struct ending e = ending_of(samples, n, "endpoint.rule2_silence_ms=2500", NULL);
    CU_ASSERT(e.rule == 2 && e.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(e.end_s - with_default.end_s, 1.5, 0.021); /* the rules are applied every 20 ms */
    e = ending_of(samples, n, "endpoint.rule2_silence_ms=1e9", "endpoint.rule1_silence_ms=3000");
    CU_ASSERT(e.rule == 1 && e.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(e.end_s - with_default.end_s, 2, 0.021);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "states have not had much time"));
    e = ending_of(samples, n, "endpoint.rule2_silence_ms=1e9", "endpoint.rule1_silence_ms=1e9");
    CU_ASSERT(e.n == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "states have not had much time"));
    /* In the middle of speech: words before the cut are final, those after it come later. */
    e = ending_of(samples, n, "endpoint.rule3_utterance_ms=1500", "decoder.delay_s=1");
    CU_ASSERT(e.rule == 3 && e.n > 1 && e.end_s < 4.96);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "states have not had much time"));
    /* A sound that is no speech: no text, and only rule 1 fires. */
    click = in_silence(1, &n);
    e = ending_of(click, n, "endpoint.rule1_silence_ms=3000", NULL);
    CU_ASSERT(e.rule == 1 && e.n == 1 && e.text[0] == '\0');
    CU_ASSERT(e.end_s > 5 && e.end_s < 5.4);
    mem_free(samples);
    mem_free(click);
}

static void detector_settings_act(void)
{
    size_t n;
    float *samples = in_silence(0, &n), *click;
    struct ending with_default = ending_of(samples, n, "vad.pre_roll_ms=300", NULL);
    struct ending e = ending_of(samples, n, "vad.pre_roll_ms=700", NULL);
    CU_ASSERT(with_default.n == 1 && e.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(with_default.start_s - e.start_s, 0.4, 1e-6);
    e = ending_of(samples, n, "vad.threshold_db=18", NULL);
    CU_ASSERT(e.n == 0 && e.text[0] == '\0');
    /* The detector holds speech for so long after its last sound: no rule fires before. */
    e = ending_of(samples, n, "vad.hold_ms=2000", "endpoint.rule2_silence_ms=500");
    CU_ASSERT_DOUBLE_EQUAL(e.end_s - with_default.end_s, 1, 0.05);
    click = in_silence(1, &n);
    CU_ASSERT(ending_of(click, n, "vad.start_ms=60", NULL).n == 1);
    CU_ASSERT(ending_of(click, n, "vad.start_ms=400", NULL).n == 0);
    mem_free(samples);
    mem_free(click);
}

static const struct unit_test tests[] = {
    {"endpoint rules end utterances", endpoint_rules_end_utterances},
    {"the detector's settings act", detector_settings_act},
};

int main(void)
{
    int code = whisper_base_open();
    if (code != 0)
        return code;
    code = unit_main("endpoints of alignatt", tests, sizeof tests / sizeof tests[0]);
    linnet_model_close(model);
    return code;
}
