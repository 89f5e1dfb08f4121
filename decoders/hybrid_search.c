/* SPDX-License-Identifier: Apache-2.0
 * hybrid_search.c - first and second pass of WeNet models. */
#include "decoders/hybrid_search.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/attention/rescoring.h"
#include "decoders/attention/search.h"
#include "decoders/common/confidence.h"
#include "decoders/ctc/align.h"
#include "decoders/ctc/greedy.h"
#include "decoders/ctc/prefix.h"
#include "decoders/decoder.h"
#include "decoders/segmental_recipe.h"

enum { DEFAULT_BEAM = 10, MAX_ALIGNED = 1 << 27 /* log probabilities: half a gigabyte */ };

struct hybrid_search {
    const struct hybrid_model *model;
    struct nn_context *ctx;
    enum hybrid_method method;
    int n_beam, word_times;
    struct rescoring_options weights;
    struct ctc_greedy *greedy;
    struct ctc_prefix *prefix;
    struct attention_search *attention;
    struct rescoring *rescoring;
    struct segmental_recipe segmental;
    float *states; /* [n_states, D] of the utterance, for what attends to them */
    int n_states, size_states, n_frames;
    struct hybrid_result *results; /* [size_results] */
    int size_results;
    float *confidences; /* of CTC's tokens, all hypotheses behind each other */
    int size_confidences;
    int *times; /* of the best hypothesis of attention */
    int size_times;
};

static int attends(const struct hybrid_search *s)
{
    return s->method == HYBRID_ATTENTION || s->method == HYBRID_RESCORING;
}

static int first_pass_open(struct hybrid_search *s, const struct settings *settings, const struct hotwords *hotwords,
                           struct message *msg)
{
    const struct hybrid_model *m = s->model;
    const struct ctc_prefix_options *set = settings_of(settings, &ctc_prefix_settings);
    struct ctc_prefix_options prefix = {.n_vocabulary = m->n_vocabulary,
                                        .blank = m->blank,
                                        .n_beam = s->n_beam,
                                        .times = set->times,
                                        .hotwords = hotwords};
    if (s->method == HYBRID_GREEDY)
        return ctc_greedy_open(&s->greedy, m->n_vocabulary, m->blank, msg);
    if (s->method == HYBRID_ATTENTION)
        return LINNET_OK;
    if (s->method == HYBRID_SEGMENTAL)
        return segmental_recipe_open(&s->segmental, m, settings, s->n_beam, msg);
    prefix.n_symbols = s->n_beam < m->n_vocabulary ? s->n_beam : m->n_vocabulary;
    return ctc_prefix_open(&s->prefix, &prefix, msg);
}

static int second_pass_open(struct hybrid_search *s, const struct settings *settings, const struct hotwords *hotwords,
                            struct message *msg)
{
    const struct hybrid_model *m = s->model;
    if (attends(s) && m->left == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "the model has no attention decoder: ctc_prefix_beam and ctc_greedy need none");
    const struct decoder_options *o = settings_of(settings, &decoder_settings);
    const struct rescoring_options *weights = settings_of(settings, &rescoring_settings);
    s->weights = *weights;
    if (s->weights.reverse_weight < 0)
        s->weights.reverse_weight = m->reverse_weight;
    struct attention_search_options attention = {
        .n_beam = s->n_beam, .max_tokens = o->max_tokens, .hotwords = hotwords};
    attention.length_penalty = o->length_penalty >= 0 ? o->length_penalty : 0;
    if (s->method == HYBRID_ATTENTION)
        return attention_search_open(&s->attention, m->left, &attention, msg);
    return s->method == HYBRID_RESCORING ? rescoring_open(&s->rescoring, m->left, m->right, msg) : LINNET_OK;
}

int hybrid_search_open(struct hybrid_search **out, const struct hybrid_model *m, struct nn_context *ctx,
                       enum hybrid_method method, const struct settings *settings, const struct hotwords *hotwords,
                       struct message *msg)
{
    struct hybrid_search *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->model = m;
    s->ctx = ctx;
    s->method = method == HYBRID_GREEDY && hotwords != NULL ? HYBRID_PREFIX : method;
    const struct decoder_options *o = settings_of(settings, &decoder_settings);
    s->word_times = o->word_times;
    s->n_beam = o->beam > 0 ? o->beam : DEFAULT_BEAM;
    int rc = first_pass_open(s, settings, hotwords, msg);
    if (rc >= 0)
        rc = second_pass_open(s, settings, hotwords, msg);
    if (rc < 0) {
        hybrid_search_close(s);
        return rc;
    }
    *out = s;
    return LINNET_OK;
}

