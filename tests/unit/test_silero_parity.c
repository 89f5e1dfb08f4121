/* SPDX-License-Identifier: Apache-2.0
 * test_silero_parity.c - Silero VAD's probabilities beside those of its ONNX model, for each recording that
 * refs/silero-vad/expected.json of the reference data names.  Skipped where that or the weights are missing. */
#include <jansson.h>
#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "frontend/audio_file.h"
#include "frontend/silero.h"
#include "frontend/vad_turns.h"
#include "models/detector.h"
#include "tests/support/noises.h"
#include "tests/support/unit.h"

static char weights[4352];
static json_t *expected;

/* The recording after SILERO_BEFORE zeros, with zeros after it up to a whole block; n: its own samples. */
static float *read_recording(const char *name, size_t n)
{
    static const char *const folders[] = {"audio", "cases"};
    size_t n_blocks = (n + SILERO_BLOCK - 1) / SILERO_BLOCK;
    float *x = mem_array(SILERO_BEFORE + n_blocks * SILERO_BLOCK, sizeof *x);
    struct audio_file *f = NULL;
    char path[4500];
    for (int i = 0; i < 2 && f == NULL; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", unit_shared(), folders[i], name);
        if (audio_file_open(&f, path, NULL, VAD_RATE_HZ, NULL) < 0)
            f = NULL;
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL_FATAL(audio_file_read(f, x + SILERO_BEFORE, n, NULL), (long)n);
    audio_file_close(f);
    return x;
}

static void check(struct silero *s, const char *name, const json_t *wanted)
{
    size_t n = (size_t)json_integer_value(json_object_get(wanted, "samples"));
    const json_t *probabilities = json_object_get(wanted, "probabilities");
    float *x = read_recording(name, n);
    double worst = 0, start = clock_s();
    silero_reset(s);
    for (size_t i = 0; i < json_array_size(probabilities); i++) {
        double p = (double)silero_step(s, x + i * SILERO_BLOCK);
        worst = fmax(worst, fabs(p - json_number_value(json_array_get(probabilities, i))));
    }
    double length_s = (double)n / VAD_RATE_HZ;
    printf("%s: off by %.1e, %.3f %% of real time ... ", name, worst, 100 * (clock_s() - start) / length_s);
    CU_ASSERT_EQUAL(json_array_size(probabilities), (n + SILERO_BLOCK - 1) / SILERO_BLOCK);
    CU_ASSERT(worst < 1e-4);
    mem_free(x);
}

static void probabilities_are_the_package_s(void)
{
    struct silero *s = NULL;
    const char *name;
    json_t *wanted;
    CU_ASSERT_EQUAL_FATAL(silero_open(&s, weights, NULL), 0);
    CU_ASSERT(json_object_size(expected) > 0);
    json_object_foreach(expected, name, wanted) check(s, name, wanted);
    silero_close(s);
}

/* Audio in steps, and what the detector says after each. */
struct listener {
    struct vad *v;
    int n_early, n_long; /* steps of sound before the first start is found; in the longest run of those */
    int n_run, has_found, is_wrong;
};

static void listen(struct listener *l, const float *x, size_t n)
{
    struct vad_change changes[4];
    for (size_t at = 0; at + VAD_STEP <= n; at += VAD_STEP) {
        l->has_found |= vad_feed(l->v, x + at, VAD_STEP, changes) > 0;
        int may = vad_may_be_speech(l->v);
        l->is_wrong |= may && vad_is_speech(l->v);
        l->n_early += may && !l->has_found;
        l->n_run = may ? l->n_run + 1 : 0;
        l->n_long = l->n_run > l->n_long ? l->n_run : l->n_long;
    }
}

/* Who speaks again just before an utterance would end goes on with it: the detector tells that a sound has begun before
 * it knows that it is speech.  What goes on without being speech is told for a while only. */
static void beginnings_may_be_speech(void)
{
    enum { N = 10 * VAD_RATE_HZ };
    static float bursts[N];
    const struct vad_options o = {.kind = VAD_SILERO,
                                  .model = weights,
                                  .threshold = 0.5,
                                  .threshold_db = 2.2,
                                  .start_ms = 60,
                                  .hold_ms = 400,
                                  .pre_roll_ms = 300};
    float *jfk = read_recording("jfk.wav", N);
    struct listener speech = {0}, noise = {0};
    CU_ASSERT_EQUAL_FATAL(vad_open(&speech.v, &o, NULL), 0);
    listen(&speech, jfk + SILERO_BEFORE, N);
    printf("%d steps before speech is found ... ", speech.n_early);
    CU_ASSERT(speech.has_found && !speech.is_wrong && speech.n_early > 0);
    noises_bursts(bursts, N);
    CU_ASSERT_EQUAL_FATAL(vad_open(&noise.v, &o, NULL), 0);
    listen(&noise, bursts, N);
    CU_ASSERT(!noise.has_found && noise.n_long > 0 && noise.n_long * VAD_STEP <= VAD_RATE_HZ);
    vad_close(speech.v);
    vad_close(noise.v);
    mem_free(jfk);
}

/* Where the weights are, or "". */
static void find_weights(void)
{
    static const struct settings_table *const tables[] = {&vad_settings, NULL};
    struct settings s;
    if (settings_open(&s, tables, NULL) < 0 || detector_find(&s, NULL) < 0)
        return;
    snprintf(weights, sizeof weights, "%s", ((const struct vad_options *)settings_of(&s, &vad_settings))->model);
    settings_close(&s);
}

static const struct unit_test tests[] = {
    {"probabilities are the package's", probabilities_are_the_package_s},
    {"beginnings may be speech", beginnings_may_be_speech},
};

int main(void)
{
    char path[4352];
    find_weights();
    snprintf(path, sizeof path, "%s/refs/silero-vad/expected.json", unit_shared() != NULL ? unit_shared() : "");
    expected = json_load_file(path, 0, NULL);
    if (weights[0] == '\0' || expected == NULL) {
        printf("no reference data, or no weights of Silero VAD in the model cache\n");
        return UNIT_SKIP;
    }
    int rc = unit_main("silero_parity", tests, sizeof tests / sizeof tests[0]);
    json_decref(expected);
    return rc;
}
