/* SPDX-License-Identifier: Apache-2.0
 * prefix.c - CTC prefix beam search (Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition
 * using Bi-Directional Recurrent DNNs", algorithm 1).
 *
 * Keeps for each prefix the log probability of the alignments that end in blank and of those that do not, so that
 * alignments of the same text add up.  Two beams: the n_symbols best of a frame, then the n_beam best prefixes.  Beside
 * the sums goes the best single alignment (Viterbi), which gives the times of the tokens.
 *
 * Prefixes are nodes of a tree (label_tree.h), so extending one costs nothing, and so are the times: a chain of frames
 * whose last link is replaced when a better frame for the last token comes.  Unused nodes are recycled, so the memory
 * is that of the live hypotheses and nothing is allocated once the arrays have grown to that.
 *
 * Candidates are made symbol by symbol (most probable first, ties broken by id), prefix by prefix (best first), and of
 * equal candidates the earlier is the better: as in WeNet (search.py), so that the result does not depend on how
 * anything is sorted.
 *
 * Times.  WeNet means the frame where a token is most probable, but compares each frame with a value that is reset, and
 * so returns the last frame of the token's run.  CTC_PREFIX_TIMES_PEAK carries the largest value along. */
#include "decoders/ctc/prefix.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/common/label_tree.h"
#include "decoders/common/scores.h"

#define MAX_BEAM 1024
#define STAYS (-1)

static const struct setting settings[] = {
    {"decoder.times", SETTING_CHOICE, offsetof(struct ctc_prefix_options, times), "peak", 0, 0,
     SETTING_CHOICES(CTC_PREFIX_TIMES),
     "time of a token: its most probable frame, or its last one, as WeNet reports it"},
    {0}};

const struct settings_table ctc_prefix_settings = {"CTC prefix beam search", sizeof(struct ctc_prefix_options),
                                                   settings};

struct prefix {
    int node;                     /* in tokens */
    double blank, token;          /* log probability of the alignments ending in blank, in the last token */
    double v_blank, v_token;      /* of the best such alignment */
    int times_blank, times_token; /* in times: of its tokens */
    int context;                  /* state in the hotword graph */
    double context_score;
    double total; /* what the beam sorts by */
};

enum chain_change { CHAIN_AS_IS, CHAIN_APPEND, CHAIN_REPLACE_LAST };

/* A prefix of the next frame, before it is known whether the beam keeps it. */
struct candidate {
    int from, symbol; /* prefix of this frame; symbol that extends it, or STAYS */
    double blank, token, v_blank, v_token;
    int times_blank, times_token; /* in times; not yet a user of them */
    enum chain_change change;     /* to be made to times_token: this frame is appended, or the last one moves here */
    int frame;
    float peak;        /* log probability of the last token at that frame */
    float best_so_far; /* WeNet's comparison, see the top */
    int context;
    double context_score, total;
};

struct ctc_prefix {
    struct ctc_prefix_options options;
    struct label_tree tokens, times;
    void *block;                /* of the arrays */
    struct prefix *beam, *next; /* [n_beam] best first */
    int n_prefixes, n_frames;
    int *stay;                    /* [n_beam] candidate that stays at this prefix, or -1 */
    struct candidate *candidates; /* [n_beam * (n_symbols + 1)] */
    int n_candidates;
    int *order;                    /* [n_beam] candidates, best first */
    int *symbols;                  /* [n_symbols] */
    float *values;                 /* [n_symbols] */
    struct hypothesis *hypotheses; /* [n_beam] for the caller, */
    struct hypothesis_store out;   /* with their arrays */
};

static int check_options(const struct ctc_prefix_options *o, struct message *msg)
{
    if (o->n_vocabulary < 2 || o->blank < 0 || o->blank >= o->n_vocabulary)
        return fail(msg, LINNET_E_ARGUMENT, "blank %d of %d symbols", o->blank, o->n_vocabulary);
    if (o->n_symbols < 1 || o->n_symbols > MAX_BEAM || o->n_beam < 1 || o->n_beam > MAX_BEAM)
        return fail(msg, LINNET_E_ARGUMENT, "a beam of %d symbols and %d prefixes: must be 1 to %d", o->n_symbols,
                    o->n_beam, MAX_BEAM);
    if (!isfinite(o->token_bonus))
        return fail(msg, LINNET_E_ARGUMENT, "the token bonus is not a finite number");
    return LINNET_OK;
}

