/* SPDX-License-Identifier: Apache-2.0
 * test_calibration.c - calibrated confidences of decoded words. */
#include <math.h>
#include <string.h>

#include "decoders/common/calibration.h"
#include "decoders/common/events.h"
#include "tests/support/scratch.h"

static struct message msg;

static void calibration_moves_the_logit(void)
{
    const struct calibration c = {2, -0.5}, same = {1, 0};
    CU_ASSERT_DOUBLE_EQUAL(calibration_apply(&c, 0.8), 1 / (1 + exp(-(log(4) / 2 - 0.5))), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(calibration_apply(&same, 0.3), 0.3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(calibration_apply(&same, 1), 0.99995, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(calibration_apply(&same, 0), 0.00005, 1e-12);
    CU_ASSERT(calibration_apply(&c, 0.51) > calibration_apply(&c, 0.5));
}

static void calibrations_are_found_by_decoder(void)
{
    static const char text[] = "{\"calibrations\": [{\"temperature\": 4, \"offset\": 1},"
                               " {\"decoder\": \"a\", \"streaming\": false, \"temperature\": 2, \"offset\": 0},"
                               " {\"decoder\": \"a\", \"streaming\": true, \"temperature\": 3, \"offset\": -1.5}]}";
    struct calibration c = {0, 0};
    CU_ASSERT_EQUAL(calibration_find(&c, "auto", folder, "a", 0, &msg), 0);
    CU_ASSERT_EQUAL(calibration_find(&c, "none", folder, "a", 0, &msg), 0);
    const char *path = text_file("calibration.json", text);
    CU_ASSERT_EQUAL(calibration_find(&c, "none", folder, "a", 0, &msg), 0);
    CU_ASSERT(calibration_find(&c, "auto", folder, "a", 0, &msg) == 1 && c.temperature == 2 && c.offset == 0);
    CU_ASSERT(calibration_find(&c, path, "/nowhere", "a", 1, &msg) == 1 && c.temperature == 3 && c.offset == -1.5);
    CU_ASSERT(calibration_find(&c, path, "/nowhere", "b", 1, &msg) == 1 && c.temperature == 4 && c.offset == 1);
    path =
        text_file("calibration.json",
                  "{\"calibrations\": [{\"decoder\": \"a\", \"streaming\": true, \"temperature\": 3, \"offset\": 0}]}");
    CU_ASSERT_EQUAL(calibration_find(&c, "auto", folder, "a", 0, &msg), 0);
    CU_ASSERT_EQUAL(calibration_find(&c, path, folder, "b", 1, &msg), LINNET_E_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "no calibration for decoder 'b', streaming"));
}

static void bad_calibrations_are_refused(void)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "{\"calibrations\": 1}",
        "{\"calibrations\": [{}]}",
        "{\"calibrations\": [{\"temperature\": 0, \"offset\": 0}]}",
        "{\"calibrations\": [{\"temperature\": -2, \"offset\": 0}]}",
        "{\"calibrations\": [{\"temperature\": 1e300, \"offset\": 0}]}",
        "{\"calibrations\": [{\"temperature\": \"1\", \"offset\": 0}]}",
        "{\"calibrations\": [{\"temperature\": 1, \"offset\": 1e300}]}",
        "{\"calibrations\": [{\"temperature\": 1}]}",
    };
    struct calibration c = {0, 0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        text_file("calibration.json", wrong[i]);
        CU_ASSERT_EQUAL(calibration_find(&c, "auto", folder, "a", 0, &msg), LINNET_E_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "calibration.json: "));
    }
    CU_ASSERT_EQUAL(calibration_find(&c, "/nowhere/x", folder, "a", 0, &msg), LINNET_E_IO);
    CU_ASSERT(c.temperature == 0 && c.offset == 0);
}

static void events_are_calibrated_once(void)
{
    const struct calibration c = {2, 0};
    const struct linnet_word words[] = {{"a", 0, 1, 0.8f, 0.8f}, {" b", 1, 2, 0.5f, 0.5f}};
    const linnet_event e = {
        .type = LINNET_EVENT_FINAL, .text = "a b", .language = "", .words = words, .n_words = 2, .confidence = 0.7f};
    struct events first = {.calibration = &c}, second = {0};
    linnet_event got;
    CU_ASSERT_EQUAL_FATAL(events_push(&first, &e, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&first, &got), 1);
    CU_ASSERT_EQUAL_FATAL(events_push(&second, &got, &msg), 0); /* as a batch keeps them */
    CU_ASSERT_EQUAL_FATAL(events_pop(&second, &got), 1);
    CU_ASSERT_EQUAL(got.words[0].probability, 0.8f);
    CU_ASSERT_DOUBLE_EQUAL((double)got.words[0].confidence, 2.0 / 3, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL((double)got.words[1].confidence, 0.5, 1e-6);
    CU_ASSERT(got.confidence == 0.7f && got.words[1].start_s == 1 && strcmp(got.words[1].text, " b") == 0);
    events_clear(&first);
    events_clear(&second);
    CU_ASSERT_PTR_EQUAL(first.calibration, &c); /* for the next recording */
}

static const struct unit_test tests[] = {
    {"a calibration moves the logit", calibration_moves_the_logit},
    {"calibrations are found by decoder", calibrations_are_found_by_decoder},
    {"bad calibrations are refused", bad_calibrations_are_refused},
    {"events are calibrated once", events_are_calibrated_once},
};

SCRATCH_MAIN("calibration", tests)
