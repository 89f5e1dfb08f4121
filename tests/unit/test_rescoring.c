/* SPDX-License-Identifier: Apache-2.0
 * test_rescoring.c - the attention decoder, rescoring and the attention search: against a plain implementation in
 * double precision on small random models, and against WeNet. */
#include "decoders/attention/rescoring.h"
#include "decoders/attention/search.h"
#include "decoders/ctc/prefix.h"
#include "tests/support/converted.h"
#include "tests/support/refs.h"

/* ---- a small random decoder ---- */

enum { V = 11, D = 8, H = 2, HIDDEN = 20, BLOCKS = 2, T = 37, MAX_LENGTH = 12 };

#include "tests/support/plain_decoder.h"

/* log p(next | tokens [n]) into logprobs [n + 1][V]. */
static void plain_logprobs(const struct model *m, const char *prefix, int post_norm, const double (*frames)[D],
                           const int *tokens, int n, double (*logprobs)[V])
{
    int begin[MAX_LENGTH] = {0}, end[MAX_LENGTH];
    for (int t = 0; t <= n; t++)
        end[t] = T;
    plain_logprobs_within(&(struct plain_part){m, prefix, post_norm, -1}, &(struct plain_view){frames, begin, end},
                          tokens, n, logprobs);
}

/* ---- what is tested ---- */

struct setup {
    struct model model;
    struct pool *pool;
    struct nn_context ctx;
    struct text_decoder *left, *right;
    float frames[T * D];
    double plain_frames[T][D];
};

static void setup_open(struct setup *s, int n_threads, int post_norm)
{
    struct text_decoder_config config = small;
    config.post_norm = post_norm;
    memset(s, 0, sizeof *s);
    model_open(&s->model, put_left_and_right);
    CU_ASSERT_EQUAL_FATAL(pool_open(&s->pool, n_threads), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, s->pool, NULL), 0);
    s->left = decoder_open(&s->model, "left.", &config, s->pool);
    s->right = decoder_open(&s->model, "right.", &config, s->pool);
    for (int i = 0; i < T * D; i++)
        s->plain_frames[i / D][i % D] = (double)(s->frames[i] = uniform() * 4.0f);
}

static void setup_close(struct setup *s)
{
    text_decoder_close(s->left);
    text_decoder_close(s->right);
    nn_context_close(&s->ctx);
    pool_close(s->pool);
    model_close(&s->model);
}

static const int texts[][5] = {{1, 2, 3, 4}, {1, 2, 3, 5, 0}, {1, 2}, {7, 7, 2}, {0}, {1, 2, 3, 4}};
static const int lengths[] = {4, 5, 2, 3, 0, 4};
#define N_TEXTS 6

static void make_list(struct hypothesis *list)
{
    for (int i = 0; i < N_TEXTS; i++)
        list[i] = (struct hypothesis){.tokens = texts[i], .n = lengths[i], .score = -0.25 * i};
}

/* The place in the list [n] of a hypothesis that was rescored: its tokens are the list's. */
static int place(const struct hypothesis *list, int n, const struct hypothesis *rescored)
{
    int i = 0;
    while (i < n && !(list[i].tokens == rescored->tokens && list[i].n == rescored->n))
        i++;
    CU_ASSERT_TRUE_FATAL(i < n);
    return i;
}

