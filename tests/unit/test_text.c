/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json_reader.h"
#include "base/parse.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "tests/support/unit.h"

static void buffer_grows_up_to_its_maximum(void)
{
    struct buffer b = {.max = 1000};
    CU_ASSERT_STRING_EQUAL(buffer_text(&b), "");
    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(buffer_append(&b, "0123456789", 10), 0);
    CU_ASSERT_EQUAL(buffer_append(&b, "", 0), 0);
    CU_ASSERT_EQUAL(buffer_append(&b, "x", 1), LINNET_E_FORMAT);
    CU_ASSERT_EQUAL(b.n, 1000);
    CU_ASSERT_EQUAL(strlen(b.data), 1000);
    buffer_cut(&b, 3);
    CU_ASSERT_EQUAL(buffer_printf(&b, "[%d|%s]", 42, "text"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "012[42|text]");
    buffer_free(&b);
    CU_ASSERT_EQUAL(b.n, 0);
}

static void numbers_are_taken_whole_and_in_range(void)
{
    long long i = -1;
    double d = -1;
    CU_ASSERT_EQUAL(parse_int("12", 0, 12, &i), 0);
    CU_ASSERT_EQUAL(i, 12);
    CU_ASSERT_EQUAL(parse_int("-3", -3, 0, &i), 0);
    static const char *const wrong[] = {"",    " 5", "5 ", "13", "-1", "5x", "0x5", "5.0", "99999999999999999999",
                                        "abc", "inf"};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
        CU_ASSERT_EQUAL(parse_int(wrong[k], 0, 12, &i), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(i, -3);
    CU_ASSERT_EQUAL(parse_number("2.5e-1", 0, 1, &d), 0);
    CU_ASSERT_EQUAL(d, 0.25);
    static const char *const bad[] = {"", "nan", "inf", "1,5", "1.5s", "1.01", "-0.1", " 1"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        CU_ASSERT_EQUAL(parse_number(bad[k], 0, 1, &d), LINNET_E_ARGUMENT);
    int yes = -1;
    CU_ASSERT_EQUAL(parse_bool("Yes", &yes), 0);
    CU_ASSERT_EQUAL(yes, 1);
    CU_ASSERT_EQUAL(parse_bool("off", &yes), 0);
    CU_ASSERT_EQUAL(yes, 0);
    CU_ASSERT_EQUAL(parse_bool("2", &yes), LINNET_E_ARGUMENT);
}

static void choices_are_whole_names(void)
{
    CU_ASSERT_EQUAL(parse_choice("a", "a|bc|d"), 0);
    CU_ASSERT_EQUAL(parse_choice("bc", "a|bc|d"), 1);
    CU_ASSERT_EQUAL(parse_choice("d", "a|bc|d"), 2);
    static const char *const none[] = {"", "b", "c", "a|bc", "|", "bcd"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CU_ASSERT_EQUAL(parse_choice(none[i], "a|bc|d"), -1);
}

static void nearest_name_is_the_likely_one(void)
{
    static const char *const names[] = {"format", "language", "threads", "word-times"};
    struct {
        const char *wanted, *best;
    } cases[] = {{"fromat", "format"}, {"langauge", "language"}, {"thread", "threads"}, {"zzz", NULL}, {"x", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parse_nearest nearest = {.wanted = cases[i].wanted};
        for (size_t k = 0; k < 4; k++)
            parse_offer(&nearest, names[k]);
        if (cases[i].best == NULL)
            CU_ASSERT_PTR_NULL(nearest.best)
        else
            CU_ASSERT_STRING_EQUAL(nearest.best, cases[i].best);
    }
    CU_ASSERT_EQUAL(parse_distance("", "abc"), 3);
    CU_ASSERT_EQUAL(parse_distance("abcd", "abdc"), 1);
    CU_ASSERT_EQUAL(parse_distance("kitten", "sitting"), 3);
}

static void every_code_point_survives_utf8(void)
{
    int n_bad = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char bytes[4];
        uint32_t back;
        size_t n = utf8_encode(code, bytes);
        uint32_t wanted = code >= 0xD800 && code < 0xE000 ? UTF8_REPLACEMENT : code;
        n_bad += utf8_next(bytes, n, &back) != n || back != wanted || utf8_valid(bytes, n) != n;
        for (size_t cut = 1; cut < n; cut++) /* a start of it is unfinished, not wrong */
            n_bad += utf8_unfinished(bytes, cut) != cut || utf8_next(bytes, cut, &back) != cut;
        n_bad += utf8_unfinished(bytes, n) != 0;
    }
    CU_ASSERT_EQUAL(n_bad, 0);
}

static void broken_utf8_becomes_one_mark_for_each_start(void)
{
    struct {
        const char *bytes, *repaired;
    } cases[] = {
        {"a\xFFz", "a\uFFFDz"},
        {"\xE4\xBDz", "\uFFFDz"},                         /* a start of three, broken off */
        {"\xF0\x9F\x98", "\uFFFD"},                       /* at the end */
        {"\xC0\xAF", "\uFFFD\uFFFD"},                     /* longer form than needed */
        {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},           /* surrogate */
        {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"}, /* past the last code point */
        {"\x80\xE4\xBD\xA0", "\uFFFD\xE4\xBD\xA0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer b = {0};
        CU_ASSERT_EQUAL(utf8_append(&b, cases[i].bytes, strlen(cases[i].bytes)), 0);
        CU_ASSERT_STRING_EQUAL(buffer_text(&b), cases[i].repaired);
        CU_ASSERT_EQUAL(utf8_count(cases[i].bytes, strlen(cases[i].bytes)), utf8_count(b.data, b.n));
        buffer_free(&b);
    }
}

static char *changed(const char *text, void (*change)(struct codes *), struct buffer *out)
{
    struct codes c = {0};
    buffer_cut(out, 0);
    codes_read(&c, text, strlen(text));
    change(&c);
    CU_ASSERT_EQUAL(codes_write(&c, out), 0);
    codes_free(&c);
    return out->data;
}

/* A line of nothing but marks above and below by turns, which a sort that exchanges neighbours would never finish. */
static void many_marks_are_ordered(void)
{
    enum { N = 200000 };
    struct codes c = {0};
    codes_add(&c, 'x');
    for (int i = 0; i < N; i++)
        codes_add(&c, i % 2 == 0 ? 0x301 : 0x323);
    codes_normalize(&c);
    CU_ASSERT(c.rc == 0 && c.n == N + 1 && c.at[0] == 'x');
    CU_ASSERT(c.at[1] == 0x323 && c.at[N / 2] == 0x323 && c.at[N / 2 + 1] == 0x301 && c.at[N] == 0x301);
    codes_free(&c);
}

static void unicode_knows_classes_case_and_normal_forms(void)
{
    CU_ASSERT_EQUAL(unicode_class_of('a'), UNICODE_LETTER);
    CU_ASSERT_EQUAL(unicode_class_of(0x4F60), UNICODE_LETTER);
    CU_ASSERT_EQUAL(unicode_class_of(0x663), UNICODE_DIGIT);
    CU_ASSERT_EQUAL(unicode_class_of(0x2160), UNICODE_NUMBER);
    CU_ASSERT_EQUAL(unicode_class_of(0x301), UNICODE_NONSPACING_MARK);
    CU_ASSERT_EQUAL(unicode_class_of(0x93E), UNICODE_MARK);
    CU_ASSERT_EQUAL(unicode_class_of(0x3002), UNICODE_PUNCTUATION);
    CU_ASSERT_EQUAL(unicode_class_of(0x20AC), UNICODE_SYMBOL);
    CU_ASSERT_EQUAL(unicode_class_of(0x10FFFF), UNICODE_OTHER);
    CU_ASSERT_EQUAL(unicode_class_of(UINT32_MAX), UNICODE_OTHER);
    CU_ASSERT(unicode_is_space(0x3000) && unicode_is_space('\n') && !unicode_is_space(0x1C) && unicode_is_blank(0x1C));
    CU_ASSERT(unicode_is_word('_') && unicode_is_word(0xDF) && !unicode_is_word('\'') && !unicode_is_word(0x301));
    CU_ASSERT_EQUAL(unicode_digit('7'), 7);
    CU_ASSERT_EQUAL(unicode_digit(0x96F), 9);
    CU_ASSERT_EQUAL(unicode_digit('x'), -1);
    struct buffer b = {0};
    CU_ASSERT_STRING_EQUAL(changed("ÄÖÜ ИМЯ ΟΔΟΣ ΣΑΣ Dž İ", codes_lower, &b), "äöü имя οδος σας dž i\u0307");
    CU_ASSERT_STRING_EQUAL(changed("é ﬁ ２ 한 ½", codes_decompose, &b), "e\u0301 fi 2 \u1112\u1161\u11AB 1\u20442");
    CU_ASSERT_STRING_EQUAL(changed("a\u0301\u0323", codes_decompose, &b), "a\u0323\u0301"); /* marks in order */
    CU_ASSERT_STRING_EQUAL(changed("e\u0301 a\u0323\u0302 \u1112\u1161\u11AB ①", codes_compose, &b), "é ậ 한 1");
    CU_ASSERT_STRING_EQUAL(changed("e\u0301 a\u0302\u0323 \u1112\u1161\u11AB ①ﬁ ½ \u212B", codes_normalize, &b),
                           "é ậ 한 ①ﬁ ½ Å");
    CU_ASSERT_STRING_EQUAL(changed("\u0915\u093C \u0958 \u2126", codes_normalize, &b), /* not to be composed */
                           "\u0915\u093C \u0915\u093C Ω");
    CU_ASSERT_STRING_EQUAL(changed("straße ŉ և ǆ ﬁ ı ắ ș ა ａ ꭰ 𐐨 ᾳ", codes_upper, &b),
                           "STRASSE ʼN ԵՒ Ǆ FI I Ắ Ș Ა Ａ Ꭰ 𐐀 ΑΙ");
    many_marks_are_ordered();
    buffer_cut(&b, 0);
    CU_ASSERT_EQUAL(unicode_normalize("o\u0308\xFF", 4, &b), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&b), "ö\uFFFD");
    buffer_free(&b);
}

static void json_is_read_in_order(void)
{
    static const char text[] =
        " {\"skip\": {\"a\": [1, \"]}\\\"\", null]}, \"n\" : -17 , \"list\":[\"x\\u00e9\\ud83d\\ude00\\n\", \"\"]} ";
    struct json_reader r;
    const char *s;
    size_t n;
    long long i = 0;
    json_reader_open(&r, text, sizeof text - 1);
    CU_ASSERT_EQUAL(json_enter(&r, '{'), 0);
    CU_ASSERT_EQUAL(json_key(&r, &s, &n), 1);
    CU_ASSERT(n == 4 && memcmp(s, "skip", 4) == 0);
    CU_ASSERT_EQUAL(json_skip(&r), 0);
    CU_ASSERT_EQUAL(json_key(&r, &s, &n), 1);
    CU_ASSERT_EQUAL(json_int(&r, &i), 0);
    CU_ASSERT_EQUAL(i, -17);
    CU_ASSERT_EQUAL(json_key(&r, &s, &n), 1);
    CU_ASSERT_EQUAL(json_enter(&r, '['), 0);
    CU_ASSERT_EQUAL(json_item(&r), 1);
    CU_ASSERT_EQUAL(json_text(&r, &s, &n), 0);
    CU_ASSERT(n == 8 && memcmp(s, "x\xC3\xA9\xF0\x9F\x98\x80\n", 8) == 0);
    CU_ASSERT_EQUAL(json_item(&r), 1);
    CU_ASSERT_EQUAL(json_text(&r, &s, &n), 0);
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(json_item(&r), 0);
    CU_ASSERT_EQUAL(json_key(&r, &s, &n), 0);
    CU_ASSERT_EQUAL(json_peek(&r), '\0');
    CU_ASSERT_EQUAL(r.bad, 0);
    json_reader_close(&r);
}

static void cut_json_is_bad_not_overrun(void)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\u12ab\\\"\"}],\"c\":true}";
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        char *copy = malloc(cut > 0 ? cut : 1); /* of its own, so that a sanitizer sees the end */
        memcpy(copy, text, cut);
        struct json_reader r;
        const char *key;
        size_t n;
        json_reader_open(&r, copy, cut);
        if (json_enter(&r, '{') == 0)
            while (json_key(&r, &key, &n) > 0)
                if (json_skip(&r) < 0)
                    break;
        CU_ASSERT_EQUAL(r.bad, LINNET_E_FORMAT);
        json_reader_close(&r);
        free(copy);
    }
}

static void files_are_written_whole_or_not_at_all(void)
{
    char path[] = "/tmp/linnet-test-XXXXXX", inside[64];
    struct message msg;
    struct buffer b = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
    snprintf(inside, sizeof inside, "%s/file", path);
    CU_ASSERT_EQUAL(file_write(inside, "one", 3, &msg), 0);
    CU_ASSERT_EQUAL(file_write(inside, "three", 5, &msg), 0);
    CU_ASSERT_EQUAL(file_read(inside, 5, &b, &msg), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&b), "three");
    CU_ASSERT_EQUAL(file_read(inside, 4, &b, &msg), LINNET_E_FORMAT);
    CU_ASSERT_STRING_EQUAL(buffer_text(&b), "three");
    unlink(inside);
    CU_ASSERT_EQUAL(rmdir(path), 0); /* nothing else was left */
    CU_ASSERT_EQUAL(file_write(inside, "x", 1, &msg), LINNET_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, inside));
    CU_ASSERT_EQUAL(file_read(inside, 9, &b, &msg), LINNET_E_IO);
    if (access("/dev/full", W_OK) == 0) {
        CU_ASSERT_EQUAL(file_read("/dev/zero", 1000, &b, &msg), LINNET_E_FORMAT);
        CU_ASSERT_EQUAL(b.n, 5);
    }
    buffer_free(&b);
}

static void folders_are_told_from_files(void)
{
    CU_ASSERT(file_is_folder("/") && file_is_folder("/dev/."));
    CU_ASSERT(!file_is_folder("/dev/null") && !file_is_folder("/no/such/folder"));
}

static const struct unit_test tests[] = {
    {"buffer grows up to its maximum", buffer_grows_up_to_its_maximum},
    {"numbers are taken whole and in range", numbers_are_taken_whole_and_in_range},
    {"choices are whole names", choices_are_whole_names},
    {"nearest name is the likely one", nearest_name_is_the_likely_one},
    {"every code point survives UTF-8", every_code_point_survives_utf8},
    {"broken UTF-8 becomes one mark for each start", broken_utf8_becomes_one_mark_for_each_start},
    {"Unicode: classes, case and normal forms", unicode_knows_classes_case_and_normal_forms},
    {"JSON is read in order", json_is_read_in_order},
    {"cut JSON is bad, not overrun", cut_json_is_bad_not_overrun},
    {"files are written whole or not at all", files_are_written_whole_or_not_at_all},
    {"folders are told from files", folders_are_told_from_files},
};

UNIT_MAIN("text", tests)
