/* SPDX-License-Identifier: Apache-2.0
 * Voice activity on made-up sounds, and on recordings where the reference data is there: what steady sounds are, that
 * speech is kept, that neither level nor the size of feeds matters. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/audio_file.h"
#include "frontend/vad.h"
#include "tests/support/sounds.h"
#include "tests/support/unit.h"

#define RATE VAD_RATE_HZ
#define MAX_CHANGES 4000

/* All changes of x in feeds of `size`, the end included; checks that they take turns and do not go back. */
static size_t detect(struct vad *v, const float *x, size_t n, size_t size, struct vad_change *changes)
{
    size_t n_changes = 0;
    for (size_t at = 0; at < n; at += size) {
        size_t n_now = n - at < size ? n - at : size, room = vad_max_changes(v, n_now);
        uint64_t decided = vad_decided(v);
        size_t n_new = vad_feed(v, x + at, n_now, changes + n_changes);
        CU_ASSERT(n_new <= room);
        CU_ASSERT(n_new == 0 || changes[n_changes].at >= decided);
        n_changes += n_new;
    }
    n_changes += vad_finish(v, changes + n_changes);
    for (size_t i = 0; i < n_changes; i++) {
        CU_ASSERT_EQUAL(changes[i].is_speech, i % 2 == 0);
        CU_ASSERT(changes[i].at <= n && (i == 0 || changes[i].at >= changes[i - 1].at));
    }
    CU_ASSERT_EQUAL(n_changes % 2, 0);
    return n_changes;
}

static struct vad_options defaults(void)
{
    static char none[] = ""; /* texts of settings go with them */
    static const struct settings_table *const tables[] = {&vad_settings, NULL};
    struct settings s;
    CU_ASSERT_EQUAL_FATAL(settings_open(&s, tables, NULL), 0);
    struct vad_options o = *(const struct vad_options *)settings_of(&s, &vad_settings);
    settings_close(&s);
    o.model = none;
    return o;
}

static struct vad *open_ok(void)
{
    struct vad_options o = defaults();
    struct vad *v = NULL;
    CU_ASSERT_EQUAL_FATAL(vad_open(&v, &o, NULL), 0);
    return v;
}

static void steady_sounds_are_silence(void)
{
    static const float levels[] = {0.0f, 1e-4f, 1e-3f, 0.01f, 0.1f};
    size_t n = 20 * RATE;
    float *x = mem_array(n, sizeof *x);
    static struct vad_change changes[MAX_CHANGES];
    struct vad *v = open_ok();
    for (int kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
            memset(x, 0, n * sizeof *x);
            if (kind != 1)
                sounds_noise(x, n, levels[i]);
            if (kind != 0)
                sounds_hum(x, n, levels[i]);
            vad_reset(v);
            CU_ASSERT_EQUAL(detect(v, x, n, n, changes), 0);
        }
    vad_close(v);
    mem_free(x);
}

/* 2 s of background, 2 s of speech, 3 s of background: speech is one stretch that covers the sound and little more. */
static void check_speech(float level, float background)
{
    size_t n = 7 * RATE;
    float *x = mem_array(n, sizeof *x);
    static struct vad_change changes[MAX_CHANGES];
    sounds_noise(x, n, background);
    sounds_syllables(x + 2 * RATE, 2 * RATE, level);
    struct vad *v = open_ok();
    CU_ASSERT_EQUAL_FATAL(detect(v, x, n, 1000, changes), 2);
    CU_ASSERT(changes[0].at <= 2 * RATE && changes[0].at >= RATE * 3 / 2);
    CU_ASSERT(changes[1].at >= RATE * 39 / 10 && changes[1].at <= RATE * 46 / 10);
    vad_close(v);
    mem_free(x);
}

static void speech_is_found_at_any_level(void)
{
    check_speech(0.3f, 0.001f);
    check_speech(0.03f, 0.0f);
    check_speech(0.003f, 0.00001f); /* some -60 dBFS */
    check_speech(0.3f, 0.01f);
}

static void speech_at_the_edges_is_kept(void)
{
    size_t n = 2 * RATE;
    float *x = mem_array(n, sizeof *x);
    struct vad_change changes[MAX_CHANGES / 10];
    sounds_syllables(x, n, 0.1f);
    sounds_noise(x, n, 0.0003f);
    struct vad *v = open_ok();
    CU_ASSERT_EQUAL_FATAL(detect(v, x, n, 160, changes), 2);
    CU_ASSERT_EQUAL(changes[0].at, 0);
    CU_ASSERT_EQUAL(changes[1].at, n);
    vad_close(v);
    mem_free(x);
}

static void clicks_are_not_speech(void)
{
    size_t n = 5 * RATE;
    float *x = mem_array(n, sizeof *x);
    static struct vad_change changes[MAX_CHANGES];
    sounds_noise(x, n, 0.001f);
    for (size_t i = RATE; i < n; i += RATE)
        x[i] = 0.2f; /* no longer than a frame */
    struct vad *v = open_ok();
    CU_ASSERT_EQUAL(detect(v, x, n, n, changes), 0);
    vad_close(v);
    mem_free(x);
}

