/* SPDX-License-Identifier: Apache-2.0
 * search.c - decoding of one window.
 *
 * A hypothesis is its tokens and the slots of the decoder's state that hold their keys and values.  Each step runs the
 * open hypotheses as rows of one decoder step, then makes the next ones: the most probable token (greedy), a drawn one
 * (sampling), or the best continuations of all (beam).  A slot is free when no open hypothesis refers to it, so the
 * past that hypotheses share is kept once.
 *
 * Hotwords (decoders/common/hotwords.h) boost tokens that begin or continue a phrase.  A beam ranks its hypotheses by
 * the sum of log probabilities and of all bonuses so far, those of an unfinished phrase included until it breaks off.
 * One path alone has nothing to fall back to: nothing is taken back there.  The log probabilities that are reported,
 * and that decide whether a text is accepted, are those of the distribution which these bonuses make of the model's,
 * so that a text is not refused for what was asked for.
 *
 * As in openai-whisper: greedy is ranked as a group of one; beam search collects finished hypotheses until there are
 * beam * patience, and fills up with open ones at the end; probabilities are those after the rules, at temperature 1.
 */
#include "decoders/whisper/search.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper_common/candidates.h"
#include "decoders/whisper_common/rules.h"
#include "decoders/whisper_common/slots.h"
#include "decoders/whisper_common/state.h"
#include "vocab/whisper_vocab.h"

enum { MAX_GROUP = 128 };

struct path {
    int *tokens; /* [n_text_ctx] after the prompt */
    int *slots;  /* [n_text_ctx] of prompt and tokens; the last token's is taken in the step that runs it */
    int n, ended;
    int row; /* of the logits: what follows */
    double sum_logprob;
    int hotword;             /* state in the graph of hotwords; without one it and the next three stay 0 */
    double bonus;            /* beside sum_logprob, for ranking */
    double lost, log_others; /* delta of a token without an arc; log of the sum of probabilities with bonuses */
};

struct whisper_search {
    const struct linnet_model *model;
    const struct whisper_vocab *vocab;
    struct whisper_search_options options;
    struct nn_context *ctx;
    struct text_decoder_state state;
    struct text_batch *batch;  /* NULL: steps are this search's alone */
    struct hotwords *hotwords; /* its own, or NULL */
    int group;                 /* paths at most */
    int n_prompt;              /* tokens; their slots are 0 .. n_prompt - 1 */
    uint64_t n_steps;
    double others_s;           /* of the batch */
    void *block;               /* of the arrays */
    struct path *paths, *next; /* [group] */
    int n_paths;
    struct whisper_hypothesis *finished; /* [n_finished_max] */
    int n_finished, n_finished_max;
    float *first;  /* [n_vocab] logits after the prompt */
    float *logits; /* [max(group, 2), n_vocab] */
    struct whisper_slots slots;
    struct text_row *rows; /* [n_text_ctx] */
    int *wanted;           /* [group] rows whose logits are wanted */
    int *prompt_slots;
    struct whisper_candidate *candidates; /* [group * (group + 1)] */
    uint64_t random;
};

static int arrays_open(struct whisper_search *s, size_t n_ctx, size_t n_vocab)
{
    size_t group = (size_t)s->group, n_finished = (size_t)s->n_finished_max, n_tokens = n_ctx + 1;
    int *tokens, *slots, *finished;
    s->block = MEM_PARTS(MEM_PART(s->paths, group), MEM_PART(s->next, group), MEM_PART(s->finished, n_finished),
                         MEM_PART(tokens, 2 * group * n_tokens), MEM_PART(slots, 2 * group * n_tokens),
                         MEM_PART(finished, n_finished * n_tokens), MEM_PART(s->first, n_vocab),
                         MEM_PART(s->logits, (group > 2 ? group : 2) * n_vocab), MEM_PART(s->rows, n_ctx),
                         MEM_PART(s->wanted, group), MEM_PART(s->prompt_slots, n_ctx),
                         MEM_PART(s->candidates, group * (group + 1)));
    if (s->block == NULL)
        return LINNET_E_MEMORY;
    for (size_t i = 0; i < 2 * group; i++) {
        struct path *p = i < group ? &s->paths[i] : &s->next[i - group];
        p->tokens = tokens + i * n_tokens;
        p->slots = slots + i * n_tokens;
    }
    for (size_t i = 0; i < n_finished; i++)
        s->finished[i].tokens = finished + i * n_tokens;
    for (size_t i = 0; i < n_ctx; i++)
        s->prompt_slots[i] = (int)i;
    for (size_t i = 0; i < group; i++)
        s->wanted[i] = (int)i;
    return LINNET_OK;
}

