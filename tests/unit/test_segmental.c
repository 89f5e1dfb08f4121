/* SPDX-License-Identifier: Apache-2.0
 * test_segmental.c - the segmental search: against all label sequences and segmentations of short inputs, written out
 * in double precision; streams against whole recordings; against the plain attention decoder; what it costs. */
#include "decoders/segmental.h"
#include "tests/support/unit.h"

enum { V = 5, D = 8, H = 2, HIDDEN = 20, BLOCKS = 2, T = 6, MAX_LENGTH = 8, BLANK = 0, N_KEYS = 128 };

#include "tests/support/plain_decoder.h"

#define N_LONG 2000 /* frames of the longest recording */

struct setup {
    struct model model;
    char boundary_path[40];
    struct safetensors *boundary_file;
    struct pool *pool;
    struct nn_context ctx;
    struct attention_decoder *decoder;
    struct boundary *boundary;
    struct length_counts counts;
    float frames[N_LONG * D], logprobs[N_LONG * V];
};

static int below(int n) /* 0 .. n - 1 */
{
    int i = (int)((uniform() + 0.5f) * (float)n);
    return i < n ? i : n - 1;
}

static void draw_logprobs(float *row, double peak)
{
    double x[V], sum = 0.0;
    for (int v = 0; v < V; v++)
        sum += exp(x[v] = (double)uniform() * 6.0);
    x[BLANK] += peak;
    sum += exp(x[BLANK]) - exp(x[BLANK] - peak);
    for (int v = 0; v < V; v++)
        row[v] = (float)(x[v] - log(sum));
}

/* A hidden layer of 3 units and an output. */
static void write_boundary(struct setup *s)
{
    struct writing x = {NULL, 1};
    strcpy(s->boundary_path, "/tmp/linnet-boundary-XXXXXX");
    int file = mkstemp(s->boundary_path);
    CU_ASSERT_TRUE_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&x.w, s->boundary_path, NULL), 0);
    for (x.declares = 1; x.declares >= 0; x.declares--) {
        put(&x, "boundary.hidden.weight", 3, D);
        put(&x, "boundary.hidden.bias", 3, 0);
        put(&x, "boundary.output.weight", 1, 3);
        put(&x, "boundary.output.bias", 1, 0);
    }
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_close(x.w, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&s->boundary_file, s->boundary_path, NULL), 0);
}

/* Random frames; peak: how much likelier blank is made. */
static void draw(struct setup *s, int n_frames, double peak)
{
    for (int i = 0; i < n_frames * D; i++)
        s->frames[i] = uniform() * 4.0f;
    for (int t = 0; t < n_frames; t++)
        draw_logprobs(s->logprobs + t * V, peak);
}

