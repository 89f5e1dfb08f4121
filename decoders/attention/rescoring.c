/* SPDX-License-Identifier: Apache-2.0
 * rescoring.c - attention rescoring, as WeNet's attention_rescoring (wenet/transformer/search.py).
 *
 * The list becomes a tree, so that common beginnings (for the right decoder: common ends) are computed once, and all of
 * the tree goes through the decoder in one call.  The probabilities of its tokens are then read off block by block, so
 * that nobody holds nodes x vocabulary numbers. */
#include "decoders/attention/rescoring.h"

#include <math.h>

#include "base/mem.h"

#define BLOCK_ROWS 48
#define FIELD(name) offsetof(struct rescoring_options, name)

static const struct setting settings[] = {
    {"decoder.ctc_weight", SETTING_NUMBER, FIELD(ctc_weight), "0.5", 0, 1000, NULL,
     "weight of the CTC score, which is added to the attention decoder's"},
    {"decoder.reverse_weight", SETTING_NUMBER, FIELD(reverse_weight), "-1", -1, 1, NULL,
     "share of the right-to-left attention decoder's score; -1: the model's"},
    {0}};

const struct settings_table rescoring_settings = {"Attention rescoring", sizeof(struct rescoring_options), settings};

struct rescoring {
    struct attention_state *left, *right;
    int eos[2], n_vocabulary;
    float *logprobs;     /* [BLOCK_ROWS, V] */
    int *nodes;          /* [n_nodes] of the tree, parents first */
    float *eos_logprobs; /* [n_nodes] log p(eos) after each */
    int n_nodes;
    float *token_logprobs[2]; /* [n_tokens] left and right, hypothesis after hypothesis */
    float *confidences;       /* [n_tokens] */
    int n_tokens;
    double *sums[2];          /* [n_hypotheses] */
    struct rescored *results; /* [n_hypotheses] */
    int n_hypotheses;
};

int rescoring_open(struct rescoring **out, const struct attention_decoder *left, const struct attention_decoder *right,
                   struct message *msg)
{
    if (right != NULL && right->config.n_vocabulary != left->config.n_vocabulary)
        return fail(msg, LINNET_E_MODEL, "the left decoder has %d units, the right one %d", left->config.n_vocabulary,
                    right->config.n_vocabulary);
    struct rescoring *r = mem_array(1, sizeof *r);
    if (r == NULL)
        return fail_memory(msg);
    r->n_vocabulary = left->config.n_vocabulary;
    r->eos[0] = left->config.eos;
    r->eos[1] = right != NULL ? right->config.eos : 0;
    r->logprobs = mem_array((size_t)BLOCK_ROWS * (size_t)r->n_vocabulary, sizeof *r->logprobs);
    int rc = r->logprobs != NULL ? attention_state_open(&r->left, left, msg) : fail_memory(msg);
    if (rc == 0 && right != NULL)
        rc = attention_state_open(&r->right, right, msg);
    if (rc < 0) {
        rescoring_close(r);
        return rc;
    }
    *out = r;
    return LINNET_OK;
}

void rescoring_close(struct rescoring *r)
{
    if (r == NULL)
        return;
    attention_state_close(r->left);
    attention_state_close(r->right);
    mem_free(r->logprobs);
    mem_free(r->nodes);
    mem_free(r->eos_logprobs);
    for (int side = 0; side < 2; side++) {
        mem_free(r->token_logprobs[side]);
        mem_free(r->sums[side]);
    }
    mem_free(r->confidences);
    mem_free(r->results);
    mem_free(r);
}

static int reserve_tokens(struct rescoring *r, int n)
{
    if (n + 1 <= r->n_nodes) /* the root is a node too */
        return LINNET_OK;
    size_t size = (size_t)n + (size_t)n / 2 + 64;
    r->n_nodes = r->n_tokens = 0;
    mem_free(r->nodes);
    mem_free(r->eos_logprobs);
    mem_free(r->token_logprobs[0]);
    mem_free(r->token_logprobs[1]);
    mem_free(r->confidences);
    r->nodes = mem_array(size, sizeof *r->nodes);
    r->eos_logprobs = mem_array(size, sizeof *r->eos_logprobs);
    r->token_logprobs[0] = mem_array(size, sizeof **r->token_logprobs);
    r->token_logprobs[1] = mem_array(size, sizeof **r->token_logprobs);
    r->confidences = mem_array(size, sizeof *r->confidences);
    if (r->nodes == NULL || r->eos_logprobs == NULL || r->token_logprobs[0] == NULL || r->token_logprobs[1] == NULL ||
        r->confidences == NULL)
        return LINNET_E_MEMORY;
    r->n_nodes = r->n_tokens = (int)size;
    return LINNET_OK;
}

static int reserve_hypotheses(struct rescoring *r, int n)
{
    if (n <= r->n_hypotheses)
        return LINNET_OK;
    r->n_hypotheses = 0;
    mem_free(r->results);
    mem_free(r->sums[0]);
    mem_free(r->sums[1]);
    r->results = mem_array((size_t)n, sizeof *r->results);
    r->sums[0] = mem_array((size_t)n, sizeof **r->sums);
    r->sums[1] = mem_array((size_t)n, sizeof **r->sums);
    if (r->results == NULL || r->sums[0] == NULL || r->sums[1] == NULL)
        return LINNET_E_MEMORY;
    r->n_hypotheses = n;
    return LINNET_OK;
}

static int token_at(const struct hypothesis *h, int i, int backwards)
{
    return h->tokens[backwards ? h->n - 1 - i : i];
}