int whisper_search_open(struct whisper_search **out, const struct linnet_model *model,
                        const struct whisper_search_options *options, struct nn_context *ctx, struct message *msg)
{
    int group = options->beam > options->best_of ? options->beam : options->best_of;
    int n_ctx = model->left->config.n_positions, rc;
    if (options->beam < 1 || options->best_of < 1 || group > MAX_GROUP)
        return fail(msg, LINNET_E_ARGUMENT, "a beam or number of samples of %d: possible are 1 to %d", group,
                    MAX_GROUP);
    struct whisper_search *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->model = model;
    s->vocab = whisper_vocab_of(model->vocab);
    s->options = *options;
    s->ctx = ctx;
    s->group = group;
    s->n_finished_max = group * 2 + (int)ceil(options->patience * group);
    if (s->options.max_tokens < 1 || s->options.max_tokens > n_ctx / 2)
        s->options.max_tokens = n_ctx / 2;
    int n_slots = n_ctx + group * (s->options.max_tokens + 1);
    rc = whisper_state_open(&s->state, model, ctx, n_slots, n_ctx, msg);
    if (rc >= 0 &&
        (arrays_open(s, (size_t)n_ctx, (size_t)model->vocab->n) < 0 || whisper_slots_open(&s->slots, n_slots) < 0))
        rc = fail_memory(msg);
    if (rc < 0)
        whisper_search_close(s);
    else
        *out = s;
    return rc;
}

void whisper_search_close(struct whisper_search *s)
{
    if (s == NULL)
        return;
    text_decoder_state_close(&s->state);
    whisper_slots_close(&s->slots);
    hotwords_close(s->hotwords);
    mem_free(s->block);
    mem_free(s);
}

struct text_decoder_state *whisper_search_state(struct whisper_search *s) { return &s->state; }

uint64_t whisper_search_steps(const struct whisper_search *s) { return s->n_steps; }

double whisper_search_others_s(const struct whisper_search *s) { return s->others_s; }

void whisper_search_set_states(struct whisper_search *s, const float *states, int n_frames)
{
    text_decoder_state_clear(&s->state);
    text_decoder_state_append(&s->state, s->ctx, states, n_frames);
}

int whisper_search_set_batch(struct whisper_search *s, struct text_batch *batch, struct message *msg)
{
    s->batch = batch;
    return text_batch_reserve(batch, s->model->left->config.n_positions, s->group > 2 ? s->group : 2, msg);
}

void whisper_search_set_hotwords(struct whisper_search *s, struct hotwords *hotwords, int may_widen)
{
    hotwords_close(s->hotwords);
    s->hotwords = hotwords;
    if (may_widen)
        s->options.beam = hotwords == NULL ? 1 : s->group < WHISPER_HOTWORDS_BEAM ? s->group : WHISPER_HOTWORDS_BEAM;
}

/* Runs the first n of the rows; logits [n_wanted, n_vocab] gets what follows those that are wanted. */
static void run_rows(struct whisper_search *s, int n, const int *wanted, int n_wanted, float *logits)
{
    s->n_steps++;
    if (s->batch != NULL) {
        s->others_s += text_batch_step(
            s->batch, &(struct text_wish){s->ctx, {&s->state, s->rows, n, NULL}, wanted, n_wanted, logits});
        return;
    }
    text_decoder_state_step(&s->state, s->ctx, s->rows, n, NULL);
    text_decoder_logits(s->model->left, s->ctx, &s->state.work, wanted, n_wanted, logits);
}

