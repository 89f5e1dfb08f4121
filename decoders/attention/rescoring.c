/* SPDX-License-Identifier: Apache-2.0
 * rescoring.c - attention rescoring, as WeNet's attention_rescoring (search.py).
 *
 * The list becomes a tree, so that common prefixes (for the right decoder: common suffixes) are computed once, and all
 * of the tree goes through the decoder in one call.  The probabilities of its tokens are then computed block by block,
 * so that no array holds nodes x vocabulary numbers. */
#include "decoders/attention/rescoring.h"

#include <math.h>

#include "base/mem.h"
#include "decoders/common/token_tree.h"

#define BLOCK_ROWS 48
#define FIELD(name) offsetof(struct rescoring_options, name)

static const struct setting settings[] = {{"decoder.ctc_weight", SETTING_NUMBER, FIELD(ctc_weight), "0.5", 0, 1000,
                                           NULL, "weight of the CTC score, which is added to the attention decoder's"},
                                          {"decoder.reverse_weight", SETTING_NUMBER, FIELD(reverse_weight), "-1", -1, 1,
                                           NULL,
                                           "share of the right-to-left attention decoder's score; -1: the model's"},
                                          {0}};

const struct settings_table rescoring_settings = {"Attention rescoring", sizeof(struct rescoring_options), settings};

struct rescoring {
    struct rescoring_options options;
    struct token_tree left, right;
    int n_vocabulary;
    float *logprobs;     /* [BLOCK_ROWS, V] */
    void *token_block;   /* of the arrays of tokens */
    int *nodes;          /* [n_nodes] of the tree, parents first */
    float *eos_logprobs; /* [n_nodes] log p(eos) after each */
    int n_nodes;
    float *token_logprobs[2]; /* [n_tokens] left and right, hypothesis after hypothesis */
    float *confidences;       /* [n_tokens] */
    int n_tokens;
    void *hypothesis_block;     /* of the arrays of hypotheses */
    double *sums[2];            /* [n_hypotheses] */
    struct hypothesis *results; /* [n_hypotheses] */
    int n_hypotheses;
};

int rescoring_open(struct rescoring **out, const struct rescoring_options *options, struct message *msg)
{
    const struct text_decoder *left = options->left, *right = options->right;
    int n_vocabulary = left->config.n_vocabulary;
    if (right != NULL && right->config.n_vocabulary != n_vocabulary)
        return fail(msg, LINNET_E_MODEL, "the left decoder has %d units, the right one %d", n_vocabulary,
                    right->config.n_vocabulary);
    struct rescoring *r = mem_array(1, sizeof *r);
    if (r == NULL)
        return fail_memory(msg);
    r->options = *options;
    r->n_vocabulary = n_vocabulary;
    r->logprobs = mem_array((size_t)BLOCK_ROWS * (size_t)n_vocabulary, sizeof *r->logprobs);
    int rc = r->logprobs != NULL ? token_tree_open(&r->left, left, 1, msg) : fail_memory(msg);
    if (rc == 0 && right != NULL)
        rc = token_tree_open(&r->right, right, 1, msg);
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
    token_tree_close(&r->left);
    token_tree_close(&r->right);
    mem_free(r->logprobs);
    mem_free(r->token_block);
    mem_free(r->hypothesis_block);
    mem_free(r);
}

static int reserve_tokens(struct rescoring *r, int n)
{
    if (n + 1 <= r->n_nodes) /* the root is a node too */
        return LINNET_OK;
    size_t size = (size_t)n + (size_t)n / 2 + 64;
    r->n_nodes = r->n_tokens = 0;
    mem_free(r->token_block);
    r->token_block =
        MEM_PARTS(MEM_PART(r->nodes, size), MEM_PART(r->eos_logprobs, size), MEM_PART(r->token_logprobs[0], size),
                  MEM_PART(r->token_logprobs[1], size), MEM_PART(r->confidences, size));
    if (r->token_block == NULL)
        return LINNET_E_MEMORY;
    r->n_nodes = r->n_tokens = (int)size;
    return LINNET_OK;
}

static int reserve_hypotheses(struct rescoring *r, int n)
{
    if (n <= r->n_hypotheses)
        return LINNET_OK;
    r->n_hypotheses = 0;
    mem_free(r->hypothesis_block);
    r->hypothesis_block =
        MEM_PARTS(MEM_PART(r->results, (size_t)n), MEM_PART(r->sums[0], (size_t)n), MEM_PART(r->sums[1], (size_t)n));
    if (r->hypothesis_block == NULL)
        return LINNET_E_MEMORY;
    r->n_hypotheses = n;
    return LINNET_OK;
}

