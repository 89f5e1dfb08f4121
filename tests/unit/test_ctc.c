/* SPDX-License-Identifier: Apache-2.0
 * test_ctc.c - the CTC searches: by hand, against all alignments, against WeNet, and as streams. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "decoders/common/confidence.h"
#include "decoders/common/label_tree.h"
#include "decoders/common/scores.h"
#include "decoders/common/token_times.h"
#include "decoders/ctc/align.h"
#include "decoders/ctc/blank.h"
#include "decoders/ctc/greedy.h"
#include "decoders/ctc/prefix.h"
#include "tests/support/refs.h"

static unsigned seed = 1;

static double uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

/* Random log probabilities, each frame normalised; sharper for a larger power. */
static void random_frames(float *logprobs, int n_frames, int n_vocabulary, double power)
{
    for (int t = 0; t < n_frames; t++) {
        float *row = logprobs + t * n_vocabulary;
        double sum = 0.0;
        for (int v = 0; v < n_vocabulary; v++)
            sum += exp((row[v] = (float)(power * log(uniform() + 1e-6))));
        for (int v = 0; v < n_vocabulary; v++)
            row[v] -= (float)log(sum);
    }
}

static struct ctc_prefix *open_prefix(int n_vocabulary, int n_symbols, int n_beam, enum ctc_prefix_times times)
{
    struct ctc_prefix_options o = {
        .n_vocabulary = n_vocabulary, .n_symbols = n_symbols, .n_beam = n_beam, .times = times};
    struct ctc_prefix *p = NULL;
    CU_ASSERT_EQUAL_FATAL(ctc_prefix_open(&p, &o, NULL), 0);
    return p;
}

static int run_prefix(struct ctc_prefix *p, const float *logprobs, int n_frames, const struct hypothesis **nbest)
{
    ctc_prefix_reset(p);
    CU_ASSERT_EQUAL_FATAL(ctc_prefix_step(p, logprobs, n_frames, NULL), 0);
    ctc_prefix_finish(p);
    int n = ctc_prefix_nbest(p, 1000, nbest, NULL);
    CU_ASSERT_TRUE_FATAL(n >= 1);
    return n;
}

static int same_tokens(const struct hypothesis *h, const int *tokens, int n)
{
    return h->n == n && (n == 0 || memcmp(h->tokens, tokens, (size_t)n * sizeof *tokens) == 0);
}

/* The example of WeNet's own test, with both beams 3.  By hand:
 *     frame 0:  "" .25   "1" .40   "2" .35
 *     frame 1:  "" .25*.40 = .10
 *               "1" .40*.40 + (.40 + .25)*.35 = .16 (ends in blank) + .2275 = .3875
 *               "2" .35*.40 + (.35 + .25)*.25 = .14 + .15 = .29
 *               "12" .40*.25 = .10   "21" .35*.35 = .1225            kept: "1", "2", "21"
 *     frame 2:  "21" .1225*.10 + .1225*.50 + .29*.50 = .2185
 *               "12" .3875*.40 = .1550
 *               "1" .3875*.10 + .2275*.50 = .1525                    the rest is less */