static void set_prompt_rows(struct whisper_search *s, const int *tokens, int n)
{
    for (int i = 0; i < n; i++)
        s->rows[i] = (struct text_row){tokens[i], i, s->prompt_slots};
}

int whisper_search_language(struct whisper_search *s, float *probabilities)
{
    const struct whisper_specials *special = &s->vocab->special;
    set_prompt_rows(s, &special->sot, 1);
    run_rows(s, 1, (const int[]){0}, 1, s->first);
    memcpy(probabilities, s->first + special->first_language, (size_t)special->n_languages * sizeof *probabilities);
    s->ctx->kernels->softmax(probabilities, special->n_languages);
    return whisper_candidates_top(s->ctx->kernels, probabilities, special->n_languages);
}

int whisper_search_prompt(struct whisper_search *s, const int *prompt, int n, double *no_speech, struct message *msg)
{
    const struct whisper_specials *special = &s->vocab->special;
    int sot = 0, n_vocab = s->vocab->base.n;
    if (n < 1 || n >= s->model->left->config.n_positions)
        return fail(msg, LINNET_E_ARGUMENT, "a prompt of %d tokens", n);
    while (sot < n - 1 && prompt[sot] != special->sot)
        sot++;
    set_prompt_rows(s, prompt, n);
    run_rows(s, n, (const int[]){sot, n - 1}, 2, s->logits);
    s->n_prompt = n;
    /* what follows the start token says how probable silence is */
    s->ctx->kernels->log_softmax(s->logits, s->logits, n_vocab);
    *no_speech = exp((double)s->logits[special->no_speech]);
    memcpy(s->first, s->logits + n_vocab, (size_t)n_vocab * sizeof *s->first);
    return LINNET_OK;
}

/* ---- steps ---- */

static void path_copy(const struct whisper_search *s, struct path *to, const struct path *from)
{
    memcpy(to->tokens, from->tokens, (size_t)from->n * sizeof *to->tokens);
    memcpy(to->slots, from->slots, (size_t)(s->n_prompt + from->n) * sizeof *to->slots);
    to->n = from->n;
    to->ended = from->ended;
    to->sum_logprob = from->sum_logprob;
    to->hotword = from->hotword;
    to->bonus = from->bonus;
    to->lost = from->lost;
    to->log_others = from->log_others;
}

static int is_full(const struct whisper_search *s, const struct path *p)
{
    return p->n >= s->options.max_tokens || s->n_prompt + p->n >= s->model->left->config.n_positions;
}

/* Runs the last token of each open path. */
static void step(struct whisper_search *s)
{
    int n_rows = 0;
    whisper_slots_clear(&s->slots);
    whisper_slots_mark(&s->slots, s->prompt_slots, s->n_prompt);
    for (int i = 0; i < s->n_paths; i++) /* the token that runs now has no slot yet */
        whisper_slots_mark(&s->slots, s->paths[i].slots, s->n_prompt + s->paths[i].n - 1);
    for (int i = 0; i < s->n_paths; i++) {
        struct path *p = &s->paths[i];
        if (p->ended)
            continue;
        int position = s->n_prompt + p->n - 1;
        p->slots[position] = whisper_slots_take(&s->slots); /* there are enough for every path's every token */
        p->row = n_rows;
        s->rows[n_rows++] = (struct text_row){p->tokens[p->n - 1], position, p->slots};
    }
    run_rows(s, n_rows, s->wanted, n_rows, s->logits);
}

/* What follows an open path. */
static float *logits_of(const struct whisper_search *s, const struct path *p)
{
    return s->logits + (ptrdiff_t)p->row * s->vocab->base.n;
}

static void apply_rules(struct whisper_search *s)
{
    for (int i = 0; i < s->n_paths; i++)
        if (!s->paths[i].ended)
            whisper_rules_apply(s->ctx->kernels, s->vocab, &s->options, s->paths[i].tokens, s->paths[i].n,
                                logits_of(s, &s->paths[i]));
}

/* ---- hotwords ---- */

struct boosting {
    float *logprobs;
    double lost;
    double plain, top, boosted; /* of tokens with an arc: probabilities, and exp(top) * boosted with their bonuses */
    int is_beam;
};

