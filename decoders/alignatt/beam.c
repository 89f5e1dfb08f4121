/* SPDX-License-Identifier: Apache-2.0
 * beam.c - a step extends all hypotheses by a token.  One stops where attention comes near the end of the audio
 * (AlignAtt), where the model ends the text, or where it repeats itself.  The search ends when as many have stopped as
 * the beam is wide; the result is the one with the best mean log probability.  With a beam of 1 it is greedy.
 *
 * Hotwords boost the tokens that begin or go on with a phrase, and all are normalised again: every step decodes anew
 * what is not committed, so nothing has to be taken back from a phrase that breaks off.
 *
 * A hypothesis goes on into the segment that follows its last one.  Where the model ends the text though speech goes
 * on, a new segment is begun there. */
#include "decoders/alignatt/beam.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper_common/options.h"
#include "decoders/whisper_common/rules.h"

enum {
    DEFAULT_WIDTH = 3,
    LAST_THRESHOLD = 4, /* frames, where the audio is known to be complete */
    EARLY = 25,         /* frames before the detector's beginning of speech where a word may lie */
    BACK_FRAMES = 50,   /* attention that jumps back further than this has left the word */
    SKIPPED = 100,      /* frames of speech that no token attends to */
    FEW = 10,           /* tokens that may come at once, and one more for each .. */
    TOKEN_FRAMES = 5,   /* .. so many frames: nobody speaks faster than 10 tokens a second */
    MOST_RUN = 4,       /* tokens that a step runs at most on one path */
};

/* One call of alignatt_beam_decode. */
struct decoding {
    struct alignatt_beam *beam;
    struct alignatt_network *network;
    const struct alignatt_audio *audio;
    struct alignatt_text *text; /* with the tokens of one hypothesis */
    int64_t first;              /* frame at which the network's audio begins */
    int end;                    /* encoder frame from which on a word may be cut off */
    int n_most;                 /* tokens of the text */
    int is_complete;
};

static const struct alignatt_pause NO_PAUSE = {-1, -1};

/* ---- opening ---- */

static int rules_open(struct alignatt_beam *b, const struct decoder_options *shared)
{
    const struct whisper_options *set = settings_of(b->host->settings, &whisper_settings);
    struct whisper_options options = *set;
    options.timestamps = 0;
    options.suppress_blank = 0; /* silence may have no text */
    return whisper_options_for_search(&options, shared, b->vocab, &b->rules, &b->suppressed, b->host->msg);
}

static int arrays_open(struct alignatt_beam *b, size_t n_max)
{
    size_t width = (size_t)b->width;
    int *ids;
    struct alignatt_token *at;
    b->block = MEM_PARTS(MEM_PART(b->candidates, width * (width + 1)), MEM_PART(b->to, width),
                         MEM_PART(b->tokens, width), MEM_PART(b->hypotheses, width + 1),
                         MEM_PART(ids, (width + 1) * n_max), MEM_PART(at, (width + 1) * n_max));
    if (b->block == NULL)
        return fail_memory(b->host->msg);
    b->best = &b->hypotheses[width];
    for (size_t i = 0; i <= width; i++) {
        b->hypotheses[i].ids = ids + i * n_max;
        b->hypotheses[i].at = at + i * n_max;
    }
    return LINNET_OK;
}

int alignatt_beam_open(struct alignatt_beam *b, const struct decoder_host *host, const struct whisper_vocab *vocab,
                       int n_max)
{
    const struct decoder_options *shared = settings_of(host->settings, &decoder_settings);
    int width = shared->beam > 0 ? shared->beam : DEFAULT_WIDTH, rc;
    *b = (struct alignatt_beam){.host = host, .vocab = vocab, .width = width};
    b->options = settings_of(host->settings, &alignatt_settings);
    if (width > ALIGNATT_BLOCK)
        return fail(host->msg, LINNET_E_ARGUMENT, "decoder.beam is %d: alignatt can do 1 to %d", width, ALIGNATT_BLOCK);
    if ((rc = rules_open(b, shared)) < 0 || (rc = arrays_open(b, (size_t)n_max)) < 0)
        alignatt_beam_close(b);
    return rc;
}

