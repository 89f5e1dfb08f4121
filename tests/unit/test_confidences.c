/* SPDX-License-Identifier: Apache-2.0
 * test_confidences.c - confidences: whose they are, how reliable, and what makes them so. */
#include <math.h>
#include <string.h>

#include "score/confidences.h"
#include "score/logistic.h"
#include "score/reliability.h"
#include "tests/support/scratch.h"

static struct message msg;

/* ---- reliability ---- */

/* Four words: 0.1 wrong (bin 2), 0.6 right and 0.6 wrong (bin 9, whose upper end 0.6 is), 0.9 right (bin 14).
 * ECE = (0.1 + |1 - 1.2| + 0.1) / 4; NCE = (4 + log2 0.9 + log2 0.6 + log2 0.4 + log2 0.9) / 4. */
static void figures_are_those_of_their_definitions(void)
{
    struct reliability r = {0};
    CU_ASSERT(isnan(reliability_ece(&r)) && isnan(reliability_nce(&r)));
    reliability_add(&r, 0.1, 0);
    CU_ASSERT(isnan(reliability_nce(&r)));
    reliability_add(&r, 0.6, 1);
    reliability_add(&r, 0.6, 0);
    reliability_add(&r, 0.9, 1);
    CU_ASSERT(r.n == 4 && r.n_right == 2);
    CU_ASSERT(r.bins[1].n == 1 && r.bins[8].n == 2 && r.bins[8].n_right == 1 && r.bins[13].n_right == 1);
    CU_ASSERT_DOUBLE_EQUAL(reliability_ece(&r), 0.1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(reliability_nce(&r), (4 + 2 * log2(0.9) + log2(0.6) + log2(0.4)) / 4, 1e-12);
}

static void certain_words_have_a_bin_and_a_finite_cost(void)
{
    struct reliability r = {0};
    reliability_add(&r, 0, 1);
    reliability_add(&r, 1, 0);
    CU_ASSERT(r.bins[0].n == 1 && r.bins[RELIABILITY_BINS - 1].n == 1);
    CU_ASSERT_DOUBLE_EQUAL(reliability_ece(&r), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(reliability_nce(&r), 1 + log2(0.00005), 1e-9);
}

/* ---- the fit ---- */

/* 40 words; the parameters are numpy's, by tests/vectors/gen/logistic.py. */
static void fit_is_the_maximum_of_the_likelihood(void)
{
    double x[40];
    unsigned char is_right[40];
    struct logistic l;
    for (int i = 0; i < 40; i++) {
        x[i] = (i * 7 % 40 - 15) / 4.0;
        is_right[i] = (i * 7 % 40) * 3 > i * 13 % 40 * 2;
    }
    CU_ASSERT_EQUAL_FATAL(logistic_fit(&l, x, is_right, 40, &msg), 0);
    CU_ASSERT_DOUBLE_EQUAL(l.slope, 0.941060612224, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(l.offset, 0.144551075043, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(logistic_of(&l, 0), 1 / (1 + exp(-0.144551075043)), 1e-9);
}

/* Two inputs only: each has the probability of its words, and the curve through both is known. */
static void fit_of_two_inputs_is_exact(void)
{
    double x[40];
    unsigned char is_right[40];
    struct logistic l;
    for (int i = 0; i < 40; i++) {
        x[i] = i < 20 ? -1000 : 1000;
        is_right[i] = i < 20 ? i < 5 : i < 36;
    }
    CU_ASSERT_EQUAL_FATAL(logistic_fit(&l, x, is_right, 40, &msg), 0);
    CU_ASSERT_DOUBLE_EQUAL(l.slope * 2000, log(4) - log(1.0 / 3), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(l.offset * 2, log(4) + log(1.0 / 3), 1e-9);
}

static void what_cannot_be_fitted_is_refused(void)
{
    double x[40];
    unsigned char is_right[40];
    struct logistic l = {5, 6};
    for (int i = 0; i < 40; i++) {
        x[i] = i;
        is_right[i] = i >= 20;
    }
    CU_ASSERT_EQUAL(logistic_fit(&l, x, is_right, 40, &msg), LINNET_E_FORMAT); /* a threshold separates */
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "threshold"));
    x[20] = 19; /* and still does but for one place */
    CU_ASSERT_EQUAL(logistic_fit(&l, x, is_right, 40, &msg), LINNET_E_FORMAT);
    x[20] = 18.5;
    CU_ASSERT_EQUAL(logistic_fit(&l, x, is_right, 40, &msg), 0);
    CU_ASSERT(l.slope > 1);
    for (int i = 0; i < 40; i++)
        is_right[i] = i < 20;
    CU_ASSERT_EQUAL(logistic_fit(&l, x, is_right, 40, &msg), 0); /* a falling curve is one */
    CU_ASSERT(l.slope < -1);
    for (int i = 0; i < 40; i++) {
        x[i] = 2;
        is_right[i] = i % 2 == 0;
    }
    CU_ASSERT_EQUAL(logistic_fit(&l, x, is_right, 40, &msg), LINNET_E_FORMAT); /* all the same */
    CU_ASSERT_EQUAL(logistic_fit(&l, x, is_right, 18, &msg), LINNET_E_FORMAT);
    CU_ASSERT_STRING_EQUAL(msg.text, "9 right and 9 wrong words are too few: at least 10 of each are needed");
    CU_ASSERT_EQUAL(logistic_fit(&l, NULL, NULL, 0, &msg), LINNET_E_FORMAT);
}

/* ---- whose confidence a word has ---- */

struct visit {
    const struct confidences *confidences;
    const char *normalizer;
    struct confidences_judged judged;
    int n_found;
};

static int take(void *arg, const struct score_alignment *a, struct message *m)
{
    struct visit *v = arg;
    int rc = confidences_judge(v->confidences, a, v->normalizer, &v->judged, m);
    v->n_found += rc;
    return rc < 0 ? rc : 0;
}

/* Judges one utterance of that text and those words (JSON) against a reference. */
static void judge(struct visit *v, const char *text, const char *words, const char *reference, int is_raw)
{
    char line[2000];
    struct transcripts r, h;
    struct confidences c;
    struct score s;
    const struct score_visitor visitor = {take, v};
    snprintf(line, sizeof line, "u %s\n", reference);
    CU_ASSERT_EQUAL_FATAL(transcripts_read(&r, text_file("ref", line), &msg), 0);
    snprintf(line, sizeof line, "\n{\"utt\": \"u\", \"text\": \"%s\", \"segments\": [{\"words\": [%s]}]}\n", text,
             words);
    CU_ASSERT_EQUAL_FATAL(transcripts_read(&h, text_file("hyp", line), &msg), 0);
    CU_ASSERT_EQUAL_FATAL(confidences_read(&c, text_file("hyp", line), is_raw, &msg), 0);
    v->confidences = &c;
    v->judged.n = v->n_found = 0;
    CU_ASSERT_EQUAL(score_run(&s, &r, &h, v->normalizer, &visitor, &msg), 0);
    score_close(&s);
    confidences_close(&c);
    transcripts_close(&r);
    transcripts_close(&h);
}

#define WORD(text, p) "{\"word\": \"" text "\", \"probability\": " #p "}"

static void words_have_the_confidences_of_what_they_come_from(void)
{
    static const struct {
        const char *normalizer, *text, *words, *reference;
        int n;
        double values[4];
        const char *right; /* '1', '0' */
    } cases[] = {
        {"none", "a b c", WORD(" a", 0.5) "," WORD(" b", 0.25) "," WORD(" c", 1), "a x c", 3, {0.5, 0.25, 1}, "101"},
        {"none", "a b", WORD("a", 0.5) "," WORD(" b", 0.25), "b", 2, {0.5, 0.25}, "01"},
        /* two of the decoder's words that are one, and one that is two */
        {"none", "ab c", WORD("a", 0.5) "," WORD("b", 0.125) "," WORD("c", 1), "ab", 2, {0.25, 1}, "10"},
        {"none", "a b", WORD("a b", 0.5) "," WORD(" ", 0.1), "a b", 2, {0.5, 0.5}, "11"},
        {"none",
         "\xE4\xBD\xA0\xE5\xA5\xBD",
         WORD("\xE4\xBD\xA0", 0.5) "," WORD("\xE5\xA5\xBD", 0.5),
         "x",
         1,
         {0.5},
         "0"},
        {"upper", "a B", WORD("a", 0.5) "," WORD("B", 0.25), "A b", 2, {0.5, 0.25}, "11"},
        /* word by word as all at once: one goes, one becomes two */
        {"whisper-basic",
         "A-b, - c",
         WORD("A-b,", 0.5) "," WORD(" -", 0.1) "," WORD(" c", 1),
         "a b c",
         3,
         {0.5, 0.5, 1},
         "111"},
        /* not so: two become one, between words that stay */
        {"whisper-en",
         "at twenty five past",
         WORD("at", 1) "," WORD("twenty", 0.5) "," WORD("five", 0.125) "," WORD("past", 0.9),
         "at 25 past",
         3,
         {1, 0.25, 0.9},
         "111"},
        {"whisper-en",
         "(so it is) yes",
         WORD("(so", 0.1) "," WORD("it", 0.2) "," WORD("is)", 0.3) "," WORD("yes", 0.5),
         "yes",
         1,
         {0.5},
         "1"},
        {"none", "", "", "a", 0, {0}, ""},
    };
    struct visit v = {.normalizer = "none"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        v.normalizer = cases[i].normalizer;
        judge(&v, cases[i].text, cases[i].words, cases[i].reference, 1);
        CU_ASSERT_EQUAL(v.judged.n, cases[i].n);
        for (int k = 0; k < v.judged.n && k < cases[i].n; k++) {
            CU_ASSERT_DOUBLE_EQUAL(v.judged.values[k], cases[i].values[k], 1e-12);
            CU_ASSERT_EQUAL(v.judged.is_right[k], cases[i].right[k] - '0');
        }
    }
    confidences_judged_free(&v.judged);
}

static void confidences_of_another_text_are_none(void)
{
    struct visit v = {.normalizer = "none"};
    judge(&v, "a b", WORD("a", 0.5) "," WORD("c", 0.5), "a b", 1);
    CU_ASSERT(v.n_found == 0 && v.judged.n == 0);
    judge(&v, "a b", WORD("a", 0.5), "a b", 1);
    CU_ASSERT_EQUAL(v.judged.n, 0);
    judge(&v, "a", WORD("a", 0.5) "," WORD("b", 0.5), "a b", 1);
    CU_ASSERT_EQUAL(v.judged.n, 0);
    judge(&v, "a", "{\"word\": \"a\"}, {\"probability\": 1}, 7", "a", 1);
    CU_ASSERT_EQUAL(v.judged.n, 0);
    confidences_judged_free(&v.judged);
}

static void probability_and_confidence_are_told_apart(void)
{
    struct visit v = {.normalizer = "none"};
    judge(&v, "a", "{\"word\": \"a\", \"confidence\": 0.5, \"probability\": 0.75}", "a", 0);
    CU_ASSERT_EQUAL(v.judged.values[0], 0.5);
    judge(&v, "a", "{\"word\": \"a\", \"confidence\": 0.5, \"probability\": 0.75}", "a", 1);
    CU_ASSERT_EQUAL(v.judged.values[0], 0.75);
    judge(&v, "a", "{\"word\": \"a\", \"confidence\": 0.5}", "a", 1);
    CU_ASSERT_EQUAL(v.judged.values[0], 0.5);
    judge(&v, "a", WORD("a", 2), "a", 0);
    CU_ASSERT_EQUAL(v.judged.values[0], 1);
    confidences_judged_free(&v.judged);
}

static const struct unit_test tests[] = {
    {"figures are those of their definitions", figures_are_those_of_their_definitions},
    {"certain words have a bin and a finite cost", certain_words_have_a_bin_and_a_finite_cost},
    {"a fit is the maximum of the likelihood", fit_is_the_maximum_of_the_likelihood},
    {"a fit of two inputs is exact", fit_of_two_inputs_is_exact},
    {"what cannot be fitted is refused", what_cannot_be_fitted_is_refused},
    {"words have the confidences of what they come from", words_have_the_confidences_of_what_they_come_from},
    {"confidences of another text are none", confidences_of_another_text_are_none},
    {"probability and confidence are told apart", probability_and_confidence_are_told_apart},
};

SCRATCH_MAIN("confidences", tests)
