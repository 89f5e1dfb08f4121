/* SPDX-License-Identifier: Apache-2.0
 * search.c - monotonic segmental attention (Zeyer et al. 2022, "Monotonic segmental attention for automatic speech
 * recognition"), searched frame by frame.
 *
 * The score of labels a_1 .. a_N whose segments end at frames t_1 < ... < t_N:
 *     label_scale    * sum over k of log p(a_k | a_1 .. a_(k-1), frames t_(k-1)+1-left .. t_k+right)
 *   + length_scale   * sum over k of log p(t_k - t_(k-1) | a_k)
 *   + boundary_scale * (sum of log p(emit) over the frames t_k + sum of log p(stay) over the others)
 *
 * A row of the attention decoder takes the label before a segment (sos before the first) and, attending to the segment,
 * gives the next label.  Rows form a token_tree: the history of a label are the rows of its hypothesis, each computed
 * once.  Two more trees hold the label sequences, which recombination compares, and the paths, which also
 * know the frames: recombined hypotheses have one label sequence and the path of the best.
 *
 * No label's log probability is above 0, so a hypothesis whose score with p(emit) alone lies outside of score_beam
 * would be dropped with any label, and its labels are not computed.  All rows of a frame are computed together.
 *
 * Candidates: first the hypotheses that stay (best first), then those that emit (best hypothesis first, best label
 * first); of equal ones the earlier is the better, so results do not depend on how anything is sorted. */
#include "decoders/segmental/search.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/common/scores.h"
#include "decoders/common/token_tree.h"

#define MAX_BEAM 1024
#define MAX_WINDOW (1 << 28)
#define SLICE 32 /* frames fed at a time: what is kept does not depend on how many come at once */
#define NOT_A_SCORE (-1e29f)
#define STAYS (-1)

struct segmental_hypothesis {
    int labels, path, row; /* nodes; row: that gave the last label, or the root */
    int start;             /* first frame of the open segment */
    double score;
};

struct candidate {
    int from, label; /* hypothesis; label emitted, or STAYS */
    float logprob;   /* of the label */
    double score;    /* -INFINITY: recombined into another one */
};

struct segmental {
    struct segmental_options options;
    const struct text_decoder_config *decoder;
    int n_vocabulary;
    struct token_tree rows;
    struct label_tree labels, paths;
    void *block;                              /* of the arrays, boundaries aside */
    struct segmental_hypothesis *beam, *next; /* [n_beam] best first */
    int n_hypotheses, n_frames, n_received, n_kept, is_finished;
    struct boundary_score *boundaries; /* of the frames from n_frames on */
    int boundaries_room;
    float *previous;              /* [V] CTC log probabilities of the last frame */
    float *work;                  /* for the boundary network */
    int *nodes, *begin, *end;     /* [n_beam] rows of the hypotheses that may emit, and the frames that they see */
    float *logprobs;              /* [n_beam, V] */
    float *label_scores;          /* [V] */
    int *best;                    /* [n_beam] labels of a row, */
    float *best_scores;           /* with their scores */
    struct candidate *candidates; /* [n_beam * (n_beam + 1)] */
    int n_candidates;
    int *order;                    /* [n_beam] candidates, best first */
    struct hypothesis *hypotheses; /* [n_beam] for the caller, */
    struct hypothesis_store out;   /* with their arrays */
    struct segmental_cost cost;
};

static int check_options(const struct segmental_options *o, int n_vocabulary, struct message *msg)
{
    if (o->blank < 0 || o->blank >= n_vocabulary)
        return fail(msg, LINNET_E_ARGUMENT, "blank %d of %d symbols", o->blank, n_vocabulary);
    if (o->n_beam < 1 || o->n_beam > MAX_BEAM || !(o->score_beam > 0.0))
        return fail(msg, LINNET_E_ARGUMENT, "a beam of %d hypotheses, %g wide", o->n_beam, o->score_beam);
    if (o->left < SEGMENTAL_ALL || o->left > MAX_WINDOW || o->right < SEGMENTAL_ALL || o->right > MAX_WINDOW ||
        o->longest_segment < 0 || o->history < 0)
        return fail(msg, LINNET_E_ARGUMENT, "a window of %d and %d frames, segments of %d, a history of %d labels",
                    o->left, o->right, o->longest_segment, o->history);
    const double scales[] = {o->label_scale, o->boundary_scale, o->length_scale};
    for (int i = 0; i < 3; i++)
        if (!(scales[i] >= 0.0) || !isfinite(scales[i]))
            return fail(msg, LINNET_E_ARGUMENT, "a scale of %g", scales[i]);
    return LINNET_OK;
}

