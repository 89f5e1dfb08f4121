/* SPDX-License-Identifier: Apache-2.0
 * test_segmental.c - the segmental search against all label sequences and segmentations of short inputs, written out
 * in double precision. */
#include "decoders/segmental/length_model.h"
#include "tests/support/segmental_setup.h"

struct path {
    int used, n, labels[T], ends[T];
    double logprobs[T], score;
    double gap; /* the closest decision on the way */
};

struct trial {
    const struct setup *s;
    struct segmental_options options;
    struct length_model_options length;
    double frames[T][D], emit[T], stay[T];
    struct path best[N_KEYS]; /* of each label sequence */
    double gap;
};

static double relu(double x) { return x > 0.0 ? x : 0.0; }

static double weight(const struct setup *s, const char *name, int i)
{
    const struct tensor *t = safetensors_find(s->boundary_file, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return (double)((const float *)t->data)[i];
}

static void plain_boundaries(struct trial *r)
{
    const struct setup *s = r->s;
    for (int t = 0; t < T; t++) {
        double p = 0.0, x = weight(s, "boundary.output.bias", 0);
        for (int v = 1; v < V; v++)
            p += exp((double)s->logprobs[t * V + v]) * (t > 0 ? 1.0 - exp((double)s->logprobs[(t - 1) * V + v]) : 1.0);
        for (int h = 0; h < 3; h++) {
            double y = weight(s, "boundary.hidden.bias", h);
            for (int d = 0; d < D; d++)
                y += weight(s, "boundary.hidden.weight", h * D + d) * r->frames[t][d];
            x += weight(s, "boundary.output.weight", h) * relu(y);
        }
        if (r->options.boundary != NULL)
            p = 1.0 / (1.0 + exp(-x));
        r->emit[t] = r->options.boundary_scale * log(p);
        r->stay[t] = r->options.boundary_scale * log(1.0 - p);
    }
}

static double plain_length(const struct trial *r, int label, int length)
{
    const struct length_counts *c = &r->s->counts;
    double own[4], all[4], n_own = 0.0, n_all = 0.0, mean = 0.0, sum = 0.0;
    int i = (length > 4 ? 4 : length) - 1;
    for (int k = 0; k < 4; k++) {
        own[k] = (double)c->at[label * 4 + k];
        all[k] = (double)(c->at[4 + k] + c->at[8 + k]); /* only labels 1 and 2 were counted */
        n_own += own[k];
        n_all += all[k];
        mean += (k + 1) * own[k];
    }
    for (int k = 1; k <= 4; k++)
        sum += exp(-fabs(mean / n_own - k) * r->length.variance);
    double smooth = (all[i] + r->length.smoothing / 4.0) / (n_all + r->length.smoothing);
    switch (r->length.kind) {
    case LENGTH_MODEL_NONE:
        return 0.0;
    case LENGTH_MODEL_STATIC:
        return log(exp(-fabs(mean / n_own - (i + 1)) * r->length.variance) / sum);
    case LENGTH_MODEL_GLOBAL:
        return log(smooth);
    case LENGTH_MODEL_LABEL:
        return log((own[i] + r->length.smoothing * smooth) / (n_own + r->length.smoothing));
    }
    return NAN;
}

static int larger(int a, int b) { return a > b ? a : b; }

/* log p(label) [V] of a segment that follows the path and ends at frame t. */
static void plain_labels(const struct trial *r, const struct path *p, int t, double *logprobs)
{
    const struct segmental_options *o = &r->options;
    int first = o->history > 0 ? p->n / o->history * o->history : 0, begin[MAX_LENGTH], end[MAX_LENGTH];
    double all[MAX_LENGTH][V];
    for (int k = first; k <= p->n; k++) {
        int from = k > 0 ? p->ends[k - 1] + 1 : 0, to = (k < p->n ? p->ends[k] : t) + 1;
        if (o->longest_segment > 0)
            from = larger(from, to - o->longest_segment);
        begin[k - first] = o->left < 0 ? 0 : larger(0, from - o->left);
        end[k - first] = o->right < 0 || to + o->right > T ? T : to + o->right;
    }
    const struct plain_part part = {&r->s->model, "left", 0, -1};
    const struct plain_view view = {(const double(*)[D])r->frames, begin, end};
    plain_logprobs_within(&part, &view, p->labels + first, p->n - first, all);
    memcpy(logprobs, all[p->n - first], V * sizeof *logprobs);
}

static struct path emitted(const struct trial *r, const struct path *p, int t, int label, double logprob)
{
    struct path q = *p;
    q.labels[q.n] = label;
    q.ends[q.n] = t;
    q.logprobs[q.n++] = logprob;
    q.score += r->options.label_scale * logprob + r->emit[t] +
               r->options.length_scale * plain_length(r, label, t - (p->n > 0 ? p->ends[p->n - 1] : -1));
    return q;
}

static struct path stayed(const struct trial *r, const struct path *p, int t)
{
    struct path q = *p;
    q.score += r->stay[t];
    return q;
}

static int key(const struct path *p)
{
    int k = 1;
    for (int i = 0; i < p->n; i++)
        k = 2 * k + p->labels[i] - 1;
    return k;
}

static void meet(struct path *slot, const struct path *p, enum segmental_recombination how)
{
    if (!slot->used) {
        *slot = *p;
        return;
    }
    double a = slot->score, b = p->score;
    if (b > a)
        *slot = *p;
    if (how == SEGMENTAL_RECOMBINE_SUM)
        slot->score = log(exp(a) + exp(b));
    slot->gap = fmin(slot->gap, fabs(a - b));
}

/* Every way from the path on. */
static void walk(struct trial *r, const struct path *p, int t)
{
    if (t == T) {
        meet(&r->best[key(p)], p, SEGMENTAL_RECOMBINE_NONE);
        return;
    }
    double logprobs[V];
    struct path q = stayed(r, p, t);
    walk(r, &q, t + 1);
    plain_labels(r, p, t, logprobs);
    for (int label = 1; label <= 2; label++) {
        q = emitted(r, p, t, label, logprobs[label]);
        walk(r, &q, t + 1);
    }
}

/* All label sequences, frame by frame, where those that are the same meet. */
static void walk_together(struct trial *r)
{
    r->best[1] = (struct path){.used = 1, .gap = INFINITY};
    for (int t = 0; t < T; t++) {
        struct path next[N_KEYS] = {0};
        for (int k = 0; k < N_KEYS; k++) {
            double logprobs[V];
            if (!r->best[k].used)
                continue;
            struct path q = stayed(r, &r->best[k], t);
            meet(&next[k], &q, r->options.recombination);
            plain_labels(r, &r->best[k], t, logprobs);
            for (int label = 1; label <= 2; label++) {
                q = emitted(r, &r->best[k], t, label, logprobs[label]);
                meet(&next[key(&q)], &q, r->options.recombination);
            }
        }
        memcpy(r->best, next, sizeof next);
    }
}

static const struct path *plain_best(struct trial *r)
{
    const struct path empty = {.used = 1, .gap = INFINITY}, *best = NULL;
    for (int t = 0; t < T; t++)
        for (int d = 0; d < D; d++)
            r->frames[t][d] = (double)r->s->frames[t * D + d];
    plain_boundaries(r);
    if (r->options.recombination == SEGMENTAL_RECOMBINE_NONE)
        walk(r, &empty, 0);
    else
        walk_together(r);
    for (int k = 0; k < N_KEYS; k++)
        if (r->best[k].used && (best == NULL || r->best[k].score > best->score))
            best = &r->best[k];
    r->gap = best->gap;
    for (int k = 0; k < N_KEYS; k++)
        if (r->best[k].used && &r->best[k] != best)
            r->gap = fmin(r->gap, best->score - r->best[k].score);
    return best;
}

static int n_compared, n_close;

/* The list has every label sequence once, with the score of the plain search; the best one's frames are the same. */
static void compare(struct trial *r, const struct hypothesis *found, int n)
{
    const struct path *best = plain_best(r);
    int n_sequences = 0;
    for (int k = 0; k < N_KEYS; k++)
        n_sequences += r->best[k].used;
    CU_ASSERT_EQUAL(n, n_sequences);
    for (int i = 0; i < n; i++) {
        struct path p = {.n = found[i].n};
        for (int j = 0; j < p.n; j++)
            p.labels[j] = found[i].tokens[j];
        const struct path *same = &r->best[key(&p)];
        CU_ASSERT_TRUE(same->used);
        if (same->gap > 1e-4) /* else another path may have been the better one */
            CU_ASSERT_DOUBLE_EQUAL(found[i].score, same->score, 2e-4);
    }
    n_compared++;
    n_close += r->gap < 1e-4;
    if (r->gap < 1e-4)
        return;
    CU_ASSERT_EQUAL_FATAL(found[0].n, best->n);
    for (int j = 0; j < best->n; j++) {
        CU_ASSERT_EQUAL(found[0].tokens[j], best->labels[j]);
        CU_ASSERT_EQUAL(found[0].times[j], best->ends[j]);
        CU_ASSERT_DOUBLE_EQUAL((double)found[0].logprobs[j], best->logprobs[j], 1e-4);
    }
}

static void check_trial(struct trial *r)
{
    struct setup *s = (struct setup *)r->s;
    struct length_model *lengths = NULL;
    struct segmental *search = NULL;
    const struct hypothesis *found;
    CU_ASSERT_EQUAL_FATAL(length_model_open(&lengths, &r->length, &s->counts, NULL), 0);
    r->options.lengths = lengths;
    CU_ASSERT_EQUAL_FATAL(segmental_open(&search, s->decoder, &r->options, NULL), 0);
    CU_ASSERT_EQUAL(segmental_step(search, &s->ctx, s->frames, s->logprobs, T, NULL), 0);
    CU_ASSERT_EQUAL(segmental_finish(search, &s->ctx, NULL), 0);
    int n = segmental_nbest(search, 1000, &found, NULL);
    compare(r, found, n);
    segmental_close(search);
    length_model_close(lengths);
}

/* Every recombination with every length model; windows, limits and scales drawn. */
static void equals_brute_force(void)
{
    struct setup *s = setup_open(1);
    struct trial *r = calloc(1, sizeof *r);
    for (int i = 0; i < 3 * 4 * 8; i++) {
        *r = (struct trial){.s = s};
        r->options = (struct segmental_options){.blank = BLANK,
                                                .n_beam = 729, /* all there are: 3 ^ 6 */
                                                .score_beam = INFINITY,
                                                .left = below(4) - 1,
                                                .right = below(4) - 1,
                                                .longest_segment = below(2) * (1 + below(3)),
                                                .history = below(2) * (1 + below(3)),
                                                .recombination = (enum segmental_recombination)(i % 3),
                                                .label_scale = 0.5 + below(3) * 0.5,
                                                .boundary_scale = 0.5 + below(3) * 0.5,
                                                .length_scale = below(3) * 0.7,
                                                .boundary = i / 12 % 2 ? s->boundary : NULL};
        r->length = (struct length_model_options){(enum length_model_kind)(i / 3 % 4), 0.7, below(3) * 4.0 + 0.5};
        draw(s, T, 0.0);
        check_trial(r);
    }
    CU_ASSERT_EQUAL(n_compared, 96);
    CU_ASSERT_TRUE(n_close <= 3);
    free(r);
    setup_close(s);
}

static const struct unit_test tests[] = {
    {"equals all label sequences and segmentations", equals_brute_force},
};

UNIT_MAIN("segmental", tests)
