/* SPDX-License-Identifier: Apache-2.0
 * search.c - beam search, as WeNet's attention_beam_search (search.py).
 *
 * In each step every open hypothesis offers its n_beam most probable next tokens, a finished one offers itself, and the
 * best n_beam of all are kept; equal ones in the order of the beam.  The search ends when all have finished, or at the
 * longest allowed length: those that have not finished then count like those that have. */
#include "decoders/attention/search.h"

#include <math.h>

#include "base/mem.h"
#include "decoders/common/scores.h"
#include "decoders/common/token_tree.h"

#define MAX_BEAM 256

struct beam_item {
    int node;
    int finished;
    int context;
    double context_score, score;
};

struct offer {
    int from, token; /* token: -1 for a finished hypothesis, which stays as it is */
    float logprob;
    int context;
    double context_score, score;
};

struct attention_search {
    struct attention_search_options options;
    int n_vocabulary, eos, sos_counts;
    struct token_tree tree;
    void *block;                   /* of the arrays */
    struct beam_item *beam, *next; /* [n_beam] */
    int n_items;
    struct offer *offers; /* [n_beam] best first */
    int n_offers;
    int *nodes;                    /* [n_beam] to compute */
    float *logprobs;               /* [n_beam, V] */
    int *ids;                      /* [n_beam] */
    float *values;                 /* [n_beam] */
    struct hypothesis *hypotheses; /* [n_beam] */
    struct hypothesis_store out;
};

int attention_search_open(struct attention_search **out, const struct text_decoder *decoder,
                          const struct attention_search_options *options, struct message *msg)
{
    if (options->n_beam < 1 || options->n_beam > MAX_BEAM || options->max_tokens < 0 ||
        !isfinite(options->length_penalty))
        return fail(msg, LINNET_E_ARGUMENT, "attention search: beam %d (1 to %d), %d tokens, length penalty %g",
                    options->n_beam, MAX_BEAM, options->max_tokens, options->length_penalty);
    struct attention_search *a = mem_array(1, sizeof *a);
    if (a == NULL)
        return fail_memory(msg);
    size_t n = (size_t)options->n_beam;
    a->options = *options;
    a->n_vocabulary = decoder->config.n_vocabulary;
    a->eos = decoder->config.eos;
    a->sos_counts = decoder->config.sos != decoder->config.eos;
    a->block = MEM_PARTS(MEM_PART(a->beam, n), MEM_PART(a->next, n), MEM_PART(a->offers, n), MEM_PART(a->nodes, n),
                         MEM_PART(a->logprobs, n * (size_t)a->n_vocabulary), MEM_PART(a->ids, n),
                         MEM_PART(a->values, n), MEM_PART(a->hypotheses, n));
    int rc = a->block != NULL ? token_tree_open(&a->tree, decoder, 1, msg) : fail_memory(msg);
    if (rc < 0) {
        attention_search_close(a);
        return rc;
    }
    *out = a;
    return LINNET_OK;
}

void attention_search_close(struct attention_search *a)
{
    if (a == NULL)
        return;
    token_tree_close(&a->tree);
    mem_free(a->block);
    hypothesis_store_free(&a->out);
    mem_free(a);
}

static void make_offer(struct attention_search *a, const struct offer *x)
{
    int n = a->n_offers, full = n == a->options.n_beam;
    if (full && x->score <= a->offers[n - 1].score)
        return;
    int at = full ? n - 1 : a->n_offers++;
    for (; at > 0 && a->offers[at - 1].score < x->score; at--)
        a->offers[at] = a->offers[at - 1];
    a->offers[at] = *x;
}

static void offer_token(struct attention_search *a, int i, int token, float logprob)
{
    const struct beam_item *item = &a->beam[i];
    struct offer x = {.from = i,
                      .token = token,
                      .logprob = logprob,
                      .context = item->context,
                      .context_score = item->context_score,
                      .score = item->score + (double)logprob};
    if (a->options.hotwords != NULL) {
        double delta = 0.0;
        if (token == a->eos)
            delta = hotwords_finish(a->options.hotwords, item->context);
        else
            x.context = hotwords_step(a->options.hotwords, item->context, token, &delta);
        x.context_score += delta;
        x.score += delta;
    }
    make_offer(a, &x);
}

