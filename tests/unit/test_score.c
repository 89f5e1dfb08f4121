/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "score/score.h"
#include "tests/support/unit.h"

static struct message msg;

/* Reads the text as a file of transcripts. */
static int read_text(struct transcripts *t, const char *text)
{
    char path[] = "/tmp/linnet-score-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    CU_ASSERT_EQUAL(file_write(path, text, strlen(text), &msg), 0);
    int rc = transcripts_read(t, path, &msg);
    unlink(path);
    return rc;
}

static void transcripts_are_read_in_both_forms(void)
{
    struct transcripts plain, json;
    CU_ASSERT_EQUAL_FATAL(read_text(&plain, "u2  two words \r\n\nu1\tone\nu3\n"), 0);
    CU_ASSERT_EQUAL_FATAL(read_text(&json, "{\"utt\": \"u3\", \"text\": \"\"}\n{\"key\": \"u1\", \"txt\": \"one\"}\n"
                                           "{\"id\": \"u2\", \"text\": \"two words\", \"more\": [1]}\n"),
                          0);
    CU_ASSERT_EQUAL(plain.n, 3);
    CU_ASSERT_EQUAL(json.n, 3);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_STRING_EQUAL(plain.at[i].id, json.at[i].id);
        CU_ASSERT_STRING_EQUAL(plain.at[i].text, json.at[i].text);
    }
    CU_ASSERT_STRING_EQUAL(transcripts_text(&plain, "u2"), "two words");
    CU_ASSERT_PTR_NULL(transcripts_text(&plain, "u4"));
    transcripts_close(&plain);
    transcripts_close(&json);
    CU_ASSERT_EQUAL(read_text(&plain, ""), 0);
    CU_ASSERT_EQUAL(plain.n, 0);
    CU_ASSERT_PTR_NULL(transcripts_text(&plain, "a"));
    transcripts_close(&plain);
}

/* Lines that cannot be used, between two that can. */
static void bad_lines_are_told_and_the_rest_is_read(void)
{
#define JSON(middle) "{\"utt\": \"a\", \"text\": \"x\"}\n" middle "\n{\"utt\": \"b\", \"text\": \"z\"}"
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"a x\na y\nb z\n", ":2: utterance 'a' is there twice, in line 1 too"},
        {"a x\ncaf\xE9 y\nb z\n", ":2: byte 0xE9 is no UTF-8"},
        {JSON("{\"utt\": \"c\"}"), ":2: no \"text\""},
        {JSON("{\"text\": \"c\"}"), ":2: no \"utt\""},
        {JSON("{\"utt\": 1, \"text\": \"c\"}"), ":2: no \"utt\""},
        {JSON("{oops"), ":2: "},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct transcripts t = {0};
        CU_ASSERT_EQUAL_FATAL(read_text(&t, wrong[i].text), 0);
        CU_ASSERT(t.n == 2 && t.n_problems == 1);
        CU_ASSERT_STRING_EQUAL(transcripts_text(&t, "a"), "x");
        CU_ASSERT_STRING_EQUAL(transcripts_text(&t, "b"), "z");
        CU_ASSERT_EQUAL(transcripts_check(&t, &msg), LINNET_E_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, wrong[i].says));
        transcripts_close(&t);
    }
}

/* One id in two normal forms, with a blank that is none of ASCII behind it; blanks in front, CR, a byte order mark. */
static void ids_are_the_same_however_they_are_written(void)
{
    struct transcripts t;
    CU_ASSERT_EQUAL_FATAL(read_text(&t, "\xEF\xBB\xBF  u\u0308\u3000one\r\té two\r"), 0);
    CU_ASSERT(t.n == 2 && t.n_problems == 0 && transcripts_check(&t, &msg) == 0);
    CU_ASSERT_STRING_EQUAL(transcripts_text(&t, "ü"), "one");
    CU_ASSERT_STRING_EQUAL(transcripts_text(&t, "é"), "two");
    transcripts_close(&t);
}

/* The distance by its definition: every way tried. */
static int distance(const char *a, const char *b)
{
    if (*a == '\0' || *b == '\0')
        return (int)(strlen(a) + strlen(b));
    int best = distance(a + 1, b + 1) + (*a != *b), deleted = distance(a + 1, b) + 1, inserted = distance(a, b + 1) + 1;
    best = deleted < best ? deleted : best;
    return inserted < best ? inserted : best;
}

/* An alignment of a and b that has the edits told, and turns one into the other. */
static void check_steps(const char *a, const char *b, const struct edits *e, const unsigned char *steps, int n)
{
    struct edits seen = {.n_reference = (long long)strlen(a)};
    for (int i = 0; i < n; i++) {
        seen.n_insertions += steps[i] == EDITS_INSERTION;
        seen.n_deletions += steps[i] == EDITS_DELETION;
        seen.n_substitutions += steps[i] == EDITS_SUBSTITUTION;
        if (steps[i] < EDITS_DELETION)
            CU_ASSERT_EQUAL(*a == *b, steps[i] == EDITS_MATCH);
        a += steps[i] != EDITS_INSERTION;
        b += steps[i] != EDITS_DELETION;
    }
    CU_ASSERT(*a == '\0' && *b == '\0');
    CU_ASSERT_EQUAL(memcmp(&seen, e, sizeof seen), 0);
}

