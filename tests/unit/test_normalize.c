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
    static const char *const names[] = {"whisper-en", "whisper-basic", "whisper-basic-plain", "whisper-basic-letters"};
    FILE *f = reference_vector("normalize.txt");
    char line[4096];
    int n_lines = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (; fgets(line, sizeof line, f) != NULL; n_lines++) {
        line[strcspn(line, "\n")] = '\0';
        char *wanted = line + strcspn(line, "\t");
        for (size_t i = 0; i < sizeof names / sizeof names[0] && *wanted != '\0'; i++) {
            *wanted++ = '\0';
            char *end = wanted + strcspn(wanted, "\t"), after = *end;
            *end = '\0';
            CU_ASSERT(gives(names[i], line, wanted));
            *end = after;
            wanted = end;
        }
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
    CU_ASSERT(gives("upper", "straße é ы σ 你 x1", "STRASSE É Ы Σ 你 X1"));
    CU_ASSERT(gives("lower", "ÄB C", "äb c"));
    CU_ASSERT(gives("whisper-en", "", ""));
    CU_ASSERT(gives("whisper-basic", "", ""));
    CU_ASSERT_EQUAL(normalize_text("wisper", "a", 1, &b, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "none|lower|upper|whisper-basic|whisper-basic-marks"));
}

/* What the normalizer makes of a text; the caller's to free. */
static struct buffer made(const char *name, const char *text)
{
    struct buffer b = {0};
    struct message msg;
    CU_ASSERT_EQUAL(normalize_text(name, text, strlen(text), &b, &msg), 0);
    return b;
}

static int are_same(const char *name, const char *a, const char *b)
{
    struct buffer x = made(name, a), y = made(name, b);
    int same = strcmp(buffer_text(&x), buffer_text(&y)) == 0;
    buffer_free(&x);
    buffer_free(&y);
    return same;
}

/* Small letters and capitals of many scripts. */
static void case_is_ignored_in_every_script(void)
{
    static const char *const pairs[][2] = {
        {"tiếng việt rất đẹp", "TIẾNG VIỆT RẤT ĐẸP"},
        {"românia și țara", "ROMÂNIA ȘI ȚARA"},
        {"əziz dost", "ƏZİZ DOST"},
        {"ılık iğdır", "ILIK İĞDIR"},
        {"straße maß", "STRASSE MASS"},
        {"straße", "STRAẞE"},
        {"հայերեն և լեզու", "ՀԱՅԵՐԵՆ ԵՒ ԼԵԶՈՒ"},
        {"ქართული ენა", "ᲥᲐᲠᲗᲣᲚᲘ ᲔᲜᲐ"},
        {"ａｂｃ１", "ＡＢＣ１"},
        {"ο οδός ΐ ᾳ ᾷ", "Ο ΟΔΌΣ Ϊ\u0301 ᾼ ᾼ\u0342"},
        {"дом ёж їжак", "ДОМ ЁЖ ЇЖАК"},
        {"ǆ ŉ ﬁ ǰ", "ǅ ʼN FI J\u030C"},
        {"𐐨𐐩 ꭰ ɓ ⱡ", "𐐀𐐁 Ꭰ Ɓ Ⱡ"},
        {"œuvre ñandú çà", "ŒUVRE ÑANDÚ ÇÀ"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        CU_ASSERT(are_same("lower", pairs[i][0], pairs[i][1]));
        CU_ASSERT(are_same("upper", pairs[i][0], pairs[i][1]));
        CU_ASSERT(!are_same("none", pairs[i][0], pairs[i][1]));
    }
    CU_ASSERT(gives("lower", "Ω ΟΔΟΣ ΗΣ!", "ω οδος ης!"));
    CU_ASSERT(!are_same("lower", "resume", "résumé"));
    CU_ASSERT(!are_same("upper", "ș", "ş")); /* comma and cedilla */
}

static void normal_forms_are_one_text(void)
{
    static const char *const names[] = {
        "none", "lower", "upper", "whisper-basic", "whisper-basic-marks", "whisper-basic-plain", "whisper-en"};
    static const char *const pairs[][2] = {
        {"Tiếng Việt rất đẹp", "Tie\u0302\u0301ng Vie\u0323\u0302t ra\u0302\u0301t đe\u0323p"},
        {"안녕 여러분", "\u110B\u1161\u11AB\u1102\u1167\u11BC \u110B\u1167\u1105\u1165\u1107\u116E\u11AB"},
        {"ガラス が", "カ\u3099ラス か\u3099"},
        {"l’été Käse est", "l’e\u0301te\u0301 Ka\u0308se est"},
        {"İğdır ést", "I\u0307g\u0306dır e\u0301st"},
        {"\u0915\u093C \u095B", "\u0958 \u091C\u093C"},
        {"مُحَمَّد آ", "مُحَم\u0651\u064Eد ا\u0653"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
            CU_ASSERT(are_same(names[i], pairs[k][0], pairs[k][1]));
}

static void basic_with_and_without_marks(void)
{
    CU_ASSERT(gives("whisper-basic", "प्राचीन, สวัสดี", "प र च न สว สด "));
    CU_ASSERT(gives("whisper-basic-marks", "प्राचीन, สวัสดี!", "प्राचीन สวัสดี "));
    CU_ASSERT(gives("whisper-basic-marks", "\u0301 [x] Straße (a) É-B ok👍\uFE0F", " straße é b ok "));
    CU_ASSERT(gives("whisper-basic-plain", "Straße, Crème Łódź", "strasse creme lodz"));
    CU_ASSERT(gives("whisper-basic-plain", "प्राचीन", "पर च न"));
}

static const struct unit_test tests[] = {
    {"vectors agree with openai-whisper", vectors_agree_with_openai},
    {"numbers are what a reader expects", numbers_are_what_a_reader_expects},
    {"other names", other_names},
    {"case is ignored in every script", case_is_ignored_in_every_script},
    {"normal forms are one text", normal_forms_are_one_text},
    {"whisper-basic with and without marks", basic_with_and_without_marks},
};

UNIT_MAIN("normalize", tests)