int ctc_prefix_open(struct ctc_prefix **out, const struct ctc_prefix_options *options, struct message *msg)
{
    int rc = check_options(options, msg);
    if (rc < 0)
        return rc;
    struct ctc_prefix *p = mem_array(1, sizeof *p);
    if (p == NULL)
        return fail_memory(msg);
    p->options = *options;
    size_t n_beam = (size_t)options->n_beam, n_symbols = (size_t)options->n_symbols;
    p->block =
        MEM_PARTS(MEM_PART(p->beam, n_beam), MEM_PART(p->next, n_beam), MEM_PART(p->stay, n_beam),
                  MEM_PART(p->candidates, n_beam * (n_symbols + 1)), MEM_PART(p->order, n_beam),
                  MEM_PART(p->symbols, n_symbols), MEM_PART(p->values, n_symbols), MEM_PART(p->hypotheses, n_beam));
    if (p->block == NULL || label_tree_open(&p->tokens) < 0 || label_tree_open(&p->times) < 0) {
        ctc_prefix_close(p);
        return fail_memory(msg);
    }
    ctc_prefix_reset(p);
    *out = p;
    return LINNET_OK;
}

void ctc_prefix_close(struct ctc_prefix *p)
{
    if (p == NULL)
        return;
    label_tree_close(&p->tokens);
    label_tree_close(&p->times);
    mem_free(p->block);
    hypothesis_store_free(&p->out);
    mem_free(p);
}

void ctc_prefix_reset(struct ctc_prefix *p)
{
    label_tree_reset(&p->tokens);
    label_tree_reset(&p->times);
    p->beam[0] = (struct prefix){.node = label_tree_keep(&p->tokens, LABEL_TREE_ROOT),
                                 .token = -INFINITY,
                                 .times_blank = label_tree_keep(&p->times, LABEL_TREE_ROOT),
                                 .times_token = label_tree_keep(&p->times, LABEL_TREE_ROOT)};
    p->tokens.nodes[LABEL_TREE_ROOT].mark = 0;
    p->n_prefixes = 1;
    p->n_frames = 0;
}

static double best_alignment(const struct prefix *x) { return x->v_blank > x->v_token ? x->v_blank : x->v_token; }

static int best_times(const struct prefix *x) { return x->v_blank > x->v_token ? x->times_blank : x->times_token; }

static struct candidate *add_candidate(struct ctc_prefix *p, int from, int symbol)
{
    struct candidate *c = &p->candidates[p->n_candidates++];
    *c = (struct candidate){.from = from,
                            .symbol = symbol,
                            .blank = -INFINITY,
                            .token = -INFINITY,
                            .v_blank = -INFINITY,
                            .v_token = -INFINITY,
                            .best_so_far = -INFINITY,
                            .context = p->beam[from].context,
                            .context_score = p->beam[from].context_score};
    if (symbol != STAYS && p->options.hotwords != NULL) {
        double delta;
        c->context = hotwords_step(p->options.hotwords, c->context, symbol, &delta);
        c->context_score += delta;
    }
    return c;
}

static struct candidate *staying(struct ctc_prefix *p, int i)
{
    if (p->stay[i] < 0) {
        p->stay[i] = p->n_candidates;
        return add_candidate(p, i, STAYS);
    }
    return &p->candidates[p->stay[i]];
}

/* The candidate for prefix i and one more symbol: where that is itself a prefix of the beam, the one that stays there.
 */
static struct candidate *extending(struct ctc_prefix *p, int i, int symbol)
{
    int child = label_tree_child(&p->tokens, p->beam[i].node, symbol);
    if (child >= 0 && p->tokens.nodes[child].mark >= 0)
        return staying(p, p->tokens.nodes[child].mark);
    return add_candidate(p, i, symbol);
}

static void pass_blank(struct ctc_prefix *p, int i, float logprob)
{
    const struct prefix *x = &p->beam[i];
    struct candidate *c = staying(p, i);
    c->blank = scores_add(c->blank, scores_add(x->blank, x->token) + (double)logprob);
    c->v_blank = best_alignment(x) + (double)logprob;
    c->times_blank = best_times(x);
}

