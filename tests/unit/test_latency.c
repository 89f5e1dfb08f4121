/* SPDX-License-Identifier: Apache-2.0
 * test_latency.c - delays of words, worked out by hand. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "score/latency.h"
#include "score/latency_record.h"
#include "tests/support/unit.h"

static void called(struct latency *l, double fed_s, double compute_s, double now_s)
{
    CU_ASSERT_EQUAL(latency_called(l, fed_s, compute_s, now_s), 0);
}

/* Words of text end at ends[..]; the first n_committed bytes will not change. */
static void event(struct latency *l, enum linnet_event_type type, const char *text, size_t n_committed,
                  const double *ends)
{
    static char pieces[8][20];
    struct linnet_word words[8];
    linnet_event e = {.type = type, .text = text, .committed = n_committed, .words = words, .start_s = 0.5};
    for (const char *at = text; *at != '\0'; e.n_words++) {
        size_t n = 1 + strcspn(at + 1, " "); /* a word has the space before it */
        snprintf(pieces[e.n_words], sizeof pieces[0], "%.*s", (int)n, at);
        words[e.n_words] = (struct linnet_word){pieces[e.n_words], 0, ends[e.n_words], 1, 1};
        e.end_s = ends[e.n_words];
        at += n;
    }
    CU_ASSERT_EQUAL(latency_event(l, &e), 0);
}

static double number(const json_t *root, const char *object, const char *key)
{
    const json_t *at = object != NULL ? json_object_get(root, object) : root;
    return json_number_value(json_object_get(at, key));
}