/* Rescoring of a list with shared beginnings and ends equals the definition, text by text. */
static void check_rescoring(int n_threads, int post_norm, double reverse_weight)
{
    struct setup s;
    struct rescoring *r = NULL;
    struct hypothesis list[N_TEXTS];
    const struct hypothesis *found;
    setup_open(&s, n_threads, post_norm);
    make_list(list);
    const struct rescoring_options options = {s.left, s.right, .ctc_weight = 0.5, .reverse_weight = reverse_weight};
    CU_ASSERT_EQUAL_FATAL(rescoring_open(&r, &options, NULL), 0);
    const struct rescoring_input input = {s.frames, T, list, N_TEXTS};
    CU_ASSERT_EQUAL_FATAL(rescoring_run(r, &s.ctx, &input, &found, NULL), N_TEXTS);
    for (int i = 0; i < N_TEXTS; i++) {
        const struct hypothesis *h = &list[place(list, N_TEXTS, &found[i])];
        double left[MAX_LENGTH][V], right[MAX_LENGTH][V];
        int backwards[MAX_LENGTH];
        for (int j = 0; j < h->n; j++)
            backwards[j] = h->tokens[h->n - 1 - j];
        plain_logprobs(&s.model, "left", post_norm, (const double(*)[D])s.plain_frames, h->tokens, h->n, left);
        plain_logprobs(&s.model, "right", post_norm, (const double(*)[D])s.plain_frames, backwards, h->n, right);
        double l = left[h->n][small.eos], rr = right[h->n][small.eos];
        for (int j = 0; j < h->n; j++) {
            double a = left[j][h->tokens[j]], b = right[h->n - 1 - j][h->tokens[j]];
            l += a;
            rr += b;
            CU_ASSERT_DOUBLE_EQUAL((double)found[i].confidences[j],
                                   reverse_weight > 0.0 ? (exp(a) + exp(b)) / 2.0 : exp(a), 1e-5);
        }
        double attention = l * (1.0 - reverse_weight) + rr * reverse_weight;
        CU_ASSERT_DOUBLE_EQUAL(found[i].score, attention + 0.5 * h->score, 1e-4);
        CU_ASSERT_DOUBLE_EQUAL(found[i].confidence, exp(attention / (h->n + 1)), 1e-5);
        CU_ASSERT_TRUE(i == 0 || found[i - 1].score >= found[i].score);
    }
    rescoring_close(r);
    setup_close(&s);
}

static void rescoring_equals_definition(void)
{
    check_rescoring(1, 0, 0.3);
    check_rescoring(3, 0, 0.0);
    check_rescoring(2, 1, 0.3);
}

/* A list at once, each of its texts alone, and any number of threads: the same bits. */
static void rescoring_does_not_depend_on_company(void)
{
    double scores[N_TEXTS] = {0};
    for (int round = 0; round < 3; round++) {
        struct setup s;
        struct rescoring *r = NULL;
        struct hypothesis list[N_TEXTS];
        const struct hypothesis *found;
        seed = 99;
        setup_open(&s, round + 1, 0);
        make_list(list);
        const struct rescoring_options options = {s.left, s.right, .ctc_weight = 0.5, .reverse_weight = 0.4};
        CU_ASSERT_EQUAL_FATAL(rescoring_open(&r, &options, NULL), 0);
        const struct rescoring_input input = {s.frames, T, list, N_TEXTS};
        CU_ASSERT_EQUAL_FATAL(rescoring_run(r, &s.ctx, &input, &found, NULL), N_TEXTS);
        for (int i = 0; i < N_TEXTS; i++) {
            int h = place(list, N_TEXTS, &found[i]);
            if (round == 0)
                scores[h] = found[i].score;
            CU_ASSERT_EQUAL(found[i].score, scores[h]);
        }
        for (int i = 0; i < N_TEXTS; i++) {
            const struct rescoring_input one = {s.frames, T, &list[i], 1};
            CU_ASSERT_EQUAL_FATAL(rescoring_run(r, &s.ctx, &one, &found, NULL), 1);
            CU_ASSERT_EQUAL(found[0].score, scores[i]);
        }
        rescoring_close(r);
        setup_close(&s);
    }
}