static int allocate(struct segmental *s)
{
    size_t n_beam = (size_t)s->options.n_beam, n_vocabulary = (size_t)s->n_vocabulary;
    size_t n_work = s->options.boundary != NULL ? SLICE * (size_t)boundary_floats(s->options.boundary) : 0;
    s->block = MEM_PARTS(MEM_PART(s->beam, n_beam), MEM_PART(s->next, n_beam), MEM_PART(s->previous, n_vocabulary),
                         MEM_PART(s->work, n_work), MEM_PART(s->nodes, n_beam), MEM_PART(s->begin, n_beam),
                         MEM_PART(s->end, n_beam), MEM_PART(s->logprobs, n_beam * n_vocabulary),
                         MEM_PART(s->label_scores, n_vocabulary), MEM_PART(s->best, n_beam),
                         MEM_PART(s->best_scores, n_beam), MEM_PART(s->candidates, n_beam * (n_beam + 1)),
                         MEM_PART(s->order, n_beam), MEM_PART(s->hypotheses, n_beam));
    return s->block != NULL && label_tree_open(&s->labels) == 0 && label_tree_open(&s->paths) == 0 ? LINNET_OK
                                                                                                   : LINNET_E_MEMORY;
}

int segmental_open(struct segmental **out, const struct text_decoder *decoder, const struct segmental_options *options,
                   struct message *msg)
{
    int rc = check_options(options, decoder->config.n_vocabulary, msg);
    if (rc < 0)
        return rc;
    struct segmental *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->options = *options;
    s->decoder = &decoder->config;
    s->n_vocabulary = decoder->config.n_vocabulary;
    rc = allocate(s) < 0 ? fail_memory(msg) : token_tree_open(&s->rows, decoder, 0, msg);
    if (rc < 0) {
        segmental_close(s);
        return rc;
    }
    segmental_reset(s);
    *out = s;
    return LINNET_OK;
}

void segmental_close(struct segmental *s)
{
    if (s == NULL)
        return;
    mem_free(s->block);
    mem_free(s->boundaries);
    label_tree_close(&s->labels);
    label_tree_close(&s->paths);
    hypothesis_store_free(&s->out);
    token_tree_close(&s->rows);
    mem_free(s);
}

void segmental_reset(struct segmental *s)
{
    token_tree_reset(&s->rows);
    label_tree_reset(&s->labels);
    label_tree_reset(&s->paths);
    s->beam[0] = (struct segmental_hypothesis){.labels = label_tree_keep(&s->labels, LABEL_TREE_ROOT),
                                               .path = label_tree_keep(&s->paths, LABEL_TREE_ROOT),
                                               .row = label_tree_keep(&s->rows.labels, LABEL_TREE_ROOT)};
    s->n_hypotheses = 1;
    s->n_frames = s->n_received = s->n_kept = s->is_finished = 0;
    s->cost = (struct segmental_cost){0};
}

/* ---- one frame: which hypotheses may emit, and the scores of their labels ---- */

/* The first frame that a label sees whose segment begins at start and ends before end. */
static int window_start(const struct segmental *s, int start, int end)
{
    const struct segmental_options *o = &s->options;
    if (o->left == SEGMENTAL_ALL)
        return 0;
    if (o->longest_segment > 0 && start < end - o->longest_segment)
        start = end - o->longest_segment;
    return start > o->left ? start - o->left : 0;
}

/* A new row for the hypothesis's next label, and the frames that it sees. */
static int add_row(struct segmental *s, const struct segmental_hypothesis *h, int i)
{
    const struct segmental_options *o = &s->options;
    const struct label_node *last = &s->labels.nodes[h->labels];
    int starts = last->depth == 0 || (o->history > 0 && last->depth % o->history == 0);
    int end = s->n_frames + 1, oldest = s->n_received - s->n_kept;
    s->begin[i] = window_start(s, h->start, end) - oldest;
    s->end[i] = o->right == SEGMENTAL_ALL || o->right > s->n_received - end ? s->n_kept : end + o->right - oldest;
    int parent = starts ? LABEL_TREE_ROOT : h->row, token = starts ? s->decoder->sos : last->label;
    return label_tree_add(&s->rows.labels, parent, token, 0.0f);
}