static json_t *report(struct latency *l)
{
    struct buffer b = {0};
    CU_ASSERT_EQUAL(latency_report(l, &b), 0);
    json_t *root = json_loads(buffer_text(&b), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_PTR_NULL(strchr(buffer_text(&b), '\n'));
    buffer_free(&b);
    return root;
}

#define NEAR(value, wanted) CU_ASSERT_DOUBLE_EQUAL(value, wanted, 0.0006)

/* 4 s of audio and 4 words: the ideal recogniser commits one each second from 0 on.
 *
 *     word   ends   committed at     delay   lag
 *     a      0.9    2                1.1     2 - 0
 *     b      1.5    3                1.5     3 - 1
 *     c      2.5    4 (the end)      1.5     4 - 2
 *     d      3.5    4                0.5     not counted: the one before came at the end */
static void delays_by_hand(void)
{
    static const double ends[] = {0.9, 1.5, 2.5, 3.5};
    struct latency l = {0};
    called(&l, 1, 0.1, -1);
    event(&l, LINNET_EVENT_PARTIAL, " a x", 0, ends);
    called(&l, 2, 0.2, -1);
    event(&l, LINNET_EVENT_PARTIAL, " a b", 2, ends); /* x became b */
    called(&l, 3, 0.3, -1);
    event(&l, LINNET_EVENT_PARTIAL, " a b c", 4, ends);
    called(&l, 4, 0, -1);
    called(&l, 4, 0.4, -1);
    event(&l, LINNET_EVENT_FINAL, " a b c d", 8, ends);
    CU_ASSERT_EQUAL(latency_end(&l, 3), 0);
    json_t *r = report(&l);
    NEAR(number(r, NULL, "words"), 4);
    NEAR(number(r, NULL, "revisions_per_word"), 0.25);
    NEAR(number(r, NULL, "real_time_factor"), 0.25);
    NEAR(number(r, NULL, "compute_per_second_p50"), 0.3);
    NEAR(number(r, NULL, "compute_per_second_p99"), 0.4);
    NEAR(number(r, "audio_clock", "average_lagging"), 2);
    NEAR(number(r, "audio_clock", "word_delay_mean"), 4.6 / 4);
    NEAR(number(r, "audio_clock", "word_delay_p50"), 1.5);
    NEAR(number(r, "audio_clock", "word_delay_p90"), 1.5);
    NEAR(number(r, "audio_clock", "first_text_p50"), 0.5);
    NEAR(number(r, "audio_clock", "final_p50"), 0.5);
    /* Every call ends before the next audio comes: what it took itself comes on top.  By this clock c is the first word
     * that is committed once all audio is fed. */
    NEAR(number(r, "with_compute", "average_lagging"), (2.2 + 2.3 + 2.4) / 3);
    /* From 0.5 to 3.5 s: a word each 0.75 s, and c is committed after its end. */
    NEAR(number(r, "audio_clock", "utterance_lagging"), (1.5 + 1.75 + 2) / 3);
    NEAR(number(r, "with_compute", "first_text_p50"), 0.6);
    NEAR(number(r, "with_compute", "final_p50"), 0.9);
    json_decref(r);
    latency_close(&l);
}

/* The ideal recogniser has the words of the reference: 4 s, 8 words, one each 0.5 s.  Recordings count alike. */
static void references_and_recordings(void)
{
    static const double ends[] = {0.5, 1};
    struct latency l = {0};
    called(&l, 2, 0, -1);
    event(&l, LINNET_EVENT_FINAL, " a b", 4, ends);
    called(&l, 4, 0, -1);
    CU_ASSERT_EQUAL(latency_end(&l, 8), 0); /* (2 - 0 + 2 - 0.5) / 2 */
    called(&l, 1, 0, -1);
    event(&l, LINNET_EVENT_FINAL, " a", 2, ends);
    CU_ASSERT_EQUAL(latency_end(&l, 0), 0); /* 1 */
    called(&l, 3, 0, -1);
    CU_ASSERT_EQUAL(latency_end(&l, 2), 0); /* no words: no lag */
    json_t *r = report(&l);
    NEAR(number(r, NULL, "recordings"), 3);
    NEAR(number(r, NULL, "audio"), 8);
    NEAR(number(r, NULL, "words"), 3);
    NEAR(number(r, "audio_clock", "average_lagging"), (1.75 + 1) / 2);
    NEAR(number(r, "audio_clock", "word_delay_p99"), 1.5);
    json_decref(r);
    latency_close(&l);
}

/* A decoder that takes 1.5 s for each second falls behind: sound waits.  Calls in the middle of a second belong to it.
 */
static void sound_waits_for_a_slow_decoder(void)
{
    static const double ends[] = {0.5, 0.9, 1.9};
    struct latency l = {0};
    called(&l, 0.5, 0.5, -1); /* ends at 1 */
    called(&l, 1, 1, -1);     /* 2 */
    called(&l, 1.5, 0, -1);   /* 2 */
    event(&l, LINNET_EVENT_PARTIAL, " a", 2, ends);
    called(&l, 2, 1.5, -1); /* 3.5 */
    event(&l, LINNET_EVENT_FINAL, " a b c", 6, ends);
    CU_ASSERT_EQUAL(latency_end(&l, 0), 0);
    json_t *r = report(&l);
    NEAR(number(r, "with_compute", "word_delay_p99"), 2.6);
    NEAR(number(r, "with_compute", "word_delay_mean"), (1.5 + 2.6 + 1.6) / 3);
    NEAR(number(r, "audio_clock", "word_delay_mean"), (1.0 + 1.1 + 0.1) / 3);
    NEAR(number(r, NULL, "compute_per_second_p50"), 1.5);
    json_decref(r);
    latency_close(&l);
    /* A clock that was read is believed. */
    called(&l, 1, 0.1, 7);
    event(&l, LINNET_EVENT_FINAL, " a", 2, ends);
    CU_ASSERT_EQUAL(latency_end(&l, 0), 0);
    r = report(&l);
    NEAR(number(r, "with_compute", "word_delay_p50"), 6.5);
    json_decref(r);
    latency_close(&l);
}

/* A final text that is the start of the last partial one revises nothing; one that differs does. */
static void finals_revise_what_they_change(void)
{
    static const double ends[] = {1, 2, 3, 4};
    struct latency l = {0};
    called(&l, 4, 0, -1);
    event(&l, LINNET_EVENT_PARTIAL, " a b c", 4, ends);
    event(&l, LINNET_EVENT_FINAL, " a", 2, ends); /* " b c" is still open, b committed */
    event(&l, LINNET_EVENT_PARTIAL, " b c d", 2, ends + 1);
    event(&l, LINNET_EVENT_FINAL, " b c e", 6, ends + 1);
    CU_ASSERT_EQUAL(latency_end(&l, 0), 0);
    json_t *r = report(&l);
    NEAR(number(r, NULL, "words"), 4);
    NEAR(number(r, NULL, "revisions_per_word"), 0.25);
    json_decref(r);
    latency_close(&l);
}

/* A mark that is still open does not hold up its word. */
static void marks_do_not_count(void)
{
    static const double ends[] = {0.9, 1.9};
    struct latency l = {0};
    called(&l, 1, 0, -1);
    event(&l, LINNET_EVENT_PARTIAL, " a, b", 2, ends);
    called(&l, 2, 0, -1);
    event(&l, LINNET_EVENT_FINAL, " a, b?", 6, ends);
    CU_ASSERT_EQUAL(latency_end(&l, 0), 0);
    json_t *r = report(&l);
    NEAR(number(r, "audio_clock", "word_delay_p99"), 0.1);
    json_decref(r);
    latency_close(&l);
}

static void slow_recording(struct latency *l)
{
    static const double ends[] = {0.5, 0.9, 1.9};
    called(l, 1, 1.25, -1);
    event(l, LINNET_EVENT_PARTIAL, " a x", 2, ends);
    called(l, 2, 1.5, -1);
    event(l, LINNET_EVENT_FINAL, " a b c", 6, ends);
    CU_ASSERT_EQUAL(latency_end(l, 5), 0);
}

static void quick_recording(struct latency *l)
{
    static const double ends[] = {0.75};
    called(l, 3, 0.125, -1);
    event(l, LINNET_EVENT_FINAL, " a", 2, ends);
    CU_ASSERT_EQUAL(latency_end(l, 0), 0);
}

/* Adds the record of a recording to another. */
static void hand_over(struct latency *from, struct latency *to)
{
    struct buffer b = {0};
    CU_ASSERT_EQUAL(latency_record_write(from, &b), 0);
    json_t *record = json_loads(buffer_text(&b), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    CU_ASSERT_EQUAL(latency_record_read(to, record), 0);
    json_decref(record);
    buffer_free(&b);
    latency_close(from);
}

/* What is kept of each of two recordings makes the report of both. */
static void records_are_joined(void)
{
    struct latency one = {0}, both = {0}, joined = {0};
    slow_recording(&both);
    quick_recording(&both);
    quick_recording(&one);
    hand_over(&one, &joined);
    slow_recording(&one);
    hand_over(&one, &joined);
    json_t *wanted = report(&both), *got = report(&joined);
    CU_ASSERT(json_equal(wanted, got));
    NEAR(number(got, NULL, "recordings"), 2);
    NEAR(number(got, NULL, "words"), 4);
    json_decref(wanted);
    json_decref(got);
    latency_close(&both);
    latency_close(&joined);
}

static const struct unit_test tests[] = {
    {"delays by hand", delays_by_hand},
    {"references and recordings", references_and_recordings},
    {"sound waits for a slow decoder", sound_waits_for_a_slow_decoder},
    {"finals revise what they change", finals_revise_what_they_change},
    {"marks do not count", marks_do_not_count},
    {"records are joined", records_are_joined},
};

UNIT_MAIN("latency", tests)