static void edits_are_as_few_as_can_be(void)
{
    unsigned state = 1;
    for (int round = 0; round < 400; round++) {
        char a[7] = "", b[7] = "";
        for (int i = 0; i < 6; i++) {
            state = state * 1103515245 + 12345;
            a[i] = (state >> 16 & 7) < 6 || a[0] == '\0' ? (char)('a' + (state >> 20) % 3) : '\0';
            b[i] = (state >> 24 & 7) < 6 || b[0] == '\0' ? (char)('a' + (state >> 12) % 3) : '\0';
        }
        struct edits_token *x, *y;
        struct edits with, without;
        unsigned char steps[12];
        int n_steps = 0;
        int n = edits_split(a, strlen(a), 1, &x), m = edits_split(b, strlen(b), 1, &y);
        CU_ASSERT_EQUAL(edits_count(x, n, y, m, &with, steps, &n_steps), 0);
        CU_ASSERT_EQUAL(edits_count(x, n, y, m, &without, NULL, NULL), 0);
        CU_ASSERT_EQUAL(memcmp(&with, &without, sizeof with), 0);
        CU_ASSERT_EQUAL(edits_errors(&with), distance(a, b));
        check_steps(a, b, &with, steps, n_steps);
        mem_free(x);
        mem_free(y);
    }
}

static void text_is_split_into_words_or_letters(void)
{
    static const char text[] = "  ab \t\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x80x ";
    struct edits_token *tokens;
    CU_ASSERT_EQUAL_FATAL(edits_split(text, sizeof text - 1, 0, &tokens), 3);
    CU_ASSERT(tokens[1].n == 6 && memcmp(tokens[1].text, "\xE4\xBD\xA0\xE5\xA5\xBD", 6) == 0);
    mem_free(tokens);
    CU_ASSERT_EQUAL_FATAL(edits_split(text, sizeof text - 1, 1, &tokens), 5);
    CU_ASSERT(tokens[2].n == 3);
    mem_free(tokens);
    CU_ASSERT_EQUAL_FATAL(edits_split("", 0, 0, &tokens), 0);
    mem_free(tokens);
}

static void scores_add_up(void)
{
    struct transcripts reference, hypothesis;
    struct score s;
    CU_ASSERT_EQUAL_FATAL(read_text(&reference, "u1 The cat sat\nu2 on the mat\nu3 \nu4 gone now\n"), 0);
    CU_ASSERT_EQUAL_FATAL(read_text(&hypothesis, "u1 the hat\nu2 on the mat\nu3 a\nu9 more\n"), 0);
    CU_ASSERT_EQUAL_FATAL(score_run(&s, &reference, &hypothesis, "lower", NULL, &msg), 0);
    static const struct edits words = {8, 1, 3, 1}, letters = {24, 1, 10, 1};
    CU_ASSERT_EQUAL(memcmp(&s.words, &words, sizeof words), 0);
    CU_ASSERT_EQUAL(memcmp(&s.letters, &letters, sizeof letters), 0);
    CU_ASSERT(s.n_missing == 1 && s.n_extra == 1 && s.n_wrong == 3);
    CU_ASSERT_DOUBLE_EQUAL(score_percent(&s.words), 62.5, 1e-12);
    score_close(&s);
    CU_ASSERT_EQUAL(score_run(&s, &reference, &hypothesis, "none", NULL, &msg), 0);
    CU_ASSERT_EQUAL(s.words.n_substitutions, 2);
    score_close(&s);
    CU_ASSERT_EQUAL(score_run(&s, &reference, &hypothesis, "nothing", NULL, &msg), LINNET_E_ARGUMENT);
    transcripts_close(&reference);
    transcripts_close(&hypothesis);
}

static void difference_is_sure_when_it_is_everywhere(void)
{
    struct score_utterance good[50], bad[50], mixed[50];
    struct score a = {.utterances = good, .n = 50}, b = {.utterances = bad, .n = 50},
                 c = {.utterances = mixed, .n = 50};
    memset(good, 0, sizeof good);
    memset(bad, 0, sizeof bad);
    memset(mixed, 0, sizeof mixed);
    for (int i = 0; i < 50; i++) {
        good[i].words = (struct edits){10, 0, 0, 1};
        bad[i].words = (struct edits){10, 0, 0, 2};
        mixed[i].words = (struct edits){10, 0, 0, i % 2 == 0 ? 0 : 2};
        edits_add(&a.words, &good[i].words);
        edits_add(&b.words, &bad[i].words);
        edits_add(&c.words, &mixed[i].words);
    }
    struct score_difference d, again;
    CU_ASSERT_EQUAL(score_compare(&a, &b, 1000, &d, &msg), 0);
    CU_ASSERT_DOUBLE_EQUAL(d.percent, 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(d.low, 10, 1e-9);
    CU_ASSERT_EQUAL(d.p, 0);
    CU_ASSERT_EQUAL(score_compare(&a, &c, 1000, &d, &msg), 0);
    CU_ASSERT_DOUBLE_EQUAL(d.percent, 0, 1e-9);
    CU_ASSERT(d.low < -1 && d.high > 1 && d.p > 0.5); /* standard deviation 10 / sqrt(50) = 1.4 */
    CU_ASSERT(d.low > -5 && d.high < 5);
    CU_ASSERT_EQUAL(score_compare(&a, &c, 1000, &again, &msg), 0);
    CU_ASSERT_EQUAL(d.low, again.low);
    CU_ASSERT_EQUAL(score_compare(&a, &a, 1000, &d, &msg), 0);
    CU_ASSERT(d.low == 0 && d.high == 0 && d.p == 1);
}

static const struct unit_test tests[] = {
    {"transcripts are read in both forms", transcripts_are_read_in_both_forms},
    {"bad lines are told and the rest is read", bad_lines_are_told_and_the_rest_is_read},
    {"ids are the same however they are written", ids_are_the_same_however_they_are_written},
    {"edits are as few as can be", edits_are_as_few_as_can_be},
    {"text is split into words or letters", text_is_split_into_words_or_letters},
    {"scores add up", scores_add_up},
    {"a difference is sure when it is everywhere", difference_is_sure_when_it_is_everywhere},
};

UNIT_MAIN("score", tests)