void alignatt_beam_close(struct alignatt_beam *b)
{
    hotwords_close(b->hotwords);
    mem_free(b->suppressed);
    mem_free(b->block);
    *b = (struct alignatt_beam){0};
}

void alignatt_beam_set_hotwords(struct alignatt_beam *b, struct hotwords *hotwords)
{
    hotwords_close(b->hotwords);
    b->hotwords = hotwords;
}

/* ---- hypotheses ---- */

/* The text after what is committed becomes that of a hypothesis. */
static void set_text(struct alignatt_text *t, const struct alignatt_hypothesis *h)
{
    alignatt_text_truncate(t, t->n_committed);
    for (int i = 0; i < h->n; i++)
        alignatt_text_add(t, h->ids[i], h->at[i]);
}

static void hypothesis_copy(struct alignatt_hypothesis *to, const struct alignatt_hypothesis *from)
{
    int *ids = to->ids;
    struct alignatt_token *at = to->at;
    *to = *from;
    to->ids = memcpy(ids, from->ids, (size_t)from->n * sizeof *ids);
    to->at = memcpy(at, from->at, (size_t)from->n * sizeof *at);
}

/* A hypothesis stops before the token `next`, -1: at the end of the text; its last n_loop tokens repeat those before.
 * */
static void stop(struct alignatt_beam *b, struct alignatt_hypothesis *h, int n_loop, double score, int next)
{
    h->is_open = 0;
    if (b->n_stopped++ > 0 && score <= b->score)
        return;
    hypothesis_copy(b->best, h);
    b->best->n = n_loop < h->n ? h->n - n_loop : 0;
    b->next = next;
    b->score = score;
    b->is_loop = n_loop > 0 && b->best->n == 0;
}

static double mean(double sum, int n) { return n > 0 ? sum / n : 0; }

/* ---- segments ---- */

static void boost_token(void *arg, int token, double bonus, double delta)
{
    float *logprobs = arg;
    logprobs[token] += (float)hotwords_gain(bonus, delta);
}

static void boost(const struct decoding *x, float *logprobs)
{
    const struct hotwords *h = x->beam->hotwords;
    int state = HOTWORDS_START;
    double delta;
    for (int i = 0; i < x->text->n; i++)
        state = hotwords_step(h, state, x->text->ids[i], &delta);
    hotwords_arcs(h, state, boost_token, logprobs);
    x->network->ctx.kernels->log_softmax(logprobs, logprobs, x->beam->vocab->base.n);
}

/* Makes log probabilities of what may come next on path p. */
static void apply_rules(const struct decoding *x, int p)
{
    float *logits = x->network->paths[p].logits;
    whisper_rules_apply(x->network->ctx.kernels, x->beam->vocab, &x->beam->rules, x->text->ids, x->text->n, logits);
    if (x->beam->hotwords != NULL)
        boost(x, logits);
}

/* Runs times on path p. */
static void run_times(const struct decoding *x, int p, const int *times, int n)
{
    alignatt_network_run(x->network, p, times, n);
    apply_rules(x, p);
}

/* When the model ends the segment on path p: runs its end and the beginning of the next, and sets the pause between
 * them.  Returns 1 then, 0 when the segment goes on, -1 when no other follows before x->end. */
static int next_segment(const struct decoding *x, int p, struct alignatt_pause *pause)
{
    const struct whisper_vocab *vocab = x->beam->vocab;
    int begin = vocab->special.timestamp_begin, eot = vocab->special.eot;
    int from = whisper_rules_best_time(x->network->ctx.kernels, vocab, x->network->paths[p].logits, begin, 0, eot + 1);
    if (from < 0)
        return 0;
    if (from - begin >= x->end)
        return -1;
    run_times(x, p, &from, 1);
    int to = whisper_rules_best_time(x->network->ctx.kernels, vocab, x->network->paths[p].logits, from, eot, eot + 1);
    if (to < 0 || to - begin >= x->end)
        return -1;
    run_times(x, p, &to, 1);
    *pause = (struct alignatt_pause){x->first + from - begin, x->first + to - begin};
    return 1;
}

