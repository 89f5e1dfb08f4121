/* SPDX-License-Identifier: Apache-2.0
 * test_hotwords.c - the hotword graph: by hand, against a plain search for phrases, and inside the prefix beam. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/common/hotwords.h"
#include "decoders/ctc/prefix.h"
#include "tests/support/unit.h"

/* Phrases are strings whose bytes are the tokens. */
#define MAX_PHRASES 12
#define MAX_LENGTH 16

struct phrases {
    struct hotword words[MAX_PHRASES];
    int tokens[MAX_PHRASES][MAX_LENGTH];
    int n;
};

static void add(struct phrases *p, const char *text, double bonus)
{
    int *tokens = p->tokens[p->n];
    int n = (int)strlen(text);
    for (int i = 0; i < n; i++)
        tokens[i] = text[i];
    p->words[p->n++] = (struct hotword){.tokens = tokens, .n_tokens = n, .bonus = bonus};
}

static struct hotwords *open_graph(const struct phrases *p)
{
    struct hotwords *h = NULL;
    CU_ASSERT_EQUAL_FATAL(hotwords_open(&h, p->words, p->n, NULL), 0);
    return h;
}

/* The sum after each token into sums, and after the end as the result. */
static double score(const struct hotwords *h, const char *text, double *sums)
{
    int state = HOTWORDS_START;
    double sum = 0.0, delta;
    for (int i = 0; text[i] != '\0'; i++) {
        state = hotwords_step(h, state, text[i], &delta);
        sum += delta;
        if (sums != NULL)
            sums[i] = sum;
    }
    return sum + hotwords_finish(h, state);
}

static void bonus_is_lent_earned_and_given_back(void)
{
    struct phrases p = {0};
    add(&p, "abc", 3.0);
    add(&p, "abcde", 3.0);
    add(&p, "xy", 1.0);
    struct hotwords *h = open_graph(&p);
    double s[16];
    CU_ASSERT_DOUBLE_EQUAL(score(h, "ab", s), 0.0, 1e-12); /* broken off by the end */
    CU_ASSERT_TRUE(s[0] == 3.0 && s[1] == 6.0);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abc", NULL), 9.0, 1e-12); /* earned, also at the end */
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abcd", s), 9.0, 1e-12);   /* the longer one breaks off: the shorter one stays */
    CU_ASSERT_TRUE(s[3] == 12.0);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abcde", NULL), 15.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abqxy", s), 2.0, 1e-12);
    CU_ASSERT_TRUE(s[2] == 0.0);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abcdxy", NULL), 11.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "aabc", NULL), 9.0, 1e-12); /* matched again from the second a */
    CU_ASSERT_DOUBLE_EQUAL(score(h, "ababcabc", NULL), 18.0, 1e-12);
    hotwords_close(h);
}

/* A phrase inside another one that breaks off, and one that begins where another one would have gone on. */
static void overlapping_phrases(void)
{
    struct phrases p = {0};
    add(&p, "abcz", 1.0);
    add(&p, "bc", 1.0);
    add(&p, "cd", 10.0);
    struct hotwords *h = open_graph(&p);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abcz", NULL), 4.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abcq", NULL), 2.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abcd", NULL), 2.0, 1e-12); /* c belongs to bc */
    CU_ASSERT_DOUBLE_EQUAL(score(h, "acd", NULL), 20.0, 1e-12);
    hotwords_close(h);
}

struct total {
    const struct phrases *phrases;
    double sum;
    int n;
};

static void add_found(void *arg, int i_phrase, int first, int n_tokens)
{
    struct total *t = arg;
    (void)first;
    t->sum += t->phrases->words[i_phrase].bonus * n_tokens;
    t->n++;
}

/* Random phrases over three letters, random texts: the graph's sum is that of the leftmost longest phrases. */
static void graph_equals_plain_search(void)
{
    unsigned seed = 7;
    int n_found = 0;
    for (int round = 0; round < 400; round++) {
        struct phrases p = {0};
        int n_phrases = 1 + round % MAX_PHRASES;
        for (int i = 0; i < n_phrases; i++) {
            char text[8] = "";
            int n = 1 + (int)((seed = seed * 1664525u + 1013904223u) >> 16) % 5;
            for (int j = 0; j < n; j++)
                text[j] = (char)('a' + ((seed = seed * 1664525u + 1013904223u) >> 16) % 3);
            add(&p, text, 2.0);
        }
        struct hotwords *h = open_graph(&p);
        char text[31] = "";
        int tokens[30];
        for (int j = 0; j < 30; j++)
            tokens[j] = text[j] = (char)('a' + ((seed = seed * 1664525u + 1013904223u) >> 16) % 3);
        struct total t = {.phrases = &p};
        hotwords_find(h, tokens, 30, add_found, &t);
        CU_ASSERT_DOUBLE_EQUAL(score(h, text, NULL), t.sum, 1e-9);
        n_found += t.n;
        hotwords_close(h);
    }
    CU_ASSERT_TRUE(n_found > 1000);
}