void hybrid_search_close(struct hybrid_search *s)
{
    if (s == NULL)
        return;
    ctc_greedy_close(s->greedy);
    ctc_prefix_close(s->prefix);
    attention_search_close(s->attention);
    rescoring_close(s->rescoring);
    segmental_recipe_close(&s->segmental);
    void *const arrays[] = {s->states, s->results, s->confidences, s->times, s};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
}

void hybrid_search_reset(struct hybrid_search *s)
{
    if (s->greedy != NULL)
        ctc_greedy_reset(s->greedy);
    if (s->prefix != NULL)
        ctc_prefix_reset(s->prefix);
    if (s->segmental.search != NULL)
        segmental_reset(s->segmental.search);
    s->n_states = s->n_frames = 0;
}

/* ---- first pass ---- */

/* Room for n items of an array that grows; what is in it stays. */
static int reserve(void **array, int *size, int n, size_t item)
{
    if (n <= *size)
        return LINNET_OK;
    if (n > (1 << 29))
        return LINNET_E_MEMORY;
    void *fresh = mem_resize(*array, (size_t)*size, 2 * (size_t)n, item);
    if (fresh == NULL)
        return LINNET_E_MEMORY;
    *array = fresh;
    *size = 2 * n;
    return LINNET_OK;
}

#define RESERVE(array, size, n) reserve((void **)&(array), &(size), n, sizeof *(array))

static int keep_states(struct hybrid_search *s, const struct hybrid_block *block, struct message *msg)
{
    size_t row = (size_t)s->model->config.n_dims * sizeof *s->states;
    void *states = s->states;
    if (reserve(&states, &s->size_states, s->n_states + block->n, row) < 0)
        return fail_memory(msg);
    s->states = states;
    memcpy((char *)states + (size_t)s->n_states * row, block->states, (size_t)block->n * row);
    s->n_states += block->n;
    return LINNET_OK;
}

int hybrid_search_step(struct hybrid_search *s, const struct hybrid_block *block, struct message *msg)
{
    int rc = attends(s) ? keep_states(s, block, msg) : LINNET_OK;
    s->n_frames += block->n;
    if (rc < 0)
        return rc;
    if (s->greedy != NULL)
        return ctc_greedy_step(s->greedy, block->logprobs, block->n, msg);
    if (s->segmental.search != NULL)
        return segmental_step(s->segmental.search, s->ctx, block->states, block->logprobs, block->n, msg);
    return s->prefix != NULL ? ctc_prefix_step(s->prefix, block->logprobs, block->n, msg) : LINNET_OK;
}

int hybrid_search_partial(struct hybrid_search *s, const int **tokens, int *n, int *n_committed, struct message *msg)
{
    const struct hypothesis *best;
    struct hypothesis greedy = {0};
    *n = *n_committed = 0;
    if (s->greedy != NULL) {
        greedy = ctc_greedy_result(s->greedy);
        best = &greedy;
        *n_committed = greedy.n;
    } else if (s->prefix != NULL) {
        int rc = ctc_prefix_nbest(s->prefix, 1, &best, msg);
        if (rc < 0)
            return rc;
        *n_committed = ctc_prefix_committed(s->prefix);
    } else if (s->segmental.search != NULL) {
        int rc = segmental_nbest(s->segmental.search, 1, &best, msg);
        if (rc < 0)
            return rc;
        *n_committed = segmental_committed(s->segmental.search);
    } else {
        return LINNET_OK;
    }
    *tokens = best->tokens;
    *n = best->n;
    return LINNET_OK;
}

/* ---- results ---- */

static double mean(const float *values, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += (double)values[i];
    return n > 0 ? sum / n : 0.0;
}