/* Begins a segment at frame `to` for speech that the hypothesis on path p has skipped.  has_end: the end of the segment
 * before has run. */
static void begin_segment(const struct decoding *x, int p, int64_t to, int has_end)
{
    struct alignatt_hypothesis *h = &x->beam->hypotheses[p];
    int begin = x->beam->vocab->special.timestamp_begin;
    int64_t from = h->last + ALIGNATT_WORD;
    const int times[] = {begin + (int)(from - x->first), begin + (int)(to - x->first)};
    run_times(x, p, times + has_end, 2 - has_end);
    h->before = (struct alignatt_pause){from, to};
    h->earliest = to - EARLY;
}

/* ---- steps ---- */

/* Whether a token that is none of the end may follow a hypothesis; if not, that one stops there or is dropped. */
static int may_follow(const struct decoding *x, struct alignatt_hypothesis *h, int token)
{
    int64_t back = h->last - h->attended;
    double score = mean(h->sum_logprob, h->n);
    if (!x->is_complete && back > x->beam->options->rewind_threshold)
        h->is_open = 0;
    else if (h->attended < h->earliest || (x->is_complete && h->n > 0 && back > BACK_FRAMES))
        stop(x->beam, h, 0, score, -1); /* earlier text is repeated; once the audio is complete, that never ends */
    else if (h->attended - x->first >= x->end && !(x->is_complete && alignatt_text_is_punctuation(x->text, token)))
        stop(x->beam, h, 0, score, token);
    return h->is_open;
}

/* Adds the continuations of hypothesis p to the candidates. */
static void expand(const struct decoding *x, int p)
{
    struct alignatt_beam *b = x->beam;
    struct alignatt_network *r = x->network;
    struct alignatt_text *t = x->text;
    struct alignatt_hypothesis *h = &b->hypotheses[p];
    struct whisper_candidate *c = b->candidates + b->n_candidates;
    int eot = b->vocab->special.eot, n_run = r->paths[p].n_tokens, begins = 0, skips = 0;
    int64_t to = h->last;
    set_text(t, h);
    if (t->n >= x->n_most || t->n >= t->n_max || !alignatt_network_has_room(r, p, MOST_RUN)) {
        stop(b, h, 0, mean(h->sum_logprob, h->n), -1);
        return;
    }
    apply_rules(x, p);
    if (t->n > t->n_final) {
        begins = next_segment(x, p, &h->before);
        skips = alignatt_audio_speech_frames(x->audio, h->last + ALIGNATT_WORD, x->first + x->end, &to) >= SKIPPED;
    }
    const float *logprobs = r->paths[p].logits;
    int n = begins < 0 ? 0 : whisper_candidates_best(c, b->width + 1, p, h->sum_logprob, logprobs, eot + 1);
    if (skips && (n == 0 || c[0].token == eot)) {
        begin_segment(x, p, to, r->paths[p].n_tokens > n_run);
        n = whisper_candidates_best(c, b->width + 1, p, h->sum_logprob, logprobs, eot);
    } else if (n == 0) {
        stop(b, h, 0, mean(h->sum_logprob, h->n), -1);
    }
    h->attended = x->first + alignatt_network_attended(r, p);
    for (int i = 0; i < n; i++)
        if (c[i].token == eot ? !skips : h->is_open && may_follow(x, h, c[i].token))
            b->candidates[b->n_candidates++] = c[i];
}

/* Moves the best candidates that go on to the front, and stops hypotheses where the end of the text comes before them.
 * Returns how many go on. */
static int select_best(const struct decoding *x)
{
    struct alignatt_beam *b = x->beam;
    int n = 0;
    whisper_candidates_sort(b->candidates, b->n_candidates);
    for (int i = 0; i < b->n_candidates && n < b->width; i++) {
        struct whisper_candidate c = b->candidates[i];
        struct alignatt_hypothesis *h = &b->hypotheses[c.path];
        if (c.token == b->vocab->special.eot)
            stop(b, h, 0, c.sum_logprob / (h->n + 1), -1);
        else
            b->candidates[n++] = c;
    }
    return n;
}

