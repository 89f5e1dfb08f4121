/* SPDX-License-Identifier: Apache-2.0
 * test_segmental_streams.c - the segmental search as a stream: against whole recordings, against the plain attention
 * decoder; what it costs. */
#include "decoders/common/token_tree.h"
#include "tests/support/segmental_setup.h"

static const struct segmental_options defaults = {.blank = BLANK,
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
    struct segmental_options options = defaults;
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
    CU_ASSERT_EQUAL_FATAL(segmental_open(&search, s->decoder, &defaults, NULL), 0);
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
    struct token_tree plain;
    const struct hypothesis *found;
    struct segmental_options options = defaults;
    enum { N = 100 };
    options.left = options.right = SEGMENTAL_ALL;
    options.history = 0;
    draw(s, N, 2.0);
    CU_ASSERT_EQUAL_FATAL(segmental_open(&search, s->decoder, &options, NULL), 0);
    feed(s, search, N, 9);
    CU_ASSERT_TRUE(segmental_nbest(search, 1, &found, NULL) == 1);
    CU_ASSERT_TRUE_FATAL(found[0].n > 5);
    CU_ASSERT_EQUAL_FATAL(token_tree_open(&plain, s->decoder, 1, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(token_tree_append(&plain, &s->ctx, s->frames, N, NULL), 0);
    for (int i = 0, node = LABEL_TREE_ROOT; i < found[0].n; i++) {
        float logprobs[V];
        CU_ASSERT_EQUAL_FATAL(token_tree_step(&plain, &s->ctx, &node, 1, NULL, NULL), 0);
        text_decoder_state_logprobs(&plain.state, &s->ctx, 0, 1, logprobs);
        CU_ASSERT_TRUE(logprobs[found[0].tokens[i]] == found[0].logprobs[i]);
        CU_ASSERT_EQUAL_FATAL(label_tree_reserve(&plain.labels, 1), 0);
        node = label_tree_add(&plain.labels, node, found[0].tokens[i], 0.0f);
    }
    token_tree_close(&plain);
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
    struct segmental_cost small_part = cost_of(s, &defaults, N_LONG / 10), all = cost_of(s, &defaults, N_LONG);
    double ratio = (double)all.n_rows / (double)small_part.n_rows;
    CU_ASSERT_TRUE(ratio > 8.0 && ratio < 12.0);
    CU_ASSERT_TRUE(all.most_frames <= defaults.left + defaults.longest_segment + defaults.right + 1 + 32);
    CU_ASSERT_EQUAL(all.most_nodes, small_part.most_nodes);
    setup_close(s);
}

/* Pruning saves calls of the decoder and, as long as it is wide, changes nothing. */
static void pruning_saves_calls(void)
{
    struct setup *s = setup_open(1);
    struct segmental *a = NULL, *b = NULL;
    struct segmental_options options = defaults;
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
    const struct segmental_options good = defaults;
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
    {"streams equal whole recordings", streams_equal_whole},
    {"committed labels stay", committed_labels_stay},
    {"wide windows equal the attention decoder", equals_attention_decoder},
    {"cost is linear, memory flat", cost_is_linear},
    {"pruning saves calls of the decoder", pruning_saves_calls},
    {"options are checked", options_are_checked},
};

UNIT_MAIN("segmental streams", tests)
