/* SPDX-License-Identifier: Apache-2.0
 * test_normalize.c - against openai-whisper's normalizers; vectors made by tests/vectors/gen/normalize.py. */
#include <string.h>

#include "score/normalize.h"
#include "tests/support/reference.h"
#include "tests/support/unit.h"

static int gives(const char *name, const char *text, const char *wanted)
{
    struct buffer b = {0};
    struct message msg;
    int same = normalize_text(name, text, strlen(text), &b, &msg) == 0 && strcmp(buffer_text(&b), wanted) == 0;
    if (!same)
        printf("\n    %s: '%s' -> '%s', not '%s'\n", name, text, buffer_text(&b), wanted);
    buffer_free(&b);
    return same;
}

static void vectors_agree_with_openai(void)
{
    FILE *f = reference_vector("normalize.txt");
    char line[4096];
    int n_lines = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (; fgets(line, sizeof line, f) != NULL; n_lines++) {
        line[strcspn(line, "\n")] = '\0';
        char *english = strchr(line, '\t');
        *english++ = '\0';
        char *basic = strchr(english, '\t');
        *basic++ = '\0';
        CU_ASSERT(gives("whisper-en", line, english));
        CU_ASSERT(gives("whisper-basic", line, basic));
    }
    fclose(f);
    CU_ASSERT(n_lines > 300);
}

static void numbers_are_what_a_reader_expects(void)
{
    CU_ASSERT(gives("whisper-en", "two hundred and five", "205"));
    CU_ASSERT(gives("whisper-en", "nineteen eighty four", "1984"));
    CU_ASSERT(gives("whisper-en", "three point one four", "3.14"));
    CU_ASSERT(gives("whisper-en", "twenty million dollars", "$20000000"));
    CU_ASSERT(gives("whisper-en", "Two and a half thousand!", "2500"));
    CU_ASSERT(gives("whisper-en", "nine hundred ninety nine decillion", "999000000000000000000000000000000000"));
    CU_ASSERT(gives("whisper-en", "He won't like the colour.", "he will not like the color"));
}

static void other_names(void)
{
    struct buffer b = {0};
    struct message msg;
    CU_ASSERT(gives("none", " A  b\xFF", " A  b\uFFFD"));
    CU_ASSERT(gives("upper", "straße é ы σ 你 x1", "STRAßE É Ы Σ 你 X1"));
    CU_ASSERT(gives("lower", "ÄB C", "äb c"));
    CU_ASSERT(gives("whisper-en", "", ""));
    CU_ASSERT(gives("whisper-basic", "", ""));
    CU_ASSERT_EQUAL(normalize_text("wisper", "a", 1, &b, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "none|lower|upper|whisper-basic|whisper-en"));
}

static const struct unit_test tests[] = {
    {"vectors agree with openai-whisper", vectors_agree_with_openai},
    {"numbers are what a reader expects", numbers_are_what_a_reader_expects},
    {"other names", other_names},
};

UNIT_MAIN("normalize", tests)