static void drop_rows(struct segmental *s, int n)
{
    for (int i = 0; i < n; i++)
        label_tree_drop(&s->rows.labels, s->nodes[i]);
}

/* Computes the labels of the first n hypotheses, were they to emit now. */
static int compute_rows(struct segmental *s, struct nn_context *ctx, int n, struct message *msg)
{
    if (n == 0)
        return LINNET_OK;
    for (int i = 0; i < n; i++)
        s->nodes[i] = add_row(s, &s->beam[i], i);
    const struct text_cross seen = {.begin = s->begin, .end = s->end};
    int rc = token_tree_step(&s->rows, ctx, s->nodes, n, &seen, msg);
    if (rc < 0) {
        drop_rows(s, n);
        return rc;
    }
    text_decoder_state_logprobs(&s->rows.state, ctx, 0, n, s->logprobs);
    s->cost.n_rows += n;
    return LINNET_OK;
}

static void add_staying(struct segmental *s, double stay)
{
    s->n_candidates = 0;
    for (int i = 0; i < s->n_hypotheses; i++)
        s->candidates[s->n_candidates++] =
            (struct candidate){.from = i, .label = STAYS, .score = s->beam[i].score + stay};
}

/* The best labels of row i, as candidates. */
static void add_emitting(struct segmental *s, int i, double emit, double least)
{
    const struct segmental_options *o = &s->options;
    const struct segmental_hypothesis *h = &s->beam[i];
    const float *logprobs = s->logprobs + (size_t)i * (size_t)s->n_vocabulary;
    for (int v = 0; v < s->n_vocabulary; v++)
        s->label_scores[v] = (float)o->label_scale * logprobs[v];
    if (o->lengths != NULL)
        length_model_add(o->lengths, s->n_frames + 1 - h->start, o->length_scale, s->label_scores, s->n_vocabulary);
    s->label_scores[o->blank] = s->label_scores[s->decoder->sos] = s->label_scores[s->decoder->eos] = -INFINITY;
    int n = scores_best(s->label_scores, s->n_vocabulary, o->n_beam, s->best, s->best_scores);
    for (int k = 0; k < n; k++) {
        double score = h->score + emit + (double)s->best_scores[k];
        if (s->best_scores[k] < NOT_A_SCORE || score < least)
            break;
        s->candidates[s->n_candidates++] =
            (struct candidate){.from = i, .label = s->best[k], .logprob = logprobs[s->best[k]], .score = score};
    }
}

/* ---- one frame: recombination and the next beam ---- */

static void merge(struct candidate *a, struct candidate *b, enum segmental_recombination how)
{
    struct candidate *better = b->score > a->score ? b : a, *other = better == a ? b : a;
    if (how == SEGMENTAL_RECOMBINE_SUM)
        better->score = scores_add(a->score, b->score);
    other->score = -INFINITY;
}

/* Hypotheses have different labels already: only one that stays and one that emits can become equal. */
static void recombine(struct segmental *s)
{
    for (int i = 0; i < s->n_hypotheses; i++)
        s->labels.nodes[s->beam[i].labels].mark = i;
    for (int c = s->n_hypotheses; c < s->n_candidates; c++) {
        struct candidate *emits = &s->candidates[c];
        int node = label_tree_child(&s->labels, s->beam[emits->from].labels, emits->label);
        if (node >= 0 && s->labels.nodes[node].mark >= 0)
            merge(&s->candidates[s->labels.nodes[node].mark], emits, s->options.recombination);
    }
    for (int i = 0; i < s->n_hypotheses; i++)
        s->labels.nodes[s->beam[i].labels].mark = -1;
}

/* Puts the best candidates in order; returns how many. */
static int choose(struct segmental *s)
{
    int n = 0, n_beam = s->options.n_beam;
    for (int c = 0; c < s->n_candidates; c++) {
        double score = s->candidates[c].score;
        if (score == -INFINITY || (n == n_beam && !(score > s->candidates[s->order[n - 1]].score)))
            continue;
        int at = n < n_beam ? n++ : n - 1;
        for (; at > 0 && s->candidates[s->order[at - 1]].score < score; at--)
            s->order[at] = s->order[at - 1];
        s->order[at] = c;
    }
    while (n > 1 && s->candidates[s->order[n - 1]].score < s->candidates[s->order[0]].score - s->options.score_beam)
        n--;
    return n;
}

static int keep_child(struct label_tree *t, int parent, int label)
{
    int node = label_tree_child(t, parent, label);
    return node >= 0 ? label_tree_keep(t, node) : label_tree_add(t, parent, label, 0.0f);
}

