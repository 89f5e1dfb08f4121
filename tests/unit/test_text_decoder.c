/* SPDX-License-Identifier: Apache-2.0
 * test_text_decoder.c - what a Transformer's decoder does in every arrangement of slots, frames and tables; that its
 * arithmetic is right, test_rescoring.c (against a plain implementation) and test_whisper.c (against Whisper) show. */
#include "nn/sinusoid.h"

enum { V = 11, D = 8, H = 2, HIDDEN = 20, BLOCKS = 2, T = 70, MAX_LENGTH = 12 };

#include "tests/support/random_decoder.h"

enum { N = 10 /* tokens of the text */ };

static const int text[N] = {9, 4, 1, 7, 7, 0, 3, 2, 8, 5};

struct setup {
    struct model model;
    struct pool *pool;
    struct nn_context ctx;
    float frames[T * D];
};

/* The model has a table of what the sinusoids are, too, and an output layer that is the embedding of "left". */
static void put_all(struct writing *x)
{
    float positions[MAX_LENGTH * D], zeros[V] = {0};
    nn_sinusoid(0, MAX_LENGTH, D, positions);
    seed = 17;
    put_decoder(x, "left");
    put_values(x, "left.positions.weight", MAX_LENGTH, D, positions);
    put_values(x, "left.tied.bias", V, 0, zeros);
    seed = 17;
    put(x, "left.tied.weight", V, D);
}

static void setup_open(struct setup *s)
{
    memset(s, 0, sizeof *s);
    model_open(&s->model, put_all);
    CU_ASSERT_EQUAL_FATAL(pool_open(&s->pool, 2), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, s->pool, NULL), 0);
    for (int i = 0; i < T * D; i++)
        s->frames[i] = uniform() * 4.0f;
}

static void setup_close(struct setup *s)
{
    nn_context_close(&s->ctx);
    pool_close(s->pool);
    model_close(&s->model);
}

