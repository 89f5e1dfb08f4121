/* SPDX-License-Identifier: Apache-2.0
 * test_length_model.c - segment lengths: counting, files and their mistakes, probabilities by hand. */
#include "decoders/segmental/length_model.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/support/unit.h"

enum { N_LABELS = 4, LONGEST = 3 };

/* Label 1: lengths 1, 1, 2; label 2: 3, 7 (counted as 3 or more); labels 0 and 3 were not seen. */
static void count(struct length_counts *c)
{
    CU_ASSERT_EQUAL_FATAL(length_counts_open(c, N_LABELS, LONGEST, NULL), 0);
    length_counts_add(c, 1, 1);
    length_counts_add(c, 1, 1);
    length_counts_add(c, 1, 2);
    length_counts_add(c, 2, 3);
    length_counts_add(c, 2, 7);
}

static void model_open(struct length_model **m, enum length_model_kind kind, double variance, double smoothing)
{
    struct length_counts c;
    const struct length_model_options options = {kind, variance, smoothing};
    count(&c);
    CU_ASSERT_EQUAL_FATAL(length_model_open(m, &options, &c, NULL), 0);
    length_counts_close(&c);
}

static double probability(const struct length_model *m, int label, int length)
{
    float scores[N_LABELS] = {0.0f};
    double logprob = length_model_logprob(m, label, length);
    length_model_add(m, length, 0.5, scores, N_LABELS);
    if (logprob > -1e30)
        CU_ASSERT_DOUBLE_EQUAL((double)scores[label], 0.5 * logprob, 1e-6);
    return exp(logprob);
}

static void histograms(void)
{
    struct length_model *m = NULL;
    model_open(&m, LENGTH_MODEL_GLOBAL, 0.0, 1.0); /* (2, 1, 2) / 5, with a third of one more each */
    for (int label = 0; label < N_LABELS; label++) {
        CU_ASSERT_DOUBLE_EQUAL(probability(m, label, 1), (2 + 1.0 / 3) / 6, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(probability(m, label, 2), (1 + 1.0 / 3) / 6, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(probability(m, label, 3), (2 + 1.0 / 3) / 6, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(probability(m, label, 100), (2 + 1.0 / 3) / 6, 1e-6);
    }
    length_model_close(m);
    model_open(&m, LENGTH_MODEL_LABEL, 0.0, 1.0); /* the label's own, and the one above once */
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 1, 1), (2 + (2 + 1.0 / 3) / 6) / 4, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 2, 1), (2 + 1.0 / 3) / 6 / 3, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 0, 2), (1 + 1.0 / 3) / 6, 1e-6);
    length_model_close(m);
    model_open(&m, LENGTH_MODEL_LABEL, 0.0, 0.0); /* what was never seen is impossible, but for labels never seen */
    CU_ASSERT_EQUAL(probability(m, 1, 3), 0.0);
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 3, 3), 0.4, 1e-6);
    length_model_close(m);
}

static void static_form(void)
{
    struct length_model *m = NULL;
    model_open(&m, LENGTH_MODEL_STATIC, 0.7, 5.0);
    double mean = 4.0 / 3, sum = exp(-(mean - 1) * 0.7) + exp(-(2 - mean) * 0.7) + exp(-(3 - mean) * 0.7);
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 1, 1), exp(-(mean - 1) * 0.7) / sum, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 1, 9), exp(-(3 - mean) * 0.7) / sum, 1e-6);
    double all = 2.0, edges = 2 * exp(-0.7) + 1; /* labels never seen: the mean of all */
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 0, 2), 1 / edges, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(probability(m, 0, 3), exp(-(3 - all) * 0.7) / edges, 1e-6);
    length_model_close(m);
    model_open(&m, LENGTH_MODEL_STATIC, 1000.0, 0.0);
    for (int length = 1; length <= 4; length++)
        CU_ASSERT_TRUE(isfinite(length_model_logprob(m, 1, length)));
    length_model_close(m);
}