static struct segmental_hypothesis follow(struct segmental *s, const struct candidate *c)
{
    const struct segmental_hypothesis *from = &s->beam[c->from];
    struct label_tree *rows = &s->rows.labels;
    if (c->label == STAYS)
        return (struct segmental_hypothesis){label_tree_keep(&s->labels, from->labels),
                                             label_tree_keep(&s->paths, from->path), label_tree_keep(rows, from->row),
                                             from->start, c->score};
    int path = label_tree_add(&s->paths, from->path, c->label, c->logprob);
    s->paths.nodes[path].mark = s->n_frames;
    return (struct segmental_hypothesis){keep_child(&s->labels, from->labels, c->label), path,
                                         label_tree_keep(rows, s->nodes[c->from]), s->n_frames + 1, c->score};
}

static void move_on(struct segmental *s)
{
    int n = choose(s);
    for (int i = 0; i < n; i++)
        s->next[i] = follow(s, &s->candidates[s->order[i]]);
    for (int i = 0; i < s->n_hypotheses; i++) {
        label_tree_drop(&s->labels, s->beam[i].labels);
        label_tree_drop(&s->paths, s->beam[i].path);
        label_tree_drop(&s->rows.labels, s->beam[i].row);
    }
    struct segmental_hypothesis *swap = s->beam;
    s->beam = s->next;
    s->next = swap;
    s->n_hypotheses = n;
}

static int search_frame(struct segmental *s, struct nn_context *ctx, struct boundary_score boundary,
                        struct message *msg)
{
    const struct segmental_options *o = &s->options;
    double emit = o->boundary_scale * boundary.emit, stay = o->boundary_scale * boundary.stay;
    double least = s->beam[0].score + stay - o->score_beam;
    if (label_tree_reserve(&s->labels, o->n_beam) < 0 || label_tree_reserve(&s->paths, o->n_beam) < 0 ||
        label_tree_reserve(&s->rows.labels, o->n_beam) < 0)
        return fail_memory(msg);
    int n_rows = 0;
    while (n_rows < s->n_hypotheses && s->beam[n_rows].score + emit >= least)
        n_rows++;
    int rc = compute_rows(s, ctx, n_rows, msg);
    if (rc < 0)
        return rc;
    add_staying(s, stay);
    for (int i = 0; i < n_rows; i++)
        add_emitting(s, i, emit, least);
    if (o->recombination != SEGMENTAL_RECOMBINE_NONE)
        recombine(s);
    move_on(s);
    drop_rows(s, n_rows);
    s->n_frames++;
    s->cost.most_nodes = s->rows.labels.n_nodes; /* never becomes less */
    return LINNET_OK;
}

/* ---- feeding ---- */

/* Feeds up to SLICE frames: their boundary scores, and keys and values for the decoder. */
static int take(struct segmental *s, struct nn_context *ctx, const float *encoder_out, const float *logprobs, int n,
                struct message *msg)
{
    int n_waiting = s->n_received - s->n_frames, n_vocabulary = s->n_vocabulary;
    if (n > INT_MAX - s->n_received)
        return fail(msg, LINNET_E_ARGUMENT, "a recording of more than %d encoder frames", INT_MAX);
    if (MEM_GROW(s->boundaries, s->boundaries_room, n_waiting + n) < 0)
        return fail_memory(msg);
    const struct boundary *boundary = s->options.boundary;
    int rc;
    if ((boundary != NULL && (rc = nn_context_reserve(ctx, boundary_scratch(boundary), msg)) < 0) ||
        (rc = token_tree_append(&s->rows, ctx, encoder_out, n, msg)) < 0)
        return rc;
    struct boundary_score *boundaries = s->boundaries + n_waiting;
    if (boundary != NULL)
        boundary_forward(boundary, ctx, encoder_out, n, s->work, boundaries);
    for (int i = 0; boundary == NULL && i < n; i++) {
        const float *row = logprobs + (ptrdiff_t)i * n_vocabulary;
        const float *previous = i > 0 ? row - n_vocabulary : s->n_received > 0 ? s->previous : NULL;
        boundaries[i] = boundary_from_ctc(row, previous, n_vocabulary, s->options.blank);
    }
    memcpy(s->previous, logprobs + (ptrdiff_t)(n - 1) * n_vocabulary, (size_t)n_vocabulary * sizeof *s->previous);
    s->n_received += n;
    s->n_kept += n;
    s->cost.most_frames = s->n_kept > s->cost.most_frames ? s->n_kept : s->cost.most_frames;
    return LINNET_OK;
}