/* Offers of all hypotheses; logprobs has a row for each open one, in the order of the beam. */
static void collect_offers(struct attention_search *a)
{
    const float *row = a->logprobs;
    a->n_offers = 0;
    for (int i = 0; i < a->n_items; i++) {
        const struct beam_item *item = &a->beam[i];
        if (item->finished) {
            make_offer(a, &(struct offer){.from = i,
                                          .token = -1,
                                          .context = item->context,
                                          .context_score = item->context_score,
                                          .score = item->score});
            continue;
        }
        int n = scores_best(row, a->n_vocabulary, a->options.n_beam, a->ids, a->values);
        for (int k = 0; k < n; k++)
            offer_token(a, i, a->ids[k], a->values[k]);
        row += a->n_vocabulary;
    }
}

static void take_offers(struct attention_search *a)
{
    struct label_tree *t = &a->tree.labels;
    for (int i = 0; i < a->n_offers; i++) {
        const struct offer *x = &a->offers[i];
        int ends = x->token < 0 || x->token == a->eos, from = a->beam[x->from].node;
        a->next[i] =
            (struct beam_item){.node = ends ? label_tree_keep(t, from) : label_tree_add(t, from, x->token, x->logprob),
                               .finished = ends,
                               .context = x->context,
                               .context_score = x->context_score,
                               .score = x->score};
    }
    for (int i = 0; i < a->n_items; i++)
        label_tree_drop(t, a->beam[i].node);
    struct beam_item *swap = a->beam;
    a->beam = a->next;
    a->next = swap;
    a->n_items = a->n_offers;
}

/* One token further: 1, 0 when all hypotheses have finished, or an error. */
static int step(struct attention_search *a, struct nn_context *ctx, struct message *msg)
{
    int n = 0;
    for (int i = 0; i < a->n_items; i++)
        if (!a->beam[i].finished)
            a->nodes[n++] = a->beam[i].node;
    if (n == 0)
        return 0;
    if (label_tree_reserve(&a->tree.labels, a->options.n_beam) < 0)
        return fail_memory(msg);
    int rc = token_tree_step(&a->tree, ctx, a->nodes, n, NULL, msg);
    if (rc < 0)
        return rc;
    text_decoder_state_logprobs(&a->tree.state, ctx, 0, n, a->logprobs);
    collect_offers(a);
    take_offers(a);
    return 1;
}

/* Length penalty, then best first. */
static void rank(struct attention_search *a)
{
    const struct label_tree *t = &a->tree.labels;
    for (int i = 0; i < a->n_items; i++) {
        struct beam_item x = a->beam[i];
        int length = t->nodes[x.node].depth + a->sos_counts;
        x.score /= pow(length > 0 ? length : 1, a->options.length_penalty);
        int at = i;
        for (; at > 0 && a->beam[at - 1].score < x.score; at--)
            a->beam[at] = a->beam[at - 1];
        a->beam[at] = x;
    }
}

static int write_out(struct attention_search *a, struct message *msg)
{
    const struct label_tree *t = &a->tree.labels;
    long long n_tokens = 0;
    for (int i = 0; i < a->n_items; i++)
        n_tokens += t->nodes[a->beam[i].node].depth;
    if (n_tokens > HYPOTHESIS_MAX_TOKENS || hypothesis_store_reserve(&a->out, 0, (int)n_tokens) < 0)
        return fail_memory(msg);
    for (int i = 0, at = 0; i < a->n_items; i++) {
        const struct beam_item *x = &a->beam[i];
        int n = label_tree_read(t, x->node, a->out.tokens + at, a->out.logprobs + at);
        a->hypotheses[i] = (struct hypothesis){.tokens = a->out.tokens + at,
                                               .logprobs = a->out.logprobs + at,
                                               .n = n,
                                               .score = x->score,
                                               .context = x->context_score};
        at += n;
    }
    return a->n_items;
}

int attention_search_run(struct attention_search *a, struct nn_context *ctx, const struct attention_search_input *in,
                         const struct hypothesis **hypotheses, struct message *msg)
{
    token_tree_reset(&a->tree);
    int rc = token_tree_append(&a->tree, ctx, in->encoder_out, in->n_frames, msg);
    if (rc < 0)
        return rc;
    a->beam[0] = (struct beam_item){.node = label_tree_keep(&a->tree.labels, LABEL_TREE_ROOT)};
    a->n_items = 1;
    int max_tokens = a->options.max_tokens > 0 ? a->options.max_tokens : in->n_frames;
    for (int i = 0; i < max_tokens; i++) {
        if (in->cancelled != NULL && in->cancelled(in->arg))
            return fail(msg, LINNET_E_CANCELLED, "cancelled");
        rc = step(a, ctx, msg);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
    }
    rank(a);
    rc = write_out(a, msg);
    if (rc > 0)
        *hypotheses = a->hypotheses;
    return rc;
}