/* Puts all hypotheses into the tree; r->nodes lists it, a node's mark is its place there. Returns how many. */
static int grow_tree(struct rescoring *r, struct label_tree *t, const struct hypothesis *hypotheses, int n,
                     int backwards)
{
    int n_nodes = 0;
    r->nodes[n_nodes++] = LABEL_TREE_ROOT;
    t->nodes[LABEL_TREE_ROOT].mark = 0;
    for (int h = 0; h < n; h++) {
        int node = LABEL_TREE_ROOT;
        for (int i = 0; i < hypotheses[h].n; i++) {
            int token = token_at(&hypotheses[h], i, backwards), child = label_tree_child(t, node, token);
            if (child < 0) {
                child = label_tree_add(t, node, token, 0.0f);
                t->nodes[child].mark = n_nodes;
                r->nodes[n_nodes++] = child;
            }
            node = child;
        }
    }
    return n_nodes;
}

/* Gives each node the log probability of its token after its parent, and finds that of eos after each. */
static void read_logprobs(struct rescoring *r, struct attention_state *s, struct nn_context *ctx, int n_nodes, int eos)
{
    struct label_tree *t = attention_state_tree(s);
    for (int first = 0; first < n_nodes; first += BLOCK_ROWS) {
        int n = n_nodes - first < BLOCK_ROWS ? n_nodes - first : BLOCK_ROWS;
        attention_state_logprobs(s, ctx, first, n, r->logprobs);
        for (int i = 0; i < n; i++) {
            const float *row = r->logprobs + (size_t)i * (size_t)r->n_vocabulary;
            r->eos_logprobs[first + i] = row[eos];
            for (int child = t->nodes[r->nodes[first + i]].first_child; child >= 0;
                 child = t->nodes[child].next_sibling)
                t->nodes[child].value = row[t->nodes[child].label];
        }
    }
}

/* One decoder on all hypotheses: r->token_logprobs[side] and r->sums[side]. */
static int run_side(struct rescoring *r, struct nn_context *ctx, const float *encoder_out, int n_frames,
                    const struct hypothesis *hypotheses, int n, int n_tokens, int side, struct message *msg)
{
    struct attention_state *s = side == 0 ? r->left : r->right;
    int rc = attention_state_begin(s, ctx, encoder_out, n_frames, msg);
    if (rc < 0)
        return rc;
    struct label_tree *t = attention_state_tree(s);
    if (label_tree_reserve(t, n_tokens) < 0)
        return fail_memory(msg);
    int n_nodes = grow_tree(r, t, hypotheses, n, side);
    rc = attention_state_compute(s, ctx, r->nodes, n_nodes, msg);
    if (rc < 0)
        return rc;
    read_logprobs(r, s, ctx, n_nodes, r->eos[side]);
    float *logprobs = r->token_logprobs[side];
    for (int h = 0; h < n; logprobs += hypotheses[h++].n) {
        int node = LABEL_TREE_ROOT;
        double sum = 0.0;
        for (int i = 0; i < hypotheses[h].n; i++) {
            node = label_tree_child(t, node, token_at(&hypotheses[h], i, side));
            logprobs[side ? hypotheses[h].n - 1 - i : i] = t->nodes[node].value;
            sum += (double)t->nodes[node].value;
        }
        r->sums[side][h] = sum + (double)r->eos_logprobs[t->nodes[node].mark];
    }
    return LINNET_OK;
}

static void judge(struct rescoring *r, const struct hypothesis *hypotheses, int n, double ctc_weight, double reverse)
{
    int at = 0;
    for (int h = 0; h < n; h++) {
        double attention = r->sums[0][h];
        if (reverse > 0.0)
            attention = attention * (1.0 - reverse) + r->sums[1][h] * reverse;
        struct rescored x = {.i_hypothesis = h,
                             .score = attention + ctc_weight * hypotheses[h].score,
                             .confidence = exp(attention / (hypotheses[h].n + 1)),
                             .token_confidences = r->confidences + at};
        for (int i = 0; i < hypotheses[h].n; i++, at++) {
            double p = exp((double)r->token_logprobs[0][at]);
            r->confidences[at] = (float)(reverse > 0.0 ? (p + exp((double)r->token_logprobs[1][at])) / 2.0 : p);
        }
        int place = h;
        for (; place > 0 && r->results[place - 1].score < x.score; place--)
            r->results[place] = r->results[place - 1];
        r->results[place] = x;
    }
}

int rescoring_run(struct rescoring *r, struct nn_context *ctx, const float *encoder_out, int n_frames,
                  const struct hypothesis *hypotheses, int n, const struct rescoring_options *options,
                  const struct rescored **results, struct message *msg)
{
    long long n_tokens = 0;
    for (int h = 0; h < n; h++)
        n_tokens += hypotheses[h].n;
    if (n_tokens > HYPOTHESIS_MAX_TOKENS || reserve_tokens(r, (int)n_tokens) < 0 || reserve_hypotheses(r, n) < 0)
        return fail_memory(msg);
    double reverse = r->right != NULL ? options->reverse_weight : 0.0;
    int rc = run_side(r, ctx, encoder_out, n_frames, hypotheses, n, (int)n_tokens, 0, msg);
    if (rc == 0 && reverse > 0.0)
        rc = run_side(r, ctx, encoder_out, n_frames, hypotheses, n, (int)n_tokens, 1, msg);
    if (rc < 0)
        return rc;
    judge(r, hypotheses, n, options->ctc_weight, reverse);
    *results = r->results;
    return LINNET_OK;
}