static void boost_token(void *arg, int token, double bonus, double delta)
{
    struct boosting *b = arg;
    double logprob = (double)b->logprobs[token], gain = hotwords_gain(bonus, delta), sum = logprob + gain;
    if (!(logprob > -INFINITY))
        return;
    b->plain += exp(logprob);
    b->boosted = sum > b->top ? b->boosted * exp(b->top - sum) + 1 : b->boosted + exp(sum - b->top);
    b->top = sum > b->top ? sum : b->top;
    b->logprobs[token] += (float)(b->is_beam ? delta - b->lost : gain);
}

/* After the rules: adds to the log probabilities what hotwords add, but for what any token would lose. */
static void boost(struct whisper_search *s, int is_beam)
{
    for (int i = 0; i < s->n_paths && s->hotwords != NULL; i++) {
        struct path *p = &s->paths[i];
        if (p->ended)
            continue;
        struct boosting b = {.logprobs = logits_of(s, p), .top = 0, .is_beam = is_beam};
        b.lost = hotwords_finish(s->hotwords, p->hotword);
        hotwords_arcs(s->hotwords, p->hotword, boost_token, &b);
        p->lost = b.lost;
        p->log_others = b.top + log(b.boosted + fmax(1 - b.plain, 0) * exp(-b.top));
    }
}

/* What a path is ranked by, before the next token is chosen. */
static double rank_of(const struct path *p) { return p->sum_logprob + p->bonus + p->lost; }

/* Counts a token that follows the path, with its logprob as it was chosen by. */
static void count_token(const struct whisper_search *s, struct path *p, int token, double logprob, int is_beam)
{
    if (s->hotwords == NULL) {
        p->sum_logprob += logprob;
        return;
    }
    double delta, bonus = hotwords_bonus(s->hotwords, p->hotword, token);
    p->hotword = hotwords_step(s->hotwords, p->hotword, token, &delta);
    double gain = hotwords_gain(bonus, delta);
    double alone = logprob - (is_beam ? delta - p->lost : gain), counted = fmin(alone + gain - p->log_others, 0);
    p->sum_logprob += counted;
    p->bonus += alone + delta - counted;
    p->lost = 0;
}

/* ---- choosing ---- */

/* SplitMix64 (Steele et al. 2014): uniform in [0, 1). */
static double draw(struct whisper_search *s)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* In relation to the likeliest token's 1, to which one below half of its last bit adds nothing. */
static double weight_of(double logprob, double top, double temperature)
{
    double x = (logprob - top) / temperature;
    return x > -37.5 ? exp(x) : 0;
}

/* Draws from softmax(logprobs / temperature). */
static int sample(struct whisper_search *s, const float *logprobs, double temperature)
{
    int best = whisper_candidates_top(s->ctx->kernels, logprobs, s->vocab->base.n);
    double sum = 0, at = 0, top = (double)logprobs[best];
    for (int i = 0; i < s->vocab->base.n; i++)
        sum += weight_of((double)logprobs[i], top, temperature);
    double target = draw(s) * sum;
    for (int i = 0; i < s->vocab->base.n; i++) {
        at += weight_of((double)logprobs[i], top, temperature);
        if (at > target)
            return i;
    }
    return best;
}

static int extend_each(struct whisper_search *s, double temperature)
{
    int n_open = 0;
    for (int i = 0; i < s->n_paths; i++) {
        struct path *p = &s->paths[i];
        const float *logprobs = logits_of(s, p);
        if (p->ended)
            continue;
        int token = temperature > 0 ? sample(s, logprobs, temperature)
                                    : whisper_candidates_top(s->ctx->kernels, logprobs, s->vocab->base.n);
        count_token(s, p, token, (double)logprobs[token], 0);
        if (token == s->vocab->special.eot)
            p->ended = 1;
        else
            p->tokens[p->n++] = token;
        p->ended |= is_full(s, p);
        n_open += !p->ended;
    }
    return n_open;
}