static void free_lengths(void)
{
    struct length_model *m = NULL;
    const struct length_model_options options = {LENGTH_MODEL_NONE, 0.0, 0.0};
    CU_ASSERT_EQUAL_FATAL(length_model_open(&m, &options, NULL, NULL), 0);
    CU_ASSERT_EQUAL(probability(m, 1, 5), 1.0);
    length_model_close(m);
}

static void wrong_options(void)
{
    static const struct length_model_options bad[] = {{LENGTH_MODEL_LABEL, 0.0, -1.0},
                                                      {LENGTH_MODEL_LABEL, 0.0, NAN},
                                                      {LENGTH_MODEL_STATIC, -1.0, 0.0},
                                                      {LENGTH_MODEL_STATIC, 1e9, 0.0}};
    struct length_counts c;
    struct length_model *m = NULL;
    const struct length_model_options good = {LENGTH_MODEL_GLOBAL, 0.0, 1.0};
    count(&c);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(length_model_open(&m, &bad[i], &c, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(length_model_open(&m, &good, NULL, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(m);
    length_counts_close(&c);
    CU_ASSERT_EQUAL(length_counts_open(&c, 1 << 24, 10000, NULL), LINNET_E_ARGUMENT);
}

/* ---- files ---- */

static char path[40];

static void new_path(void)
{
    strcpy(path, "/tmp/linnet-lengths-XXXXXX");
    int file = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(file >= 0);
    close(file);
}

static void written_is_read_back(void)
{
    struct length_counts c, read = {0};
    struct buffer text = {0};
    new_path();
    count(&c);
    CU_ASSERT_EQUAL(length_counts_write(&c, path, NULL), 0);
    CU_ASSERT_EQUAL(file_read(path, 1000, &text, NULL), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&text), "lengths 4 3\n1 2 1 0\n2 0 0 2\n");
    CU_ASSERT_EQUAL_FATAL(length_counts_read(&read, path, N_LABELS, NULL), 0);
    CU_ASSERT_EQUAL(read.longest, LONGEST);
    CU_ASSERT_EQUAL(memcmp(read.at, c.at, N_LABELS * LONGEST * sizeof *c.at), 0);
    unlink(path);
    buffer_free(&text);
    length_counts_close(&c);
    length_counts_close(&read);
}

static void mistakes_are_named(void)
{
    static const struct {
        const char *text, *reason;
    } files[] = {
        {"", "does not begin with a line"},
        {"lengths 4\n", "does not begin with a line"},
        {"lengths 4 0\n", "does not begin with a line"},
        {"lengths 99999999999999999999 3\n", "does not begin with a line"},
        {"lengths 5 3\n", "lengths of 5 labels, the model has 4"},
        {"lengths 4 3\n4 1 1 1\n", "line 2 does not begin with a label of 0 to 3"},
        {"lengths 4 3\n1 1 1 1\nx\n", "line 3 does not begin with a label"},
        {"lengths 4 3\n1 1 1\n", "line 2 has 2 counts, not 3"},
        {"lengths 4 3\n1 1 -1 1\n", "line 2 has 1 counts, not 3"},
        {"lengths 4 3\n1 1 1 1 1\n", "line 2 has more than 3 counts"},
        {"lengths 4 3\n1 1 1 1", "line 2 has more than 3 counts"},
        {"lengths 4 3\n1 281474976710656 0 0\n1 1 0 0\n", "the counts are too large"},
    };
    new_path();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct length_counts c = {0};
        struct message msg = {""};
        CU_ASSERT_EQUAL(file_write(path, files[i].text, strlen(files[i].text), NULL), 0);
        CU_ASSERT_EQUAL(length_counts_read(&c, path, N_LABELS, &msg), LINNET_E_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, files[i].reason));
        CU_ASSERT_PTR_NULL(c.at);
    }
    unlink(path);
}

static const struct unit_test tests[] = {
    {"histograms", histograms},
    {"static form", static_form},
    {"free lengths", free_lengths},
    {"wrong options are refused", wrong_options},
    {"what is written is read back", written_is_read_back},
    {"mistakes in files are named", mistakes_are_named},
};

UNIT_MAIN("length_model", tests)