/* Drops the frames that are in no open segment's window. */
static void drop_frames(struct segmental *s)
{
    int oldest = s->n_received;
    for (int i = 0; i < s->n_hypotheses; i++) {
        int first = window_start(s, s->beam[i].start, s->n_frames + 1);
        oldest = first < oldest ? first : oldest;
    }
    if (s->n_received - oldest < s->n_kept) {
        s->n_kept = s->n_received - oldest;
        text_decoder_state_keep(&s->rows.state, s->n_kept);
    }
}

/* Searches the frames whose look-ahead is there. */
static int advance(struct segmental *s, struct nn_context *ctx, struct message *msg)
{
    int right = s->is_finished ? 0 : s->options.right, n_done = 0, n = s->n_received - s->n_frames, rc = LINNET_OK;
    if (right == SEGMENTAL_ALL)
        return LINNET_OK;
    while (rc == 0 && n_done < n - right)
        rc = search_frame(s, ctx, s->boundaries[n_done++], msg);
    if (rc < 0)
        return rc;
    if (n_done > 0)
        memmove(s->boundaries, s->boundaries + n_done, (size_t)(n - n_done) * sizeof *s->boundaries);
    drop_frames(s);
    return LINNET_OK;
}

int segmental_step(struct segmental *s, struct nn_context *ctx, const float *encoder_out, const float *logprobs, int n,
                   struct message *msg)
{
    int rc = LINNET_OK;
    for (int done = 0; rc == 0 && done < n; done += SLICE) {
        const float *states = encoder_out + (ptrdiff_t)done * s->decoder->n_dims;
        rc = take(s, ctx, states, logprobs + (ptrdiff_t)done * s->n_vocabulary, n - done < SLICE ? n - done : SLICE,
                  msg);
        if (rc == 0)
            rc = advance(s, ctx, msg);
    }
    return rc;
}

int segmental_finish(struct segmental *s, struct nn_context *ctx, struct message *msg)
{
    s->is_finished = 1;
    return advance(s, ctx, msg);
}

/* ---- results ---- */

static int labels_seen(const struct segmental *s, int i) /* in a better hypothesis */
{
    for (int j = 0; j < i; j++)
        if (s->beam[j].labels == s->beam[i].labels)
            return 1;
    return 0;
}

static void read_path(const struct segmental *s, int path, int at)
{
    int n = label_tree_read(&s->paths, path, s->out.tokens + at, s->out.logprobs + at);
    for (int i = n - 1; i >= 0; i--, path = s->paths.nodes[path].parent)
        s->out.times[at + i] = s->paths.nodes[path].mark;
}

int segmental_nbest(struct segmental *s, int n_max, const struct hypothesis **hypotheses, struct message *msg)
{
    int n = 0, n_tokens = 0;
    for (int i = 0; i < s->n_hypotheses && n < n_max; i++) {
        if (labels_seen(s, i))
            continue;
        int path = s->beam[i].path, depth = s->paths.nodes[path].depth;
        if (depth > HYPOTHESIS_MAX_TOKENS - n_tokens ||
            hypothesis_store_reserve(&s->out, n_tokens, n_tokens + depth) < 0)
            return fail_memory(msg);
        read_path(s, path, n_tokens);
        s->hypotheses[n++] = (struct hypothesis){.n = depth, .score = s->beam[i].score};
        n_tokens += depth;
    }
    for (int i = 0, at = 0; i < n; at += s->hypotheses[i++].n) { /* the store moves while it grows */
        s->hypotheses[i].tokens = s->out.tokens + at;
        s->hypotheses[i].times = s->out.times + at;
        s->hypotheses[i].logprobs = s->out.logprobs + at;
    }
    *hypotheses = s->hypotheses;
    return n;
}

int segmental_committed(const struct segmental *s)
{
    int node = s->beam[0].labels;
    for (int i = 1; i < s->n_hypotheses; i++)
        node = label_tree_common(&s->labels, node, s->beam[i].labels);
    return s->labels.nodes[node].depth;
}

int segmental_n_tokens(const struct segmental *s) { return s->labels.nodes[s->beam[0].labels].depth; }

int segmental_n_frames(const struct segmental *s) { return s->n_frames; }

struct segmental_cost segmental_cost(const struct segmental *s) { return s->cost; }