static struct setup *setup_open(int n_threads)
{
    struct setup *s = calloc(1, sizeof *s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    model_open(&s->model);
    write_boundary(s);
    CU_ASSERT_EQUAL_FATAL(pool_open(&s->pool, n_threads), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, s->pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(attention_decoder_open(&s->decoder, s->model.file, "left", &small, s->pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(boundary_open(&s->boundary, s->boundary_file, D, s->pool, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->boundary);
    CU_ASSERT_EQUAL_FATAL(length_counts_open(&s->counts, V, 4, NULL), 0);
    for (int i = 0; i < 60; i++)
        length_counts_add(&s->counts, 1 + below(2), 1 + below(6));
    return s;
}

static void setup_close(struct setup *s)
{
    attention_decoder_close(s->decoder);
    boundary_close(s->boundary);
    length_counts_close(&s->counts);
    safetensors_close(s->boundary_file);
    unlink(s->boundary_path);
    nn_context_close(&s->ctx);
    pool_close(s->pool);
    model_close(&s->model);
    free(s);
}

/* ---- all sequences and segmentations ---- */

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

static double relu(double x)
{
    return x > 0.0 ? x : 0.0;
}

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

static int larger(int a, int b)
{
    return a > b ? a : b;
}

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
    plain_logprobs_within(&r->s->model, "left", 0, (const double(*)[D])r->frames, begin, end, p->labels + first,
                          p->n - first, all);
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

/* ---- streams ---- */

static const struct segmental_options usual = {.blank = BLANK,
                                               .n_beam = 6,
                                               .score_beam = 20.0,
                                               .left = 3,
                                               .right = 2,
                                               .longest_segment = 40,
                                               .history = 16,
                                               .recombination = SEGMENTAL_RECOMBINE_SUM,
                                               .label_scale = 1.0,
                                               .boundary_scale = 1.0,
                                               .length_scale = 0.5};

static void feed(struct setup *s, struct segmental *search, int n_frames, int chunk)
{
    for (int t = 0; t < n_frames; t += chunk)
        CU_ASSERT_EQUAL(segmental_step(search, &s->ctx, s->frames + t * D, s->logprobs + t * V,
                                       n_frames - t < chunk ? n_frames - t : chunk, NULL),
                        0);
    CU_ASSERT_EQUAL(segmental_finish(search, &s->ctx, NULL), 0);
}

static void check_same(struct segmental *a, struct segmental *b)
{
    const struct hypothesis *x, *y;
    int n = segmental_nbest(a, 6, &x, NULL);
    CU_ASSERT_EQUAL_FATAL(segmental_nbest(b, 6, &y, NULL), n);
    CU_ASSERT_TRUE(n > 0 && x[0].n > 5);
    for (int i = 0; i < n; i++) {
        CU_ASSERT_EQUAL_FATAL(x[i].n, y[i].n);
        CU_ASSERT_TRUE(memcmp(&x[i].score, &y[i].score, sizeof x[i].score) == 0);
        CU_ASSERT_TRUE(memcmp(x[i].tokens, y[i].tokens, (size_t)x[i].n * sizeof *x[i].tokens) == 0);
        CU_ASSERT_TRUE(memcmp(x[i].times, y[i].times, (size_t)x[i].n * sizeof *x[i].times) == 0);
        CU_ASSERT_TRUE(memcmp(x[i].logprobs, y[i].logprobs, (size_t)x[i].n * sizeof *x[i].logprobs) == 0);
    }
}

/* Chunks of any size, after a reset, on any number of threads. */
static void check_streams(const struct segmental_options *options)
{
    static const int chunks[] = {1, 7, 33, 160};
    struct setup *s = setup_open(1);
    struct segmental *whole = NULL, *stream = NULL;
    struct pool *threads = NULL;
    enum { N = 300 };
    draw(s, N, 2.0);
    CU_ASSERT_EQUAL_FATAL(segmental_open(&whole, s->decoder, options, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(segmental_open(&stream, s->decoder, options, NULL), 0);
    feed(s, whole, N, N);
    CU_ASSERT_EQUAL(segmental_n_frames(whole), N);
    for (int i = 0; i < 4; i++) {
        feed(s, stream, N, chunks[i]);
        check_same(whole, stream);
        segmental_reset(stream);
    }
    CU_ASSERT_EQUAL_FATAL(pool_open(&threads, 3), 0);
    nn_context_close(&s->ctx);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, threads, NULL), 0);
    feed(s, stream, N, 50);
    check_same(whole, stream);
    segmental_close(whole);
    segmental_close(stream);
    nn_context_close(&s->ctx);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, s->pool, NULL), 0);
    pool_close(threads);
    setup_close(s);
}

static void streams_equal_whole(void)
{
    struct segmental_options options = usual;
    check_streams(&options);
    options.recombination = SEGMENTAL_RECOMBINE_NONE;
    options.right = 0;
    options.history = 0;
    check_streams(&options);
    options.recombination = SEGMENTAL_RECOMBINE_MAX;
    options.left = options.right = SEGMENTAL_ALL;
    check_streams(&options);
}

/* What is committed stays, and is the beginning of the result. */
static void committed_labels_stay(void)
{
    struct setup *s = setup_open(1);
    struct segmental *search = NULL;
    const struct hypothesis *found;
    enum { N = 200 };
    int committed[N + 1], labels[N], n = 0;
    draw(s, N, 2.0);
    CU_ASSERT_EQUAL_FATAL(segmental_open(&search, s->decoder, &usual, NULL), 0);
    for (int t = 0; t < N; t++) {
        CU_ASSERT_EQUAL(segmental_step(search, &s->ctx, s->frames + t * D, s->logprobs + t * V, 1, NULL), 0);
        CU_ASSERT_TRUE(segmental_nbest(search, 1, &found, NULL) == 1);
        CU_ASSERT_EQUAL(segmental_n_tokens(search), found[0].n);
        CU_ASSERT_TRUE_FATAL(segmental_committed(search) >= n && segmental_committed(search) <= found[0].n);
        for (int i = 0; i < segmental_committed(search); i++)
            if (i < n)
                CU_ASSERT_EQUAL(labels[i], found[0].tokens[i])
            else
                labels[i] = found[0].tokens[i];
        n = committed[t] = segmental_committed(search);
    }
    CU_ASSERT_TRUE(committed[N - 1] > 20 && committed[N / 2] > 5);
    segmental_close(search);
    setup_close(s);
}

/* ---- the plain attention decoder ---- */

/* All frames seen, lengths free: label scores are those of the decoder on the whole recording, bit for bit. */
static void equals_attention_decoder(void)
{
    struct setup *s = setup_open(1);
    struct segmental *search = NULL;
    struct attention_state *plain = NULL;
    const struct hypothesis *found;
    struct segmental_options options = usual;
    enum { N = 100 };
    options.left = options.right = SEGMENTAL_ALL;
    options.history = 0;
    draw(s, N, 2.0);
    CU_ASSERT_EQUAL_FATAL(segmental_open(&search, s->decoder, &options, NULL), 0);
    feed(s, search, N, 9);
    CU_ASSERT_TRUE(segmental_nbest(search, 1, &found, NULL) == 1);
    CU_ASSERT_TRUE_FATAL(found[0].n > 5);
    CU_ASSERT_EQUAL_FATAL(attention_state_open(&plain, s->decoder, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(attention_state_begin(plain, &s->ctx, s->frames, N, NULL), 0);
    for (int i = 0, node = LABEL_TREE_ROOT; i < found[0].n; i++) {
        float logprobs[V];
        CU_ASSERT_EQUAL_FATAL(attention_state_compute(plain, &s->ctx, &node, 1, NULL), 0);
        attention_state_logprobs(plain, &s->ctx, 0, 1, logprobs);
        CU_ASSERT_TRUE(logprobs[found[0].tokens[i]] == found[0].logprobs[i]);
        CU_ASSERT_EQUAL_FATAL(label_tree_reserve(attention_state_tree(plain), 1), 0);
        node = label_tree_add(attention_state_tree(plain), node, found[0].tokens[i], 0.0f);
    }
    attention_state_close(plain);
    segmental_close(search);
    setup_close(s);
}

/* ---- cost ---- */

static struct segmental_cost cost_of(struct setup *s, const struct segmental_options *options, int n_frames)
{
    struct segmental *search = NULL;
    CU_ASSERT_EQUAL_FATAL(segmental_open(&search, s->decoder, options, NULL), 0);
    feed(s, search, n_frames, n_frames);
    struct segmental_cost cost = segmental_cost(search);
    segmental_close(search);
    return cost;
}

/* The decoder is asked in proportion to the length; what is kept does not grow. */
static void cost_is_linear(void)
{
    struct setup *s = setup_open(1);
    draw(s, N_LONG, 3.0);
    struct segmental_cost small_part = cost_of(s, &usual, N_LONG / 10), all = cost_of(s, &usual, N_LONG);
    double ratio = (double)all.n_rows / (double)small_part.n_rows;
    CU_ASSERT_TRUE(ratio > 8.0 && ratio < 12.0);
    CU_ASSERT_TRUE(all.most_frames <= usual.left + usual.longest_segment + usual.right + 1 + 32);
    CU_ASSERT_EQUAL(all.most_nodes, small_part.most_nodes);
    setup_close(s);
}

/* Pruning saves calls of the decoder and, as long as it is wide, changes nothing. */
static void pruning_saves_calls(void)
{
    struct setup *s = setup_open(1);
    struct segmental *a = NULL, *b = NULL;
    struct segmental_options options = usual;
    enum { N = 300 };
    draw(s, N, 6.0);
    for (int t = 0; t < N; t += 3) /* some labels are sure */
        draw_logprobs(s->logprobs + t * V, -8.0);
    options.recombination = SEGMENTAL_RECOMBINE_MAX;
    options.score_beam = 12.0;
    CU_ASSERT_EQUAL_FATAL(segmental_open(&a, s->decoder, &options, NULL), 0);
    options.score_beam = INFINITY;
    CU_ASSERT_EQUAL_FATAL(segmental_open(&b, s->decoder, &options, NULL), 0);
    feed(s, a, N, N);
    feed(s, b, N, N);
    check_same(a, b);
    CU_ASSERT_TRUE(segmental_cost(a).n_rows < segmental_cost(b).n_rows);
    segmental_close(a);
    segmental_close(b);
    setup_close(s);
}

static void options_are_checked(void)
{
    struct setup *s = setup_open(1);
    struct segmental *search = NULL;
    struct message msg;
    const struct segmental_options good = usual;
    struct segmental_options bad[] = {good, good, good, good, good};
    bad[0].blank = V;
    bad[1].n_beam = 0;
    bad[2].left = -2;
    bad[3].label_scale = NAN;
    bad[4].score_beam = 0.0;
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(segmental_open(&search, s->decoder, &bad[i], &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(search);
    setup_close(s);
}

static const struct unit_test tests[] = {
    {"equals all label sequences and segmentations", equals_brute_force},
    {"streams equal whole recordings", streams_equal_whole},
    {"committed labels stay", committed_labels_stay},
    {"wide windows equal the attention decoder", equals_attention_decoder},
    {"cost is linear, memory flat", cost_is_linear},
    {"pruning saves calls of the decoder", pruning_saves_calls},
    {"options are checked", options_are_checked},
};

UNIT_MAIN("segmental", tests)