static void feeds_do_not_matter(void)
{
    size_t n = 12 * RATE;
    float *x = mem_array(n, sizeof *x);
    static struct vad_change whole[MAX_CHANGES], parts[MAX_CHANGES], others[MAX_CHANGES];
    sounds_noise(x, n, 0.001f);
    for (size_t i = 1; i < 12; i += 4)
        sounds_syllables(x + i * RATE, RATE, 0.1f);
    struct vad *v = open_ok(), *other = open_ok();
    size_t n_whole = detect(v, x, n, n, whole);
    CU_ASSERT_EQUAL(n_whole, 6);
    static const size_t sizes[] = {1, 7, 160, 4000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        vad_reset(v);
        vad_feed(other, x + 5 * RATE, 12345, others); /* a second stream in between changes nothing */
        CU_ASSERT_EQUAL(detect(v, x, n, sizes[i], parts), n_whole);
        for (size_t k = 0; k < n_whole; k++)
            CU_ASSERT_EQUAL(parts[k].at, whole[k].at);
    }
    vad_close(v);
    vad_close(other);
    mem_free(x);
}

static void wrong_options_are_refused(void)
{
    struct vad_options wrong[] = {defaults(), defaults(), defaults(), defaults()};
    struct vad *v = (void *)1;
    wrong[0].threshold_db = NAN;
    wrong[1].start_ms = 0;
    wrong[2].hold_ms = -5;
    wrong[3].pre_roll_ms = -1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_EQUAL(vad_open(&v, &wrong[i], NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(v, (void *)1);
}

/* Frames of 10 ms that are surely speech: within 25 dB of the utterance's loud frames, 10 dB above its quiet ones. */
static void mark_speech(const float *x, size_t n_frames, char *is_speech)
{
    static double levels[6000], sorted[6000];
    for (size_t t = 0; t < n_frames; t++) {
        double energy = 1e-10;
        for (size_t i = t * 160 + 1; i < (t + 1) * 160; i++)
            energy += pow((double)x[i] - 0.9 * (double)x[i - 1], 2.0) / 160.0;
        size_t at = t;
        levels[t] = 10.0 * log10(energy);
        for (; at > 0 && sorted[at - 1] > levels[t]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = levels[t];
    }
    double low = sorted[n_frames / 20] + 10.0, high = sorted[n_frames * 19 / 20] - 25.0;
    for (size_t t = 0; t < n_frames; t++)
        is_speech[t] = t > 0 && t + 1 < n_frames && /* no clicks */
                       fmin(levels[t - 1], fmin(levels[t], levels[t + 1])) > fmax(low, high);
}

static FILE *open_list(void)
{
    char path[4352];
    if (unit_shared() == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/data/speechocean762-dev/wav.scp", unit_shared());
    return fopen(path, "r");
}

/* Every sixth utterance with 3 s of digital silence or of noise before each: more than 99 % of the speech is kept, and
 * most of what was put in is removed (the margins and the noise's beginning are not). */
static void check_corpus(float gain, float level, double must_remove)
{
    FILE *list = open_list();
    if (list == NULL)
        return;
    static float x[40 * RATE];
    static char is_speech[4000];
    static struct vad_change changes[MAX_CHANGES];
    char line[512], name[256], path[8192];
    double n_speech = 0.0, n_kept = 0.0, n_put_in = 0.0, n_removed = 0.0;
    int open = 0;
    uint64_t base = 0;
    struct vad *v = open_ok();
    for (int i = 0; fgets(line, sizeof line, list) != NULL; i++) {
        if (i % 6 != 0 || sscanf(line, "%*s %255s", name) != 1)
            continue;
        snprintf(path, sizeof path, "%s/data/speechocean762-dev/%s", unit_shared(), name);
        struct audio_file *f;
        CU_ASSERT_EQUAL_FATAL(audio_file_open(&f, path, NULL, RATE, NULL), 0);
        size_t gap = 3 * RATE, n = 37 * RATE;
        memset(x, 0, gap * sizeof *x);
        sounds_noise(x, gap, level);
        n = gap + (size_t)audio_file_read(f, x + gap, n, NULL) / 160 * 160;
        audio_file_close(f);
        mark_speech(x + gap, (n - gap) / 160, is_speech);
        for (size_t k = gap; k < n; k++)
            x[k] *= gain;
        size_t n_changes = vad_feed(v, x, n, changes), at = 0;
        if (vad_decided(v) < base + gap)
            CU_FAIL("an utterance after which nothing is known of the time before it");
        for (size_t t = 0; t < n / 160; t++) {
            for (; at < n_changes && changes[at].at <= base + t * 160; at++)
                open = changes[at].is_speech;
            n_put_in += t * 160 < gap;
            n_removed += t * 160 < gap && !open;
            n_speech += t * 160 >= gap && is_speech[t - gap / 160];
            n_kept += t * 160 >= gap && is_speech[t - gap / 160] && open;
        }
        for (; at < n_changes; at++)
            open = changes[at].is_speech;
        base += n;
    }
    printf("gain %g noise %g: kept %.2f %%, removed %.1f %% ... ", gain, level, 100.0 * n_kept / n_speech,
           100.0 * n_removed / n_put_in);
    CU_ASSERT(n_kept > 0.99 * n_speech);
    CU_ASSERT(n_removed > must_remove * n_put_in);
    vad_close(v);
    fclose(list);
}

static void recorded_speech_is_kept(void)
{
    check_corpus(1.0f, 0.0f, 0.8);
    check_corpus(0.03f, 0.0f, 0.8);
    check_corpus(1.0f, 0.001f, 0.6);
    check_corpus(0.1f, 0.001f, 0.6);
}

static const struct unit_test tests[] = {
    {"steady sounds are silence", steady_sounds_are_silence},
    {"speech is found at any level", speech_is_found_at_any_level},
    {"speech at the edges is kept", speech_at_the_edges_is_kept},
    {"clicks are not speech", clicks_are_not_speech},
    {"feeds do not matter", feeds_do_not_matter},
    {"wrong options are refused", wrong_options_are_refused},
    {"recorded speech is kept", recorded_speech_is_kept},
};

UNIT_MAIN("vad", tests)