/* The last token is repeated: *a, a -> *a. */
static void pass_repeat(struct ctc_prefix *p, int i, float logprob)
{
    const struct prefix *x = &p->beam[i];
    struct candidate *c = staying(p, i);
    c->token = scores_add(c->token, x->token + (double)logprob);
    if (!(c->v_token < x->v_token + (double)logprob))
        return;
    c->v_token = x->v_token + (double)logprob;
    float peak = p->times.nodes[x->times_token].value;
    if (p->options.times == CTC_PREFIX_TIMES_PEAK) {
        int moves = logprob > peak;
        c->change = moves ? CHAIN_REPLACE_LAST : CHAIN_AS_IS;
    } else if (c->best_so_far < logprob) {
        c->change = CHAIN_REPLACE_LAST;
    } else {
        return; /* WeNet keeps the times of the worse alignment here */
    }
    c->best_so_far = logprob;
    c->times_token = x->times_token;
    c->frame = p->n_frames;
    c->peak = logprob > peak ? logprob : peak;
}

/* A new token: from all alignments (*a, b -> *ab), or only those that end in blank when it equals the last one. */
static void pass_new(struct ctc_prefix *p, int i, int symbol, float logprob, int after_blank)
{
    const struct prefix *x = &p->beam[i];
    double sum = after_blank ? x->blank : scores_add(x->blank, x->token);
    if (sum == -INFINITY)
        return;
    struct candidate *c = extending(p, i, symbol);
    double best = (after_blank ? x->v_blank : best_alignment(x)) + (double)logprob;
    c->token = scores_add(c->token, sum + (double)logprob);
    if (!(c->v_token < best))
        return;
    c->v_token = best;
    c->best_so_far = c->peak = logprob;
    c->times_token = after_blank ? x->times_blank : best_times(x);
    c->change = CHAIN_APPEND;
    c->frame = p->n_frames;
}

static void make_candidates(struct ctc_prefix *p, int n_symbols)
{
    p->n_candidates = 0;
    for (int i = 0; i < p->n_prefixes; i++)
        p->stay[i] = -1;
    for (int k = 0; k < n_symbols; k++) {
        int symbol = p->symbols[k];
        float logprob = p->values[k];
        for (int i = 0; i < p->n_prefixes; i++) {
            if (symbol == p->options.blank) {
                pass_blank(p, i, logprob);
            } else if (symbol == p->tokens.nodes[p->beam[i].node].label) {
                pass_repeat(p, i, logprob);
                pass_new(p, i, symbol, logprob, 1);
            } else {
                pass_new(p, i, symbol, logprob, 0);
            }
        }
    }
}

/* Puts the best candidates into order; returns how many. */
static int choose(struct ctc_prefix *p)
{
    int n = 0;
    for (int i = 0; i < p->n_candidates; i++) {
        struct candidate *c = &p->candidates[i];
        int depth = p->tokens.nodes[p->beam[c->from].node].depth + (c->symbol != STAYS);
        c->total = scores_add(c->blank, c->token) + c->context_score + p->options.token_bonus * depth;
        if (c->total == -INFINITY || (n == p->options.n_beam && c->total <= p->candidates[p->order[n - 1]].total))
            continue;
        int at = n < p->options.n_beam ? n++ : n - 1;
        for (; at > 0 && p->candidates[p->order[at - 1]].total < c->total; at--)
            p->order[at] = p->order[at - 1];
        p->order[at] = i;
    }
    return n;
}

/* Becomes a user of the chain of times that the candidate describes. */
static int make_chain(struct ctc_prefix *p, const struct candidate *c)
{
    if (c->v_token == -INFINITY)
        return label_tree_keep(&p->times, LABEL_TREE_ROOT);
    const struct label_node *last = &p->times.nodes[c->times_token];
    if (c->change == CHAIN_APPEND)
        return label_tree_add(&p->times, c->times_token, c->frame, c->peak);
    if (c->change == CHAIN_REPLACE_LAST)
        return label_tree_add(&p->times, last->parent, c->frame, c->peak);
    return label_tree_keep(&p->times, c->times_token);
}