/* Results as the first pass or the attention search has them. */
static int take_hypotheses(struct hybrid_search *s, const struct hypothesis *h, int n, struct message *msg)
{
    int n_tokens = 0, at = 0;
    for (int i = 0; i < n; i++)
        n_tokens += h[i].n;
    if (RESERVE(s->results, s->size_results, n) < 0 || RESERVE(s->confidences, s->size_confidences, n_tokens) < 0)
        return fail_memory(msg);
    for (int i = 0; i < n; i++) {
        float *confidences = s->confidences + at;
        confidence_of_logprobs(h[i].logprobs, h[i].n, confidences);
        s->results[i] = (struct hybrid_result){
            .tokens = h[i].tokens, .times = h[i].times, .confidences = confidences, .n = h[i].n, .score = h[i].score};
        s->results[i].logprob = mean(h[i].logprobs, h[i].n);
        s->results[i].confidence = (double)confidence_mean(confidences, h[i].n);
        at += h[i].n;
    }
    return n;
}

static int rescore(struct hybrid_search *s, const struct hypothesis *h, int n, struct message *msg)
{
    const struct rescored *r;
    int rc = rescoring_run(s->rescoring, s->ctx, s->states, s->n_states, h, n, &s->weights, &r, msg);
    if (rc < 0)
        return rc;
    if (RESERVE(s->results, s->size_results, n) < 0)
        return fail_memory(msg);
    for (int i = 0; i < n; i++) {
        const struct hypothesis *from = &h[r[i].i_hypothesis];
        s->results[i] = (struct hybrid_result){.tokens = from->tokens,
                                               .times = from->times,
                                               .confidences = r[i].token_confidences,
                                               .n = from->n,
                                               .score = r[i].score};
        s->results[i].confidence = r[i].confidence;
        s->results[i].logprob = log(r[i].confidence > 0 ? r[i].confidence : 1e-300);
    }
    return n;
}

/* When the tokens that attention found were said: their CTC alignment, where there is one. */
static int align_best(struct hybrid_search *s, struct message *msg)
{
    struct hybrid_result *best = &s->results[0];
    int v = s->model->n_vocabulary;
    if (best->n == 0 || s->n_states > MAX_ALIGNED / v)
        return LINNET_OK;
    float *logprobs = mem_array((size_t)s->n_states * (size_t)v, sizeof *logprobs);
    if (logprobs == NULL || RESERVE(s->times, s->size_times, best->n) < 0) {
        mem_free(logprobs);
        return fail_memory(msg);
    }
    hybrid_model_ctc(s->model, s->ctx, s->states, s->n_states, logprobs);
    int rc = ctc_align(logprobs, s->n_states, v, s->model->blank, best->tokens, best->n, s->times, NULL, NULL, NULL);
    mem_free(logprobs);
    if (rc >= 0)
        best->times = s->times;
    return rc == LINNET_E_ARGUMENT ? LINNET_OK : rc < 0 ? fail_memory(msg) : rc;
}

static int is_cancelled(void *arg)
{
    const atomic_int *const *cancelled = arg;
    return **cancelled != 0;
}

static int finish_attention(struct hybrid_search *s, const atomic_int *cancelled, struct message *msg)
{
    const struct hypothesis *h;
    int n = attention_search_run(s->attention, s->ctx, s->states, s->n_states, is_cancelled, &cancelled, &h, msg);
    if (n > 0)
        n = take_hypotheses(s, h, n, msg);
    if (n > 0 && s->word_times) {
        int rc = align_best(s, msg);
        n = rc < 0 ? rc : n;
    }
    return n;
}

int hybrid_search_finish(struct hybrid_search *s, const atomic_int *cancelled, const struct hybrid_result **results,
                         struct message *msg)
{
    const struct hypothesis *h;
    struct hypothesis greedy;
    int n;
    if (s->n_frames == 0)
        return 0;
    if (s->method == HYBRID_ATTENTION) {
        n = finish_attention(s, cancelled, msg);
    } else if (s->method == HYBRID_GREEDY) {
        greedy = ctc_greedy_result(s->greedy);
        n = take_hypotheses(s, &greedy, 1, msg);
    } else if (s->method == HYBRID_SEGMENTAL) {
        n = segmental_finish(s->segmental.search, s->ctx, msg);
        if (n >= 0 && (n = segmental_nbest(s->segmental.search, s->n_beam, &h, msg)) > 0)
            n = take_hypotheses(s, h, n, msg);
    } else {
        ctc_prefix_finish(s->prefix);
        n = ctc_prefix_nbest(s->prefix, s->n_beam, &h, msg);
        if (n > 0)
            n = s->method == HYBRID_RESCORING ? rescore(s, h, n, msg) : take_hypotheses(s, h, n, msg);
    }
    *results = s->results;
    return n;
}