struct arcs {
    const struct hotwords *h;
    int state, n[256];
};

static void check_arc(void *arg, int token, double bonus, double delta)
{
    struct arcs *a = arg;
    double wanted;
    a->n[token]++;
    hotwords_step(a->h, a->state, token, &wanted);
    CU_ASSERT(delta == wanted && bonus == hotwords_bonus(a->h, a->state, token) && bonus > 0);
}

/* After every beginning of a text the arcs are the tokens that match anything, each once; all others break off. */
static void arcs_are_all_that_matches(void)
{
    struct phrases p = {0};
    add(&p, "abcz", 1.0);
    add(&p, "abd", 3.0);
    add(&p, "bc", 2.0);
    add(&p, "cda", 4.0);
    add(&p, "cb", 0.5);
    struct hotwords *h = open_graph(&p);
    static const char text[] = "ababcdabcbcdazabdd";
    struct arcs a = {.h = h};
    for (size_t i = 0; i < sizeof text; i++) {
        double delta;
        memset(a.n, 0, sizeof a.n);
        hotwords_arcs(h, a.state, check_arc, &a);
        for (int token = 0; token < 256; token++) {
            int next = hotwords_step(h, a.state, token, &delta);
            CU_ASSERT(a.n[token] <= 1);
            if (a.n[token] == 0)
                CU_ASSERT(next == HOTWORDS_START && delta == hotwords_finish(h, a.state) &&
                          hotwords_bonus(h, a.state, token) == 0);
        }
        CU_ASSERT(a.n['a'] == 1 && a.n['b'] == 1 && a.n['c'] == 1 && a.n['q'] == 0);
        a.state = hotwords_step(h, a.state, text[i], &delta);
    }
    hotwords_close(h);
}

/* Two texts are equally likely; the hotword decides, inside a beam and at the end of the utterance, and its bonus
 * stays. */
static void prefix_beam_prefers_hotwords(void)
{
    const double probs[3][4] = {{0.1, 0.6, 0.2, 0.1}, {0.9, 0.03, 0.04, 0.03}, {0.1, 0.1, 0.41, 0.39}};
    float logprobs[12];
    for (int i = 0; i < 12; i++)
        logprobs[i] = (float)log(probs[i / 4][i % 4]);
    const int phrase[] = {1, 3}, unfinished[] = {1, 2, 1, 2};
    const struct hotword words[] = {{phrase, 2, 1.5}, {unfinished, 4, 4.0}};
    struct hotwords *h = NULL;
    CU_ASSERT_EQUAL_FATAL(hotwords_open(&h, words, 2, NULL), 0);
    struct ctc_prefix_options o = {.n_vocabulary = 4, .n_symbols = 4, .n_beam = 8};
    for (int with = 0; with < 2; with++) {
        struct ctc_prefix *p = NULL;
        const struct hypothesis *best;
        o.hotwords = with ? h : NULL;
        CU_ASSERT_EQUAL_FATAL(ctc_prefix_open(&p, &o, NULL), 0);
        CU_ASSERT_EQUAL(ctc_prefix_step(p, logprobs, 3, NULL), 0);
        ctc_prefix_finish(p);
        CU_ASSERT_TRUE(ctc_prefix_nbest(p, 8, &best, NULL) > 1);
        CU_ASSERT_EQUAL(best[0].n, 2);
        CU_ASSERT_EQUAL(best[0].tokens[1], with ? 3 : 2);
        /* the arc for 1 has the larger bonus of the two phrases that share it */
        CU_ASSERT_DOUBLE_EQUAL(best[0].context, with ? 5.5 : 0.0, 1e-12);
        CU_ASSERT_TRUE(best[0].score >= best[1].score);
        ctc_prefix_close(p);
    }
    hotwords_close(h);
}

static void wrong_phrases_are_refused(void)
{
    struct hotwords *h = NULL;
    struct message m;
    const int token = 1;
    const struct hotword empty = {&token, 0, 1.0}, bad = {&token, 1, INFINITY};
    CU_ASSERT_EQUAL(hotwords_open(&h, &empty, 1, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(hotwords_open(&h, &bad, 1, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(h);
    CU_ASSERT_EQUAL_FATAL(hotwords_open(&h, NULL, 0, NULL), 0); /* no phrases: nothing ever happens */
    CU_ASSERT_DOUBLE_EQUAL(score(h, "abc", NULL), 0.0, 0.0);
    hotwords_close(h);
}

static const struct unit_test tests[] = {
    {"bonus is lent, earned and given back", bonus_is_lent_earned_and_given_back},
    {"overlapping phrases", overlapping_phrases},
    {"graph equals plain search", graph_equals_plain_search},
    {"arcs are all that matches", arcs_are_all_that_matches},
    {"prefix beam prefers hotwords", prefix_beam_prefers_hotwords},
    {"wrong phrases", wrong_phrases_are_refused},
};

UNIT_MAIN("hotwords", tests)