static struct prefix make_prefix(struct ctc_prefix *p, const struct candidate *c)
{
    int node = p->beam[c->from].node;
    if (c->symbol != STAYS) {
        int child = label_tree_child(&p->tokens, node, c->symbol);
        node = child >= 0 ? label_tree_keep(&p->tokens, child) : label_tree_add(&p->tokens, node, c->symbol, 0.0f);
    } else {
        label_tree_keep(&p->tokens, node);
    }
    return (struct prefix){.node = node,
                           .blank = c->blank,
                           .token = c->token,
                           .v_blank = c->v_blank,
                           .v_token = c->v_token,
                           .times_blank = label_tree_keep(&p->times, c->times_blank),
                           .times_token = make_chain(p, c),
                           .context = c->context,
                           .context_score = c->context_score,
                           .total = c->total};
}

static void drop_prefix(struct ctc_prefix *p, const struct prefix *x)
{
    label_tree_drop(&p->tokens, x->node);
    label_tree_drop(&p->times, x->times_blank);
    label_tree_drop(&p->times, x->times_token);
}

static void set_marks(struct ctc_prefix *p, int on)
{
    for (int i = 0; i < p->n_prefixes; i++)
        p->tokens.nodes[p->beam[i].node].mark = on ? i : -1;
}

static int step_frame(struct ctc_prefix *p, const float *logprobs)
{
    if (label_tree_reserve(&p->tokens, p->options.n_beam) < 0 || label_tree_reserve(&p->times, p->options.n_beam) < 0)
        return LINNET_E_MEMORY;
    int n_symbols = scores_best(logprobs, p->options.n_vocabulary, p->options.n_symbols, p->symbols, p->values);
    make_candidates(p, n_symbols);
    int n_kept = choose(p);
    for (int i = 0; i < n_kept; i++)
        p->next[i] = make_prefix(p, &p->candidates[p->order[i]]);
    set_marks(p, 0);
    for (int i = 0; i < p->n_prefixes; i++)
        drop_prefix(p, &p->beam[i]);
    struct prefix *swap = p->beam;
    p->beam = p->next;
    p->next = swap;
    p->n_prefixes = n_kept;
    set_marks(p, 1);
    p->n_frames++;
    return LINNET_OK;
}

int ctc_prefix_step(struct ctc_prefix *p, const float *logprobs, int n_frames, struct message *msg)
{
    for (int t = 0; t < n_frames; t++)
        if (step_frame(p, logprobs + (size_t)t * (size_t)p->options.n_vocabulary) < 0)
            return fail_memory(msg);
    return LINNET_OK;
}

void ctc_prefix_finish(struct ctc_prefix *p)
{
    if (p->options.hotwords == NULL)
        return;
    set_marks(p, 0);
    for (int i = 0; i < p->n_prefixes; i++) {
        struct prefix x = p->beam[i];
        double delta = hotwords_finish(p->options.hotwords, x.context);
        x.context = HOTWORDS_START;
        x.context_score += delta;
        x.total += delta;
        int at = i;
        for (; at > 0 && p->beam[at - 1].total < x.total; at--)
            p->beam[at] = p->beam[at - 1];
        p->beam[at] = x;
    }
    set_marks(p, 1);
}

int ctc_prefix_nbest(struct ctc_prefix *p, int n_max, const struct hypothesis **hypotheses, struct message *msg)
{
    int n = n_max < p->n_prefixes ? n_max : p->n_prefixes;
    long long n_tokens = 0;
    for (int i = 0; i < n; i++)
        n_tokens += p->tokens.nodes[p->beam[i].node].depth;
    if (n_tokens > HYPOTHESIS_MAX_TOKENS || hypothesis_store_reserve(&p->out, 0, (int)n_tokens) < 0)
        return fail_memory(msg);
    int at = 0;
    for (int i = 0; i < n; i++) {
        const struct prefix *x = &p->beam[i];
        int *tokens = p->out.tokens + at, *times = p->out.times + at;
        float *logprobs = p->out.logprobs + at;
        int length = label_tree_read(&p->tokens, x->node, tokens, NULL);
        label_tree_read(&p->times, best_times(x), times, logprobs);
        p->hypotheses[i] = (struct hypothesis){.tokens = tokens,
                                               .times = times,
                                               .logprobs = logprobs,
                                               .n = length,
                                               .score = x->total,
                                               .context = x->context_score};
        at += length;
    }
    *hypotheses = p->hypotheses;
    return n;
}

int ctc_prefix_committed(const struct ctc_prefix *p)
{
    int common = p->beam[0].node;
    for (int i = 1; i < p->n_prefixes; i++)
        common = label_tree_common(&p->tokens, common, p->beam[i].node);
    return p->tokens.nodes[common].depth;
}
