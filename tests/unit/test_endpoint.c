/* SPDX-License-Identifier: Apache-2.0
 * test_endpoint.c - endpoint rules at their edges. */
#include <math.h>
#include <string.h>

#include "base/settings.h"
#include "decoders/common/endpoint.h"
#include "tests/support/unit.h"

static struct endpoint_options defaults(void)
{
    static const struct settings_table *const tables[] = {&endpoint_settings, NULL};
    struct settings s;
    struct endpoint_options o;
    CU_ASSERT_EQUAL_FATAL(settings_open(&s, tables, NULL), 0);
    endpoint_options_read(&o, &s);
    settings_close(&s);
    return o;
}

static struct endpoint open_default(double frame_ms)
{
    struct endpoint_options o = defaults();
    o.frame_ms = frame_ms;
    o.n_vocabulary = 2;
    CU_ASSERT_EQUAL(endpoint_options_check(&o, NULL), 0);
    struct endpoint e;
    endpoint_open(&e, &o);
    return e;
}

/* n frames with this probability of blank, one call each; the rule of the last. */
static int feed(struct endpoint *e, int n, double blank, int has_tokens, struct endpoint_found *found)
{
    const float row[2] = {(float)log(blank), (float)log(1.0 - blank)};
    int rule = 0;
    for (int i = 0; i < n && rule == 0; i++)
        rule = endpoint_step(e, row, 1, has_tokens, found);
    return rule;
}

/* 40 ms frames: 1 s is 25 frames, 5 s 125, 20 s 500. */
static void rules_fire_at_their_frame(void)
{
    struct endpoint_found found;
    struct endpoint e = open_default(40.0);
    CU_ASSERT_EQUAL(feed(&e, 124, 0.95, 0, &found), 0);
    CU_ASSERT_EQUAL(feed(&e, 1, 0.95, 0, &found), 1);
    CU_ASSERT_DOUBLE_EQUAL(found.silence_ms, 5000.0, 0.0);

    endpoint_reset(&e);
    CU_ASSERT_EQUAL(feed(&e, 10, 0.10, 1, &found), 0);
    CU_ASSERT_EQUAL(feed(&e, 24, 0.95, 1, &found), 0);
    CU_ASSERT_EQUAL(feed(&e, 1, 0.95, 1, &found), 2);
    CU_ASSERT_DOUBLE_EQUAL(found.silence_ms, 1000.0, 0.0);
    CU_ASSERT_DOUBLE_EQUAL(found.utterance_ms, 1400.0, 0.0);
    CU_ASSERT_STRING_EQUAL(found.text, "rule 2: 1.00 s of silence, utterance of 1.40 s");

    endpoint_reset(&e);
    CU_ASSERT_EQUAL(feed(&e, 499, 0.10, 1, &found), 0);
    CU_ASSERT_EQUAL(feed(&e, 1, 0.10, 1, &found), 3);
}

static void silence_is_more_than_the_threshold_and_unbroken(void)
{
    struct endpoint e = open_default(40.0);
    CU_ASSERT_EQUAL(feed(&e, 100, 0.79, 1, NULL), 0);
    CU_ASSERT_EQUAL(e.n_silent, 0);
    CU_ASSERT_EQUAL(feed(&e, 24, 0.81, 1, NULL), 0);
    CU_ASSERT_EQUAL(feed(&e, 1, 0.50, 1, NULL), 0);
    CU_ASSERT_EQUAL(feed(&e, 24, 0.81, 1, NULL), 0);
    CU_ASSERT_EQUAL(feed(&e, 1, 0.81, 1, NULL), 2);
}

static void rules_can_be_set_and_are_checked(void)
{
    struct endpoint_options o = defaults();
    o.frame_ms = 60.0;
    o.n_vocabulary = 2;
    o.rules[0].min_silence_ms = INFINITY;
    o.rules[1] = (struct endpoint_rule){.needs_tokens = 0, .min_silence_ms = 120.0, .min_utterance_ms = 300.0};
    CU_ASSERT_EQUAL(endpoint_options_check(&o, NULL), 0);
    struct endpoint e;
    endpoint_open(&e, &o);
    CU_ASSERT_EQUAL(feed(&e, 4, 0.9, 0, NULL), 0);
    CU_ASSERT_EQUAL(feed(&e, 1, 0.9, 0, NULL), 2);
    o.rules[2].min_utterance_ms = -1.0;
    struct message m;
    CU_ASSERT_EQUAL(endpoint_options_check(&o, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, "rule 3"));
}

static const struct unit_test tests[] = {
    {"rules fire at their frame", rules_fire_at_their_frame},
    {"silence is unbroken", silence_is_more_than_the_threshold_and_unbroken},
    {"rules can be set", rules_can_be_set_and_are_checked},
};

UNIT_MAIN("endpoint", tests)