static int better(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* All texts of up to three tokens, by the plain implementation; a beam that keeps everything finds the best of them. */
static void search_finds_the_best(void)
{
    struct setup s;
    struct attention_search *a = NULL;
    const struct attention_search_options options = {.n_beam = 256, .max_tokens = 3};
    const struct hypothesis *found;
    seed = 5;
    setup_open(&s, 2, 0);
    static double all[1 + V + V * V + V * V * V];
    int n_all = 0;
    for (int code = 0; code < V * V * V; code++) {
        int tokens[3] = {code / V / V, code / V % V, code % V}, n = 0;
        double logprobs[MAX_LENGTH][V], sum = 0.0;
        while (n < 3 && tokens[n] != small.eos)
            n++;
        int canonical = 1; /* what follows eos is written as eos */
        for (int j = n; j < 3; j++)
            canonical = canonical && tokens[j] == small.eos;
        if (!canonical)
            continue;
        plain_logprobs(&s.model, "left", 0, (const double(*)[D])s.plain_frames, tokens, n, logprobs);
        for (int j = 0; j < n; j++)
            sum += logprobs[j][tokens[j]];
        all[n_all++] = n < 3 ? sum + logprobs[n][small.eos] : sum;
    }
    qsort(all, (size_t)n_all, sizeof *all, better);
    CU_ASSERT_EQUAL_FATAL(attention_search_open(&a, s.left, &options, NULL), 0);
    const struct attention_search_input input = {.encoder_out = s.frames, .n_frames = T};
    int n = attention_search_run(a, &s.ctx, &input, &found, NULL);
    CU_ASSERT_EQUAL_FATAL(n, 256);
    for (int i = 0; i < n; i++)
        CU_ASSERT_DOUBLE_EQUAL(found[i].score, all[i], 1e-4);
    attention_search_close(a);
    setup_close(&s);
}

/* A token that is a hotword gets its bonus; an unfinished one gives it back at the end. */
static void search_takes_hotwords(void)
{
    struct setup s;
    struct attention_search *a = NULL;
    const int phrase[] = {6, 3}, unfinished[] = {2, 2, 2, 2, 2};
    const struct hotword words[] = {{phrase, 2, 6.0}, {unfinished, 5, 3.0}};
    struct hotwords *h = NULL;
    const struct hypothesis *found;
    setup_open(&s, 1, 0);
    CU_ASSERT_EQUAL_FATAL(hotwords_open(&h, words, 2, NULL), 0);
    const struct attention_search_options options = {.n_beam = 20, .max_tokens = 4, .hotwords = h};
    CU_ASSERT_EQUAL_FATAL(attention_search_open(&a, s.left, &options, NULL), 0);
    const struct attention_search_input input = {.encoder_out = s.frames, .n_frames = T};
    int n = attention_search_run(a, &s.ctx, &input, &found, NULL);
    CU_ASSERT_EQUAL(n, 20);
    CU_ASSERT_TRUE(found[0].context >= 12.0);
    CU_ASSERT_TRUE(found[0].n >= 2);
    attention_search_close(a);
    hotwords_close(h);
    setup_close(&s);
}

static int cancel(void *arg) { return --*(int *)arg < 0; }

static void wrong_things_are_refused(void)
{
    struct setup s;
    struct message m;
    struct text_decoder *d = NULL;
    struct attention_search *a = NULL;
    struct text_decoder_config config = small;
    setup_open(&s, 1, 0);
    const struct layer_source from = {s.model.file, PRECISION_FP32, NULL, &m, NULL};
    config.n_heads = 3;
    CU_ASSERT_EQUAL(text_decoder_open(&d, &config, &wenet_decoder_names, "left.", &from), LINNET_E_MODEL);
    config = small;
    config.n_hidden = HIDDEN + 1;
    CU_ASSERT_TRUE(text_decoder_open(&d, &config, &wenet_decoder_names, "left.", &from) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, "left.decoders.0.feed_forward.w_1.weight"));
    config = small;
    config.n_blocks = BLOCKS + 1;
    CU_ASSERT_TRUE(text_decoder_open(&d, &config, &wenet_decoder_names, "left.", &from) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, "left.decoders.2."));
    config = small;
    config.eos = V;
    CU_ASSERT_EQUAL(text_decoder_open(&d, &config, &wenet_decoder_names, "left.", &from), LINNET_E_MODEL);
    CU_ASSERT_PTR_NULL(d);
    struct attention_search_options options = {.n_beam = 0};
    CU_ASSERT_EQUAL(attention_search_open(&a, s.left, &options, &m), LINNET_E_ARGUMENT);
    options.n_beam = 3;
    CU_ASSERT_EQUAL_FATAL(attention_search_open(&a, s.left, &options, &m), 0);
    int n_steps = 2;
    const struct hypothesis *found;
    const struct attention_search_input input = {s.frames, T, cancel, &n_steps};
    CU_ASSERT_EQUAL(attention_search_run(a, &s.ctx, &input, &found, &m), LINNET_E_CANCELLED);
    attention_search_close(a);
    setup_close(&s);
}