static void state_open(struct setup *s, struct text_decoder_state *state, const struct text_decoder *d, int n_slots)
{
    CU_ASSERT_EQUAL_FATAL(text_decoder_state_open(state, d, T, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(text_decoder_state_reserve(state, &s->ctx, N, n_slots, N, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(text_decoder_state_reserve_frames(state, &s->ctx, T, NULL), 0);
    text_decoder_state_append(state, &s->ctx, s->frames, T);
}

/* Runs tokens first .. first + n - 1 of the text, token i in slots[i]; their logits to logits [N][V]. */
static void run(struct setup *s, struct text_decoder_state *state, const int *slots, int first, int n,
                const struct text_cross *cross, float (*logits)[V])
{
    struct text_row rows[N];
    for (int i = 0; i < n; i++)
        rows[i] = (struct text_row){text[first + i], first + i, slots};
    text_decoder_state_step(state, &s->ctx, rows, n, cross);
    text_decoder_state_logits(state, &s->ctx, 0, n, logits[first]);
}

static const int in_order[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* A table of positions and an output layer tied to the embedding give what the same numbers give apart. */
static void tables(int post_norm)
{
    struct setup s;
    struct text_decoder_names names = wenet_decoder_names;
    struct text_decoder_config config = small;
    struct text_decoder *apart = NULL, *tied = NULL;
    struct text_decoder_state state;
    struct message m;
    float a[N][V], b[N][V];
    setup_open(&s);
    const struct layer_source from = {s.model.file, PRECISION_FP32, s.pool, &m, NULL};
    config.post_norm = post_norm;
    config.activation = NN_GELU;
    names.output = "tied";
    CU_ASSERT_EQUAL_FATAL(text_decoder_open(&apart, &config, &names, "left.", &from), 0);
    names.output = NULL;
    names.positions = "positions";
    config.tied = 1;
    config.n_positions = MAX_LENGTH;
    CU_ASSERT_EQUAL_FATAL(text_decoder_open(&tied, &config, &names, "left.", &from), 0);
    state_open(&s, &state, apart, N);
    run(&s, &state, in_order, 0, N, NULL, a);
    text_decoder_state_close(&state);
    state_open(&s, &state, tied, N);
    run(&s, &state, in_order, 0, N, NULL, b);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    CU_ASSERT_EQUAL(text_decoder_state_reserve(&state, &s.ctx, 1, 1, MAX_LENGTH, &m), 0);
    CU_ASSERT_EQUAL(text_decoder_state_reserve(&state, &s.ctx, 1, 1, MAX_LENGTH + 1, &m), LINNET_E_ARGUMENT);
    text_decoder_state_close(&state);
    CU_ASSERT_EQUAL(text_decoder_bytes(apart) + (MAX_LENGTH - V) * D * sizeof(float),
                    text_decoder_bytes(tied) + 32 * sizeof(float)); /* the bias, as it lies in memory */
    config.n_positions++;
    struct text_decoder *none = NULL;
    CU_ASSERT_TRUE(text_decoder_open(&none, &config, &names, "left.", &from) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, "left.positions.weight"));
    text_decoder_close(apart);
    text_decoder_close(tied);
    setup_close(&s);
}

static void tables_and_tied_output(void)
{
    tables(0);
    tables(1);
}

/* Token by token or all at once, whichever slots they get, and room for slots made on the way: the same bits. */
static void slots_in_any_order(void)
{
    static const int jumbled[N] = {3, 0, 2, 9, 1, 30, 4, 29, 5, 17};
    struct setup s;
    struct text_decoder_state state;
    float a[N][V], b[N][V];
    setup_open(&s);
    struct text_decoder *d = decoder_open(&s.model, "left.", &small, s.pool);
    state_open(&s, &state, d, N);
    run(&s, &state, in_order, 0, N, NULL, a);
    text_decoder_state_close(&state);
    state_open(&s, &state, d, N);
    run(&s, &state, jumbled, 0, 3, NULL, b);
    run(&s, &state, jumbled, 3, 1, NULL, b);
    run(&s, &state, jumbled, 4, 1, NULL, b);
    CU_ASSERT_EQUAL_FATAL(text_decoder_state_reserve(&state, &s.ctx, N, 31, N, NULL), 0);
    run(&s, &state, jumbled, 5, 1, NULL, b);
    run(&s, &state, jumbled, 6, 4, NULL, b);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    text_decoder_state_close(&state);
    text_decoder_close(d);
    setup_close(&s);
}

/* Frames that come in pieces, are taken back at the new end and dropped at the old one: the bits of rows that see just
 * the frames that are left. */
static void frames_come_and_go(void)
{
    enum { FIRST = 33, LAST = 60 };
    struct setup s;
    struct text_decoder_state state;
    int begin[N], end[N];
    float wanted[N][V], got[N][V];
    setup_open(&s);
    struct text_decoder *d = decoder_open(&s.model, "left.", &small, s.pool);
    state_open(&s, &state, d, N);
    for (int i = 0; i < N; i++) {
        begin[i] = FIRST;
        end[i] = LAST;
    }
    run(&s, &state, in_order, 0, N, &(struct text_cross){.begin = begin, .end = end}, wanted);
    text_decoder_state_clear(&state);
    text_decoder_state_append(&state, &s.ctx, s.frames, 50);
    text_decoder_state_append(&state, &s.ctx, s.frames, 7); /* wrong ones */
    text_decoder_state_cut(&state, 50);
    text_decoder_state_append(&state, &s.ctx, s.frames + 50 * D, LAST - 50);
    CU_ASSERT_EQUAL(text_decoder_state_frames(&state), LAST);
    text_decoder_state_keep(&state, LAST - FIRST);
    CU_ASSERT_EQUAL(text_decoder_state_frames(&state), LAST - FIRST);
    run(&s, &state, in_order, 0, N, NULL, got);
    CU_ASSERT_EQUAL(memcmp(wanted, got, sizeof got), 0);
    text_decoder_state_close(&state);
    text_decoder_close(d);
    setup_close(&s);
}

/* The weights of tapped heads: in the places that the index names, each row's sum is 1, all of it where the row sees.
 * */
static void taps(void)
{
    static const int some[BLOCKS * H] = {-1, 1, 0, -1}, all[BLOCKS * H] = {0, 1, 2, 3};
    static float two[2][N][T], four[BLOCKS * H][N][T];
    struct setup s;
    struct text_decoder_state state;
    int begin[N], end[N];
    float a[N][V], b[N][V];
    setup_open(&s);
    struct text_decoder *d = decoder_open(&s.model, "left.", &small, s.pool);
    state_open(&s, &state, d, N);
    for (int i = 0; i < N; i++) {
        begin[i] = 3 * i;
        end[i] = 40 + 2 * i;
    }
    struct text_cross cross = {begin, end, all, four[0][0]};
    run(&s, &state, in_order, 0, N, &cross, a);
    cross.taps = some;
    cross.weights = two[0][0];
    run(&s, &state, in_order, 0, N, &cross, b);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    CU_ASSERT_EQUAL(memcmp(two[1], four[1], sizeof two[1]), 0);
    CU_ASSERT_EQUAL(memcmp(two[0], four[2], sizeof two[0]), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(two[0], two[1], sizeof two[0]), 0);
    for (int i = 0; i < BLOCKS * H * N; i++) {
        const float *row = four[i / N][i % N];
        double seen = 0.0, unseen = 0.0;
        for (int t = 0; t < T; t++)
            *(t >= begin[i % N] && t < end[i % N] ? &seen : &unseen) += fabs((double)row[t]);
        CU_ASSERT_DOUBLE_EQUAL(seen, 1.0, 1e-5);
        CU_ASSERT_EQUAL(unseen, 0.0);
    }
    text_decoder_state_close(&state);
    text_decoder_close(d);
    setup_close(&s);
}

static const struct unit_test tests[] = {
    {"a table of positions, a tied output layer", tables_and_tied_output},
    {"slots in any order, and more of them", slots_in_any_order},
    {"frames come and go", frames_come_and_go},
    {"taps", taps},
};

UNIT_MAIN("text decoder", tests)