static int token_at(const struct hypothesis *h, int i, int backwards)
{
    return h->tokens[backwards ? h->n - 1 - i : i];
}

/* Puts all hypotheses into the tree; r->nodes lists it, a node's mark is its place there. Returns how many. */
static int grow_tree(struct rescoring *r, struct label_tree *t, const struct rescoring_input *in, int backwards)
{
    int n_nodes = 0;
    r->nodes[n_nodes++] = LABEL_TREE_ROOT;
    t->nodes[LABEL_TREE_ROOT].mark = 0;
    for (int h = 0; h < in->n; h++) {
        int node = LABEL_TREE_ROOT;
        for (int i = 0; i < in->hypotheses[h].n; i++) {
            int token = token_at(&in->hypotheses[h], i, backwards), child = label_tree_child(t, node, token);
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
static void read_logprobs(struct rescoring *r, struct token_tree *tree, struct nn_context *ctx, int n_nodes)
{
    struct label_tree *t = &tree->labels;
    for (int first = 0; first < n_nodes; first += BLOCK_ROWS) {
        int n = n_nodes - first < BLOCK_ROWS ? n_nodes - first : BLOCK_ROWS;
        text_decoder_state_logprobs(&tree->state, ctx, first, n, r->logprobs);
        for (int i = 0; i < n; i++) {
            const float *row = r->logprobs + (size_t)i * (size_t)r->n_vocabulary;
            r->eos_logprobs[first + i] = row[tree->state.decoder->config.eos];
            for (int child = t->nodes[r->nodes[first + i]].first_child; child >= 0;
                 child = t->nodes[child].next_sibling)
                t->nodes[child].value = row[t->nodes[child].label];
        }
    }
}

/* One decoder on all hypotheses, of n_tokens: r->token_logprobs[side] and r->sums[side]. */
static int run_side(struct rescoring *r, struct nn_context *ctx, const struct rescoring_input *in, int n_tokens,
                    int side, struct message *msg)
{
    struct token_tree *tree = side == 0 ? &r->left : &r->right;
    struct label_tree *t = &tree->labels;
    token_tree_reset(tree);
    int rc = token_tree_append(tree, ctx, in->encoder_out, in->n_frames, msg);
    if (rc < 0)
        return rc;
    if (label_tree_reserve(t, n_tokens) < 0)
        return fail_memory(msg);
    int n_nodes = grow_tree(r, t, in, side);
    if ((rc = token_tree_step(tree, ctx, r->nodes, n_nodes, NULL, msg)) < 0)
        return rc;
    read_logprobs(r, tree, ctx, n_nodes);
    float *logprobs = r->token_logprobs[side];
    const struct hypothesis *hypotheses = in->hypotheses;
    for (int h = 0; h < in->n; logprobs += hypotheses[h++].n) {
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

static void rescore(struct rescoring *r, const struct hypothesis *hypotheses, int n, double reverse)
{
    int at = 0;
    for (int h = 0; h < n; h++) {
        double attention = r->sums[0][h];
        if (reverse > 0.0)
            attention = attention * (1.0 - reverse) + r->sums[1][h] * reverse;
        struct hypothesis x = hypotheses[h];
        x.score = attention + r->options.ctc_weight * hypotheses[h].score;
        x.confidence = exp(attention / (hypotheses[h].n + 1));
        x.logprob = log(x.confidence > 0 ? x.confidence : 1e-300);
        x.confidences = r->confidences + at;
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

int rescoring_run(struct rescoring *r, struct nn_context *ctx, const struct rescoring_input *in,
                  const struct hypothesis **results, struct message *msg)
{
    long long n_tokens = 0;
    for (int h = 0; h < in->n; h++)
        n_tokens += in->hypotheses[h].n;
    if (n_tokens > HYPOTHESIS_MAX_TOKENS || reserve_tokens(r, (int)n_tokens) < 0 || reserve_hypotheses(r, in->n) < 0)
        return fail_memory(msg);
    double reverse = r->options.right != NULL ? r->options.reverse_weight : 0.0;
    int rc = run_side(r, ctx, in, (int)n_tokens, 0, msg);
    if (rc == 0 && reverse > 0.0)
        rc = run_side(r, ctx, in, (int)n_tokens, 1, msg);
    if (rc < 0)
        return rc;
    rescore(r, in->hypotheses, in->n, reverse);
    *results = r->results;
    return in->n;
}