/* ---- WeNet ---- */

static const struct text_decoder_config reference = {.n_vocabulary = 60,
                                                     .n_dims = 64,
                                                     .n_heads = 4,
                                                     .n_hidden = 128,
                                                     .n_blocks = 2,
                                                     .embedding_scale = 8.0f,
                                                     .activation = NN_RELU,
                                                     .norm_eps = 1e-5f,
                                                     .sos = 59,
                                                     .eos = 59};

struct wenet {
    struct refs refs;
    struct converted converted;
    struct safetensors *weights;
    struct nn_context ctx;
    struct text_decoder *left, *right;
    int n_beam;
    struct rescoring_options options;
};

static double setting(const struct wenet *w, const char *name)
{
    return json_number_value(json_object_get(json_object_get(w->refs.json, "settings"), name));
}

static void wenet_open(struct wenet *w, const char *name)
{
    char source[64];
    memset(w, 0, sizeof *w);
    snprintf(source, sizeof source, "refs/%s", name);
    CU_ASSERT_EQUAL_FATAL(refs_open(&w->refs, name), 0);
    CU_ASSERT_EQUAL_FATAL(converted_open(&w->converted, source), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&w->weights, w->converted.dir, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&w->ctx, NULL, NULL), 0);
    int both = safetensors_find(w->weights, "decoder.right_decoder.embed.0.weight") != NULL;
    const struct layer_source from = {w->weights, PRECISION_FP32, NULL, NULL, NULL};
    const char *prefix = both ? "decoder.left_decoder." : "decoder.";
    CU_ASSERT_EQUAL_FATAL(text_decoder_open(&w->left, &reference, &wenet_decoder_names, prefix, &from), 0);
    prefix = "decoder.right_decoder.";
    if (both)
        CU_ASSERT_EQUAL_FATAL(text_decoder_open(&w->right, &reference, &wenet_decoder_names, prefix, &from), 0);
    w->n_beam = (int)setting(w, "beam_size");
    w->options = (struct rescoring_options){w->left, w->right, setting(w, "ctc_weight"), setting(w, "reverse_weight")};
}

static void wenet_close(struct wenet *w)
{
    text_decoder_close(w->left);
    text_decoder_close(w->right);
    nn_context_close(&w->ctx);
    safetensors_close(w->weights);
    converted_close(&w->converted);
    refs_close(&w->refs);
}