static void prefix_by_hand(void)
{
    const double probs[9] = {0.25, 0.40, 0.35, 0.40, 0.35, 0.25, 0.10, 0.50, 0.40};
    const int first[] = {2, 1}, second[] = {1, 2}, third[] = {1};
    float logprobs[9];
    for (int i = 0; i < 9; i++)
        logprobs[i] = (float)log(probs[i]);
    struct ctc_prefix *p = open_prefix(3, 3, 3, CTC_PREFIX_TIMES_PEAK);
    const struct hypothesis *h;
    CU_ASSERT_EQUAL(run_prefix(p, logprobs, 3, &h), 3);
    CU_ASSERT_TRUE(same_tokens(&h[0], first, 2));
    CU_ASSERT_TRUE(same_tokens(&h[1], second, 2));
    CU_ASSERT_TRUE(same_tokens(&h[2], third, 1));
    CU_ASSERT_DOUBLE_EQUAL(exp(h[0].score), 0.2185, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(exp(h[1].score), 0.1550, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(exp(h[2].score), 0.1525, 1e-6);
    CU_ASSERT_TRUE(h[0].times[0] == 0 && h[0].times[1] == 2); /* 2, blank, 1: .35*.40*.50 */
    CU_ASSERT_TRUE(h[1].times[0] == 0 && h[1].times[1] == 2);
    CU_ASSERT_EQUAL(h[2].times[0], 2);
    ctc_prefix_close(p);
}

/* One token over frames 1-4, most probable in frame 2. */
static void times_of_a_run(void)
{
    const double token[6] = {0.01, 0.90, 0.98, 0.95, 0.91, 0.01};
    float logprobs[12];
    for (int t = 0; t < 6; t++) {
        logprobs[2 * t] = (float)log(1.0 - token[t]);
        logprobs[2 * t + 1] = (float)log(token[t]);
    }
    const struct hypothesis *h;
    struct ctc_prefix *p = open_prefix(2, 2, 4, CTC_PREFIX_TIMES_PEAK);
    run_prefix(p, logprobs, 6, &h);
    CU_ASSERT_TRUE(h[0].n == 1 && h[0].times[0] == 2);
    CU_ASSERT_DOUBLE_EQUAL(exp((double)h[0].logprobs[0]), 0.98, 1e-6);
    ctc_prefix_close(p);
    p = open_prefix(2, 2, 4, CTC_PREFIX_TIMES_WENET);
    run_prefix(p, logprobs, 6, &h);
    CU_ASSERT_TRUE(h[0].n == 1 && h[0].times[0] == 4);
    CU_ASSERT_DOUBLE_EQUAL(exp((double)h[0].logprobs[0]), 0.98, 1e-6);
    ctc_prefix_close(p);
}

#define MAX_T 6
#define MAX_TEXTS 6000

struct text {
    int tokens[MAX_T], n;
    double sum, best;     /* probability of all alignments, of the best one */
    int frames[MAX_T][2]; /* first and last frame of each token in the best alignment */
};

/* Every alignment of n_frames frames, collapsed and added up. */
static int all_texts(const float *logprobs, int n_frames, int n_vocabulary, struct text *texts)
{
    int n_texts = 0, n_alignments = 1;
    for (int t = 0; t < n_frames; t++)
        n_alignments *= n_vocabulary;
    for (int a = 0; a < n_alignments; a++) {
        struct text x = {.best = 0.0};
        int last = 0;
        for (int t = 0, rest = a; t < n_frames; t++, rest /= n_vocabulary) {
            int symbol = rest % n_vocabulary;
            x.best += (double)logprobs[t * n_vocabulary + symbol];
            if (symbol != 0 && symbol != last) {
                x.frames[x.n][0] = t;
                x.tokens[x.n++] = symbol;
            }
            if (symbol != 0)
                x.frames[x.n - 1][1] = t;
            last = symbol;
        }
        int i = 0;
        while (i < n_texts && (texts[i].n != x.n || memcmp(texts[i].tokens, x.tokens, (size_t)x.n * sizeof(int)) != 0))
            i++;
        x.sum = exp(x.best);
        if (i == n_texts) {
            texts[n_texts++] = x;
            continue;
        }
        x.sum += texts[i].sum;
        if (x.best <= texts[i].best) {
            x.best = texts[i].best;
            memcpy(x.frames, texts[i].frames, sizeof x.frames);
        }
        texts[i] = x;
    }
    return n_texts;
}

static int better(const void *a, const void *b)
{
    double x = ((const struct text *)a)->sum, y = ((const struct text *)b)->sum;
    return (x < y) - (x > y);
}

/* With a beam that loses nothing, every text's score is the sum over its alignments, and its times lie in the best one.
 */
static void prefix_against_all_alignments(void)
{
    struct text *texts = mem_array(MAX_TEXTS, sizeof *texts);
    float logprobs[MAX_T * 4];
    for (int round = 0; round < 60; round++) {
        int n_frames = 1 + round % MAX_T, n_vocabulary = 2 + round % 3;
        random_frames(logprobs, n_frames, n_vocabulary, 1.0);
        int n_texts = all_texts(logprobs, n_frames, n_vocabulary, texts);
        qsort(texts, (size_t)n_texts, sizeof *texts, better);
        struct ctc_prefix *p = open_prefix(n_vocabulary, n_vocabulary, 1024, CTC_PREFIX_TIMES_PEAK);
        const struct hypothesis *h;
        int n = run_prefix(p, logprobs, n_frames, &h);
        CU_ASSERT_EQUAL(n, n_texts);
        for (int i = 0; i < n && i < n_texts; i++) {
            CU_ASSERT_DOUBLE_EQUAL(h[i].score, log(texts[i].sum), 1e-9);
            CU_ASSERT_TRUE(same_tokens(&h[i], texts[i].tokens, texts[i].n));
            for (int j = 0; j < h[i].n; j++) {
                int in_run = h[i].times[j] >= texts[i].frames[j][0] && h[i].times[j] <= texts[i].frames[j][1];
                CU_ASSERT_TRUE(in_run);
                for (int t = texts[i].frames[j][0]; t <= texts[i].frames[j][1]; t++)
                    CU_ASSERT_TRUE(logprobs[t * n_vocabulary + h[i].tokens[j]] <= h[i].logprobs[j]);
            }
        }
        ctc_prefix_close(p);
    }
    mem_free(texts);
}

/* The alignment of every text that fits is the best of all its alignments. */
static void alignment_against_all_alignments(void)
{
    struct text *texts = mem_array(MAX_TEXTS, sizeof *texts);
    float logprobs[MAX_T * 4], values[MAX_T];
    int times[MAX_T], begins[MAX_T], ends[MAX_T];
    for (int round = 0; round < 30; round++) {
        int n_frames = 1 + round % MAX_T, n_vocabulary = 2 + round % 3;
        random_frames(logprobs, n_frames, n_vocabulary, 1.0);
        int n_texts = all_texts(logprobs, n_frames, n_vocabulary, texts);
        for (int i = 0; i < n_texts; i++) {
            const struct text *x = &texts[i];
            const struct ctc_align_input in = {logprobs, n_frames, n_vocabulary, 0, x->tokens, x->n};
            struct ctc_alignment runs = {.begins = begins, .ends = ends}, peaks = {.peaks = times, .logprobs = values};
            CU_ASSERT_EQUAL(ctc_align(&in, &runs, NULL), 0);
            for (int j = 0; j < x->n; j++)
                CU_ASSERT_TRUE(begins[j] == x->frames[j][0] && ends[j] == x->frames[j][1] + 1);
            CU_ASSERT_EQUAL(ctc_align(&in, &peaks, NULL), 0);
            CU_ASSERT_DOUBLE_EQUAL(peaks.score, x->best, 1e-9);
            CU_ASSERT_EQUAL(runs.score, peaks.score);
            for (int j = 0; j < x->n; j++) {
                CU_ASSERT_TRUE(times[j] >= x->frames[j][0] && times[j] <= x->frames[j][1]);
                CU_ASSERT_EQUAL(values[j], logprobs[times[j] * n_vocabulary + x->tokens[j]]);
                for (int t = x->frames[j][0]; t <= x->frames[j][1]; t++)
                    CU_ASSERT_TRUE(logprobs[t * n_vocabulary + x->tokens[j]] <= values[j]);
            }
        }
    }
    const int twice[] = {1, 1};
    struct ctc_align_input in = {logprobs, 2, 2, 0, twice, 2};
    struct ctc_alignment found = {.peaks = times};
    CU_ASSERT_EQUAL(ctc_align(&in, &found, NULL), LINNET_E_ARGUMENT);
    in.n_frames = 3;
    CU_ASSERT_EQUAL(ctc_align(&in, &found, NULL), 0);
    CU_ASSERT_TRUE(times[0] == 0 && times[1] == 2);
    in.n = 0;
    CU_ASSERT_EQUAL(ctc_align(&in, &found, NULL), 0);
    mem_free(texts);
}

/* Words of one and two tokens: .5, sqrt(.9 * .4) = .6; the utterance: cube root of .18. */
static void confidences_are_geometric_means(void)
{
    const float logprobs[] = {logf(0.5f), logf(0.9f), logf(0.4f)};
    const int ends[] = {1, 3};
    float tokens[3], words[2];
    confidence_of_logprobs(logprobs, 3, tokens);
    confidence_of_words(tokens, ends, 2, words);
    CU_ASSERT_DOUBLE_EQUAL((double)words[0], 0.5, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL((double)words[1], 0.6, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL((double)confidence_mean(tokens, 3), cbrt(0.18), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL((double)confidence_mean(tokens, 0), 1.0, 0.0);
    tokens[1] = 0.0f;
    CU_ASSERT_DOUBLE_EQUAL((double)confidence_mean(tokens, 3), 0.0, 0.0);
}

static void check_mode(const struct refs *r, const char *mode, const json_t *methods, int n_beam)
{
    int n_frames = 0, n_vocabulary = 0;
    float *logprobs = refs_matrix(r, mode, "ctc_logprobs", &n_frames, &n_vocabulary);
    CU_ASSERT_PTR_NOT_NULL_FATAL(logprobs);
    const json_t *greedy = json_object_get(json_object_get(methods, "ctc_greedy_search"), "tokens");
    const json_t *prefix = json_object_get(methods, "ctc_prefix_beam_search");
    struct ctc_greedy *g;
    CU_ASSERT_EQUAL_FATAL(ctc_greedy_open(&g, n_vocabulary, 0, NULL), 0);
    CU_ASSERT_EQUAL(ctc_greedy_step(g, logprobs, n_frames, NULL), 0);
    struct hypothesis best = *ctc_greedy_result(g);
    CU_ASSERT_TRUE(refs_same(greedy, best.tokens, best.n));
    ctc_greedy_close(g);

    struct ctc_prefix *p = open_prefix(n_vocabulary, n_beam, n_beam, CTC_PREFIX_TIMES_WENET);
    const struct hypothesis *h;
    int n = run_prefix(p, logprobs, n_frames, &h);
    const json_t *nbest = json_object_get(prefix, "nbest"), *scores = json_object_get(prefix, "scores");
    const json_t *times = json_object_get(prefix, "times");
    CU_ASSERT_EQUAL_FATAL((size_t)n, json_array_size(nbest));
    for (int i = 0; i < n; i++) {
        CU_ASSERT_TRUE(refs_same(json_array_get(nbest, (size_t)i), h[i].tokens, h[i].n));
        CU_ASSERT_TRUE(refs_same(json_array_get(times, (size_t)i), h[i].times, h[i].n));
        CU_ASSERT_DOUBLE_EQUAL(h[i].score, json_real_value(json_array_get(scores, (size_t)i)), 1e-4);
    }
    ctc_prefix_close(p);
    mem_free(logprobs);
}

static void searches_equal_wenet(void)
{
    for (int i = 0; i < REFS_N; i++) {
        struct refs r;
        CU_ASSERT_EQUAL_FATAL(refs_open(&r, refs_names[i]), 0);
        const json_t *beam = json_object_get(json_object_get(r.json, "settings"), "beam_size");
        const char *mode;
        json_t *methods;
        json_object_foreach(r.results, mode, methods) check_mode(&r, mode, methods, (int)json_integer_value(beam));
        refs_close(&r);
    }
}

static int same_hypothesis(const struct hypothesis *a, const struct hypothesis *b)
{
    size_t n = (size_t)a->n;
    return a->n == b->n && a->score == b->score &&
           (n == 0 ||
            (memcmp(a->tokens, b->tokens, n * sizeof(int)) == 0 && memcmp(a->times, b->times, n * sizeof(int)) == 0 &&
             memcmp(a->logprobs, b->logprobs, n * sizeof(float)) == 0));
}

/* Any number of frames at a time, interleaved with another stream, read in between, after a reset: the same, bit by
 * bit; and what was called committed is in every later result. */
static void streams_equal_whole(void)
{
    enum { T = 400, V = 30, BEAM = 7 };
    float *logprobs = mem_array(T * V, sizeof *logprobs);
    random_frames(logprobs, T, V, 6.0);
    struct ctc_prefix *whole = open_prefix(V, 5, BEAM, CTC_PREFIX_TIMES_PEAK);
    const struct hypothesis *expected, *h;
    int n_expected = run_prefix(whole, logprobs, T, &expected);
    struct ctc_greedy *gw, *gs;
    CU_ASSERT_EQUAL_FATAL(ctc_greedy_open(&gw, V, 0, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(ctc_greedy_open(&gs, V, 0, NULL), 0);
    CU_ASSERT_EQUAL(ctc_greedy_step(gw, logprobs, T, NULL), 0);
    struct hypothesis greedy = *ctc_greedy_result(gw);
    struct ctc_prefix *s = open_prefix(V, 5, BEAM, CTC_PREFIX_TIMES_PEAK), *other = open_prefix(V, 3, 3, 0);
    for (int chunk = 1; chunk <= 64; chunk = chunk * 2 + 1) {
        int committed = 0;
        ctc_prefix_reset(s);
        ctc_greedy_reset(gs);
        for (int t = 0; t < T; t += chunk) {
            int n = T - t < chunk ? T - t : chunk;
            CU_ASSERT_EQUAL(ctc_prefix_step(s, logprobs + t * V, n, NULL), 0);
            CU_ASSERT_EQUAL(ctc_greedy_step(gs, logprobs + t * V, n, NULL), 0);
            CU_ASSERT_EQUAL(ctc_prefix_step(other, logprobs + (T - t - n) * V, n, NULL), 0);
            CU_ASSERT_TRUE(ctc_prefix_committed(s) >= committed);
            committed = ctc_prefix_committed(s);
            CU_ASSERT_EQUAL(ctc_prefix_nbest(s, 1, &h, NULL), 1);
            for (int i = 0; i < n_expected; i++)
                CU_ASSERT_TRUE(memcmp(h->tokens, expected[i].tokens, (size_t)committed * sizeof(int)) == 0);
        }
        ctc_prefix_finish(s);
        CU_ASSERT_EQUAL(ctc_prefix_nbest(s, BEAM, &h, NULL), n_expected);
        CU_ASSERT_TRUE(committed > 20);
        for (int i = 0; i < n_expected; i++)
            CU_ASSERT_TRUE(same_hypothesis(&h[i], &expected[i]));
        struct hypothesis streamed = *ctc_greedy_result(gs);
        CU_ASSERT_TRUE(same_hypothesis(&streamed, &greedy));
    }
    ctc_prefix_close(whole);
    ctc_prefix_close(s);
    ctc_prefix_close(other);
    ctc_greedy_close(gw);
    ctc_greedy_close(gs);
    mem_free(logprobs);
}

static void best_symbols(void)
{
    const float x[8] = {-3.0f, -1.0f, NAN, -1.0f, -INFINITY, -2.0f, INFINITY, -1.0f};
    int ids[8];
    float values[8];
    CU_ASSERT_EQUAL(scores_best(x, 8, 4, ids, values), 4);
    CU_ASSERT_TRUE(ids[0] == 1 && ids[1] == 3 && ids[2] == 7 && ids[3] == 5);
    CU_ASSERT_EQUAL(scores_best(x, 8, 20, ids, values), 8);
    CU_ASSERT_TRUE(ids[4] == 0 && ids[5] == 2 && values[5] < -1e29f && isfinite(values[5]));
}

/* Nothing in a frame is a number: the search goes on with what it has. */
static void survives_nonsense(void)
{
    float logprobs[9] = {-1.0f, -2.0f, -0.5f, NAN, NAN, NAN, -INFINITY, -INFINITY, INFINITY};
    struct ctc_prefix *p = open_prefix(3, 3, 4, CTC_PREFIX_TIMES_PEAK);
    const struct hypothesis *h;
    CU_ASSERT_TRUE(run_prefix(p, logprobs, 3, &h) >= 1);
    CU_ASSERT_FALSE(isnan(h[0].score));
    ctc_prefix_close(p);
}

/* A penalty on blank's logit is a softmax over the changed logits. */
static void blank_is_adjusted(void)
{
    const double logits[3] = {2.0, 0.5, -1.0}, penalty = 1.25;
    float row[3];
    double sum = exp(2.0) + exp(0.5) + exp(-1.0), changed = exp(2.0 - penalty) + exp(0.5) + exp(-1.0);
    for (int i = 0; i < 3; i++)
        row[i] = (float)(logits[i] - log(sum));
    ctc_blank_adjust(row, 1, 3, 0, penalty, 0.5);
    CU_ASSERT_DOUBLE_EQUAL((double)row[0], 2.0 - penalty - log(changed) + log(0.5), 4 * FLT_EPSILON);
    CU_ASSERT_DOUBLE_EQUAL((double)row[1], 0.5 - log(changed), 4 * FLT_EPSILON);
    CU_ASSERT_DOUBLE_EQUAL((double)row[2], -1.0 - log(changed), 4 * FLT_EPSILON);
}

/* A bonus of b for each token adds b * length to every score, and can change the order. */
static void token_bonus_counts_tokens(void)
{
    float logprobs[MAX_T * 3];
    random_frames(logprobs, MAX_T, 3, 1.0);
    struct ctc_prefix_options o = {.n_vocabulary = 3, .n_symbols = 3, .n_beam = 1024, .token_bonus = 5.0};
    struct ctc_prefix *plain = open_prefix(3, 3, 1024, CTC_PREFIX_TIMES_PEAK), *p;
    CU_ASSERT_EQUAL_FATAL(ctc_prefix_open(&p, &o, NULL), 0);
    const struct hypothesis *a, *b;
    int n = run_prefix(plain, logprobs, MAX_T, &a), n_found = 0;
    CU_ASSERT_EQUAL(run_prefix(p, logprobs, MAX_T, &b), n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (same_tokens(&a[i], b[j].tokens, b[j].n)) {
                CU_ASSERT_DOUBLE_EQUAL(b[j].score, a[i].score + 5.0 * a[i].n, 1e-9);
                n_found++;
            }
    CU_ASSERT_EQUAL(n_found, n);
    CU_ASSERT_EQUAL(b[0].n, MAX_T); /* nothing is longer */
    ctc_prefix_close(plain);
    ctc_prefix_close(p);
}

/* A tree over an endless sequence of which only the last nodes are in use stays as small as it was. */
static void tree_takes_nodes_again(void)
{
    struct label_tree t;
    CU_ASSERT_EQUAL_FATAL(label_tree_open(&t), 0);
    int node = label_tree_keep(&t, LABEL_TREE_ROOT), n_nodes = t.n_nodes;
    for (int i = 0; i < 100000; i++) {
        CU_ASSERT_EQUAL_FATAL(label_tree_reserve(&t, 2), 0);
        int depth = t.nodes[node].depth;
        int next = label_tree_add(&t, depth < 50 ? node : t.nodes[node].parent, i, 0.0f);
        int dead_end = label_tree_add(&t, next, -i, 0.0f);
        label_tree_drop(&t, dead_end);
        label_tree_drop(&t, node);
        node = next;
    }
    CU_ASSERT_EQUAL(t.n_nodes, n_nodes);
    CU_ASSERT_EQUAL(t.nodes[node].depth, 50);
    CU_ASSERT_EQUAL(label_tree_child(&t, t.nodes[node].parent, 99999), node);
    label_tree_drop(&t, node);
    CU_ASSERT_EQUAL(t.n_free, t.n_nodes - 1); /* all but the root */
    label_tree_close(&t);
}

/* Frames of 40 ms: 10 starts 100 ms before itself; 12 is 80 ms later: they meet at 11; 20 is alone; 0 cannot start
 * before 0; 23 and 21 meet at 22. */
static void times_in_seconds(void)
{
    const int frames[] = {0, 10, 12, 20, 21, 23};
    const double start[] = {0.0, 0.3, 0.44, 0.7, 0.8, 0.88}, end[] = {0.0, 0.44, 0.48, 0.8, 0.88, 0.92};
    double s[6], e[6];
    token_times(frames, 6, 40.0, TOKEN_TIMES_GAP_MS, 2.0, s, e);
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_DOUBLE_EQUAL(s[i], 2.0 + start[i], 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(e[i], 2.0 + end[i], 1e-12);
    }
}

static void wrong_options_are_refused(void)
{
    struct message m;
    struct ctc_prefix *p = NULL;
    struct ctc_prefix_options o = {.n_vocabulary = 10, .n_symbols = 5, .n_beam = 0};
    CU_ASSERT_EQUAL(ctc_prefix_open(&p, &o, &m), LINNET_E_ARGUMENT);
    o = (struct ctc_prefix_options){.n_vocabulary = 10, .blank = 10, .n_symbols = 5, .n_beam = 5};
    CU_ASSERT_EQUAL(ctc_prefix_open(&p, &o, &m), LINNET_E_ARGUMENT);
    o = (struct ctc_prefix_options){.n_vocabulary = 10, .n_symbols = 5, .n_beam = 5, .token_bonus = NAN};
    CU_ASSERT_EQUAL(ctc_prefix_open(&p, &o, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(p);
}

static const struct unit_test tests[] = {
    {"prefix beam by hand", prefix_by_hand},
    {"times of a run", times_of_a_run},
    {"prefix beam against all alignments", prefix_against_all_alignments},
    {"alignment against all alignments", alignment_against_all_alignments},
    {"confidences are geometric means", confidences_are_geometric_means},
    {"streams equal whole", streams_equal_whole},
    {"best symbols of a frame", best_symbols},
    {"survives nonsense", survives_nonsense},
    {"blank penalty and scale", blank_is_adjusted},
    {"token bonus", token_bonus_counts_tokens},
    {"tree takes nodes again", tree_takes_nodes_again},
    {"times in seconds", times_in_seconds},
    {"wrong options", wrong_options_are_refused},
    {"searches equal WeNet", searches_equal_wenet}, /* last: left out without its data */
};

int main(void)
{
    size_t n = sizeof tests / sizeof tests[0];
    int have = unit_shared() != NULL, rc = unit_main("ctc", tests, have ? n : n - 1);
    return rc != 0 || have ? rc : UNIT_SKIP;
}