static void finish(struct whisper_search *s, const struct path *p)
{
    struct whisper_hypothesis *h = &s->finished[s->n_finished++];
    memcpy(h->tokens, p->tokens, (size_t)p->n * sizeof *h->tokens);
    h->n = p->n;
    h->is_full = is_full(s, p);
    h->sum_logprob = p->sum_logprob;
    h->bonus = p->bonus + (s->hotwords != NULL ? hotwords_finish(s->hotwords, p->hotword) : 0);
}

/* Of the best continuations those that end become finished hypotheses, until there are n_wanted, and the others the
 * next paths.  Returns how many paths go on. */
static int extend_beam(struct whisper_search *s, int n_wanted)
{
    int n = 0, n_next = 0;
    for (int i = 0; i < s->n_paths; i++)
        n += whisper_candidates_best(s->candidates + n, s->options.beam + 1, i, rank_of(&s->paths[i]),
                                     logits_of(s, &s->paths[i]), s->vocab->base.n);
    whisper_candidates_sort(s->candidates, n);
    for (int i = 0; i < n && n_next < s->options.beam; i++) {
        const struct whisper_candidate *c = &s->candidates[i];
        struct path *p = &s->next[n_next];
        path_copy(s, p, &s->paths[c->path]);
        count_token(s, p, c->token, (double)logits_of(s, &s->paths[c->path])[c->token], 1);
        if (c->token != s->vocab->special.eot) {
            p->tokens[p->n++] = c->token;
            n_next++;
        } else if (s->n_finished < n_wanted) {
            finish(s, p);
        }
    }
    struct path *old = s->paths;
    s->paths = s->next;
    s->next = old;
    s->n_paths = n_next;
    return s->n_finished < n_wanted && n_next > 0 && !is_full(s, &s->paths[0]) ? n_next : 0;
}

static void rank(struct whisper_search *s)
{
    for (int i = 0; i < s->n_finished; i++) {
        struct whisper_hypothesis *h = &s->finished[i];
        double penalty = s->options.length_penalty;
        h->score =
            (h->sum_logprob + h->bonus) / (penalty < 0 ? (h->n > 0 ? h->n : 1) : pow((5.0 + h->n) / 6.0, penalty));
    }
    for (int i = 1; i < s->n_finished; i++) {
        struct whisper_hypothesis x = s->finished[i];
        int at = i;
        for (; at > 0 && s->finished[at - 1].score < x.score; at--)
            s->finished[at] = s->finished[at - 1];
        s->finished[at] = x;
    }
}

int whisper_search_run(struct whisper_search *s, double temperature, uint64_t seed, const atomic_int *cancelled,
                       const struct whisper_hypothesis **best, int *n)
{
    int beam = temperature > 0 ? 1 : s->options.beam, n_wanted = (int)lrint(beam * s->options.patience);
    if (n_wanted < 1)
        n_wanted = 1;
    s->random = seed;
    s->n_finished = 0;
    s->n_paths = temperature > 0 ? s->options.best_of : 1;
    for (int i = 0; i < s->n_paths; i++) {
        struct path *p = &s->paths[i];
        p->n = p->ended = 0;
        p->row = i;
        p->sum_logprob = p->bonus = p->lost = p->log_others = 0;
        p->hotword = HOTWORDS_START;
        memcpy(p->slots, s->prompt_slots, (size_t)s->n_prompt * sizeof *p->slots);
        memcpy(logits_of(s, p), s->first, (size_t)s->vocab->base.n * sizeof *s->logits);
    }
    for (;;) {
        apply_rules(s);
        boost(s, beam > 1);
        if ((beam > 1 ? extend_beam(s, n_wanted) : extend_each(s, temperature)) == 0)
            break;
        if (cancelled != NULL && *cancelled)
            return LINNET_E_CANCELLED;
        step(s);
    }
    /* open hypotheses count as they are: all of a greedy or sampled group, the best of a beam */
    for (int i = 0; i < s->n_paths && (beam == 1 || s->n_finished < beam); i++)
        finish(s, &s->paths[i]);
    rank(s);
    *best = s->finished;
    *n = s->n_finished;
    return LINNET_OK;
}