/* Gives each of the first n candidates a path: the first of a hypothesis stays on its own, others take free ones. */
static void assign_paths(const struct decoding *x, int n)
{
    struct alignatt_beam *b = x->beam;
    for (int i = 0; i < b->width; i++)
        b->hypotheses[i].is_open = 0;
    for (int i = 0; i < n; i++) {
        int *is_taken = &b->hypotheses[b->candidates[i].path].is_open;
        b->to[i] = *is_taken ? -1 : b->candidates[i].path;
        *is_taken = 1;
    }
    for (int i = 0, free = 0; i < n; i++) {
        if (b->to[i] >= 0)
            continue;
        while (b->hypotheses[free].is_open)
            free++;
        hypothesis_copy(&b->hypotheses[free], &b->hypotheses[b->candidates[i].path]);
        alignatt_network_fork(x->network, free, b->candidates[i].path);
        b->to[i] = free;
    }
}

static void extend(const struct decoding *x, struct alignatt_hypothesis *h, const struct whisper_candidate *c)
{
    float logprob = x->network->paths[c->path].logits[c->token];
    h->last = h->attended;
    h->ids[h->n] = c->token;
    h->at[h->n++] = (struct alignatt_token){h->last, logprob, h->before};
    h->before = NO_PAUSE;
    h->sum_logprob = c->sum_logprob;
    set_text(x->text, h);
    double score = mean(h->sum_logprob, h->n);
    int n_loop = alignatt_text_loop(x->text);
    if (n_loop > 0)
        stop(x->beam, h, n_loop, score, x->is_complete ? -1 : c->token);
    else if (h->last - x->first >= x->end)
        stop(x->beam, h, 0, score, -1);
}

/* Runs the last token of each open hypothesis, unless enough have stopped; returns how many ran. */
static int run(const struct decoding *x)
{
    struct alignatt_beam *b = x->beam;
    int n = 0;
    if (b->n_stopped >= b->width)
        return 0;
    for (int i = 0; i < b->width; i++) {
        const struct alignatt_hypothesis *h = &b->hypotheses[i];
        if (!h->is_open)
            continue;
        b->to[n] = i;
        b->tokens[n++] = h->ids[h->n - 1];
    }
    if (n > 0)
        alignatt_network_run_each(x->network, b->to, b->tokens, n);
    b->host->stats->n_tokens += (uint64_t)n;
    return n;
}

static void reset(const struct decoding *x, int64_t last)
{
    struct alignatt_beam *b = x->beam;
    const struct alignatt_text *t = x->text;
    int64_t from = x->audio->speech_from / ALIGNATT_CELL;
    for (int i = 0; i < b->width; i++)
        b->hypotheses[i].is_open = i == 0;
    struct alignatt_hypothesis *h = &b->hypotheses[0];
    h->n = 0;
    h->sum_logprob = 0;
    h->last = last;
    h->earliest = t->n_final > 0 ? from - EARLY : 0;
    h->before = t->n_committed == t->n_final ? alignatt_text_pause(t, from) : NO_PAUSE;
    b->best->n = b->n_stopped = b->is_loop = 0;
    b->next = -1;
}

int alignatt_beam_decode(struct alignatt_beam *b, struct alignatt_network *r, const struct alignatt_audio *audio,
                         struct alignatt_text *t, int64_t first, int is_complete)
{
    struct decoding x = {b, r, audio, t, first, .is_complete = is_complete};
    int64_t last = t->n_committed > 0 ? t->at[t->n_committed - 1].frame : first;
    x.end = r->n_content - (is_complete ? LAST_THRESHOLD : b->options->frame_threshold);
    x.n_most = t->n_committed + FEW + (int)(first + r->n_content - last) / TOKEN_FRAMES;
    reset(&x, last);
    for (int n = 1; n > 0; n = run(&x)) {
        b->n_candidates = 0;
        for (int i = 0; i < b->width; i++)
            if (b->hypotheses[i].is_open)
                expand(&x, i);
        int n_chosen = select_best(&x);
        assign_paths(&x, n_chosen);
        for (int i = 0; i < n_chosen; i++)
            extend(&x, &b->hypotheses[b->to[i]], &b->candidates[i]);
    }
    set_text(t, b->best);
    return b->next;
}
