/* SPDX-License-Identifier: Apache-2.0
 * Where a recording holds speech: what is asked for after the detector has passed it, with and without margins. */
#include <string.h>

#include "base/mem.h"
#include "frontend/speech.h"
#include "tests/support/sounds.h"
#include "tests/support/unit.h"

#define RATE VAD_RATE_HZ
#define SECONDS 12

/* A frame of the detector, and what smoothing adds. */
#define TOLERANCE (RATE / 20)

static int is_near(uint64_t a, uint64_t b) { return a <= b + TOLERANCE && b <= a + TOLERANCE; }

/* Syllables from 2 to 4 s and from 8 s to the end; the last of both ends 0.1 s before that. */
static const float *recording(void)
{
    static float x[SECONDS * RATE];
    memset(x, 0, sizeof x);
    sounds_noise(x, SECONDS * RATE, 0.0003f);
    sounds_syllables(x + 2 * RATE, 2 * RATE, 0.3f);
    sounds_syllables(x + 8 * RATE, 4 * RATE, 0.3f);
    return x;
}

static void listen(struct speech *s, size_t piece)
{
    const float *x = recording();
    for (size_t at = 0; at < SECONDS * RATE; at += piece) {
        size_t n = SECONDS * RATE - at < piece ? SECONDS * RATE - at : piece;
        CU_ASSERT_EQUAL_FATAL(speech_feed(s, x + at, n, NULL), 0);
    }
}

static void open_ok(struct speech *s)
{
    static const struct settings_table *const tables[] = {&vad_settings, NULL};
    struct settings settings;
    CU_ASSERT_EQUAL_FATAL(settings_open(&settings, tables, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(speech_open(s, settings_of(&settings, &vad_settings), NULL), 0);
    settings_close(&settings);
}

static void check(const struct speech *s)
{
    CU_ASSERT(is_near(speech_within(s, 0, 11 * RATE), 49 * RATE / 10));
    CU_ASSERT(is_near(speech_within(s, 0, 3 * RATE), RATE));
    CU_ASSERT(is_near(speech_within(s, 3 * RATE, 6 * RATE), 9 * RATE / 10));
    CU_ASSERT_EQUAL(speech_within(s, 5 * RATE / 2, 3 * RATE), RATE / 2);
    CU_ASSERT_EQUAL(speech_within(s, 3 * RATE, 3 * RATE), 0);
    CU_ASSERT_EQUAL(speech_within(s, 4 * RATE, 3 * RATE), 0);
    /* The margins are speech for who skips silence, but nobody speaks there. */
    CU_ASSERT_EQUAL(speech_next(s, 4 * RATE), 4 * RATE);
    CU_ASSERT_EQUAL(speech_within(s, 4 * RATE, 79 * RATE / 10), 0);
    CU_ASSERT_EQUAL(speech_within(s, 0, 19 * RATE / 10), 0);
    uint64_t next = speech_next(s, 5 * RATE);
    CU_ASSERT(next < 8 * RATE && is_near(next, 77 * RATE / 10));
    CU_ASSERT(is_near(speech_next(s, 0), 17 * RATE / 10));
}

static void speech_is_counted(void)
{
    struct speech s;
    open_ok(&s);
    listen(&s, RATE);
    CU_ASSERT(speech_decided(&s) + RATE > SECONDS * RATE);
    check(&s); /* the second stretch is open */
    CU_ASSERT_EQUAL_FATAL(speech_finish(&s, SECONDS * RATE, NULL), 0);
    CU_ASSERT_EQUAL(speech_decided(&s), SECONDS * RATE);
    CU_ASSERT(is_near(speech_within(&s, 0, SECONDS * RATE), 58 * RATE / 10));
    check(&s);
    CU_ASSERT_EQUAL(speech_next(&s, SECONDS * RATE), SPEECH_NONE);
    speech_reset(&s);
    CU_ASSERT_EQUAL(speech_within(&s, 0, SECONDS * RATE), 0);
    CU_ASSERT_EQUAL(speech_next(&s, 0), SPEECH_NONE);
    listen(&s, 777);
    check(&s);
    speech_close(&s);
}

/* Whatever is dropped before, the answers from there on are the same. */
static void what_is_dropped_changes_nothing_after(void)
{
    struct speech s, whole;
    open_ok(&s);
    open_ok(&whole);
    listen(&s, RATE);
    listen(&whole, RATE);
    for (uint64_t at = 0; at < SECONDS * RATE; at += RATE / 20) {
        speech_drop(&s, at);
        CU_ASSERT_EQUAL(speech_next(&s, at), speech_next(&whole, at));
        for (uint64_t to = at; to < SECONDS * RATE; to += RATE / 2)
            CU_ASSERT_EQUAL(speech_within(&s, at, to), speech_within(&whole, at, to));
    }
    CU_ASSERT(s.n < whole.n);
    speech_close(&s);
    speech_close(&whole);
}

/* What is decided is counted as it will be in the end. */
static void what_comes_later_changes_nothing_before(void)
{
    struct speech s, whole;
    const float *x = recording();
    open_ok(&s);
    open_ok(&whole);
    listen(&whole, RATE);
    CU_ASSERT_EQUAL_FATAL(speech_finish(&whole, SECONDS * RATE, NULL), 0);
    for (size_t at = 0; at < SECONDS * RATE; at += RATE / 20) {
        CU_ASSERT_EQUAL_FATAL(speech_feed(&s, x + at, RATE / 20, NULL), 0);
        uint64_t to = speech_decided(&s);
        CU_ASSERT_EQUAL(speech_within(&s, 0, to), speech_within(&whole, 0, to));
    }
    speech_close(&s);
    speech_close(&whole);
}

static const struct unit_test tests[] = {
    {"speech is counted", speech_is_counted},
    {"what is dropped changes nothing after", what_is_dropped_changes_nothing_after},
    {"what comes later changes nothing before", what_comes_later_changes_nothing_before},
};

UNIT_MAIN("speech", tests)