static void check_wenet_rescoring(struct wenet *w, const json_t *expected, const struct hypothesis *list, int n,
                                  const float *encoder_out, int n_frames)
{
    struct rescoring *r = NULL;
    const struct hypothesis *found;
    CU_ASSERT_EQUAL_FATAL(rescoring_open(&r, &w->options, NULL), 0);
    const struct rescoring_input input = {encoder_out, n_frames, list, n};
    CU_ASSERT_EQUAL_FATAL(rescoring_run(r, &w->ctx, &input, &found, NULL), n);
    const struct hypothesis *best = &list[place(list, n, &found[0])];
    CU_ASSERT_TRUE(refs_same(json_object_get(expected, "tokens"), best->tokens, best->n));
    CU_ASSERT_TRUE(refs_same(json_object_get(expected, "times"), best->times, best->n));
    CU_ASSERT_DOUBLE_EQUAL(found[0].score, json_number_value(json_object_get(expected, "score")), 2e-3);
    CU_ASSERT_DOUBLE_EQUAL(found[0].confidence, json_number_value(json_object_get(expected, "confidence")), 1e-5);
    const json_t *confidences = json_object_get(expected, "tokens_confidence");
    for (int i = 0; i < best->n; i++)
        CU_ASSERT_DOUBLE_EQUAL((double)found[0].confidences[i],
                               json_number_value(json_array_get(confidences, (size_t)i)), 1e-5);
    rescoring_close(r);
}

static void check_wenet_mode(struct wenet *w, const char *mode, const json_t *methods)
{
    int n_frames = 0, n_dims = 0, n_vocabulary = 0;
    float *encoder_out = refs_matrix(&w->refs, mode, "encoder_out", &n_frames, &n_dims);
    float *logprobs = refs_matrix(&w->refs, mode, "ctc_logprobs", &n_frames, &n_vocabulary);
    CU_ASSERT_TRUE_FATAL(encoder_out != NULL && logprobs != NULL && n_dims == reference.n_dims);
    const struct ctc_prefix_options options = {
        .n_vocabulary = n_vocabulary, .n_symbols = w->n_beam, .n_beam = w->n_beam, .times = CTC_PREFIX_TIMES_WENET};
    struct ctc_prefix *p = NULL;
    const struct hypothesis *list;
    CU_ASSERT_EQUAL_FATAL(ctc_prefix_open(&p, &options, NULL), 0);
    CU_ASSERT_EQUAL(ctc_prefix_step(p, logprobs, n_frames, NULL), 0);
    int n = ctc_prefix_nbest(p, w->n_beam, &list, NULL);
    check_wenet_rescoring(w, json_object_get(methods, "attention_rescoring"), list, n, encoder_out, n_frames);

    struct attention_search *a = NULL;
    const struct attention_search_options search = {.n_beam = w->n_beam};
    CU_ASSERT_EQUAL_FATAL(attention_search_open(&a, w->left, &search, NULL), 0);
    const struct attention_search_input input = {.encoder_out = encoder_out, .n_frames = n_frames};
    n = attention_search_run(a, &w->ctx, &input, &list, NULL);
    CU_ASSERT_TRUE_FATAL(n > 0);
    CU_ASSERT_TRUE(
        refs_same(json_object_get(json_object_get(methods, "attention"), "tokens"), list[0].tokens, list[0].n));
    attention_search_close(a);
    ctc_prefix_close(p);
    mem_free(encoder_out);
    mem_free(logprobs);
}

static void results_equal_wenet(void)
{
    for (int i = 0; i < REFS_N; i++) {
        struct wenet w;
        const char *mode;
        json_t *methods;
        wenet_open(&w, refs_names[i]);
        json_object_foreach(w.refs.results, mode, methods) check_wenet_mode(&w, mode, methods);
        wenet_close(&w);
    }
}

static const struct unit_test tests[] = {
    {"rescoring equals its definition", rescoring_equals_definition},
    {"rescoring does not depend on company", rescoring_does_not_depend_on_company},
    {"attention search finds the best", search_finds_the_best},
    {"attention search takes hotwords", search_takes_hotwords},
    {"wrong things are refused", wrong_things_are_refused},
    {"results equal WeNet", results_equal_wenet}, /* last: left out without its data */
};

int main(void)
{
    size_t n = sizeof tests / sizeof tests[0];
    int have = unit_shared() != NULL;
    int rc = unit_main("rescoring", tests, have ? n : n - 1);
    return rc != 0 || have ? rc : UNIT_SKIP;
}
