/* SPDX-License-Identifier: Apache-2.0
 * greedy.c - greedy CTC search. */
#include "decoders/ctc/greedy.h"

#include "base/mem.h"
#include "decoders/common/scores.h"

struct ctc_greedy {
    int n_vocabulary, blank;
    int last;     /* symbol of the frame before; blank at the start */
    int n_frames; /* since reset */
    double score;
    struct hypothesis_store found;
    int n; /* tokens found */
    struct hypothesis result;
};

int ctc_greedy_open(struct ctc_greedy **out, int n_vocabulary, int blank, struct message *msg)
{
    if (n_vocabulary < 2 || blank < 0 || blank >= n_vocabulary)
        return fail(msg, LINNET_E_ARGUMENT, "blank %d of %d symbols", blank, n_vocabulary);
    struct ctc_greedy *g = mem_array(1, sizeof *g);
    if (g == NULL)
        return fail_memory(msg);
    g->n_vocabulary = n_vocabulary;
    g->blank = blank;
    ctc_greedy_reset(g);
    *out = g;
    return LINNET_OK;
}

void ctc_greedy_close(struct ctc_greedy *g)
{
    if (g == NULL)
        return;
    hypothesis_store_free(&g->found);
    mem_free(g);
}

void ctc_greedy_reset(struct ctc_greedy *g)
{
    g->last = g->blank;
    g->n_frames = g->n = 0;
    g->score = 0.0;
}

static int step_frame(struct ctc_greedy *g, const float *logprobs)
{
    int symbol;
    float logprob;
    scores_best(logprobs, g->n_vocabulary, 1, &symbol, &logprob);
    if (symbol != g->blank && symbol != g->last) {
        if (hypothesis_store_reserve(&g->found, g->n, g->n + 1) < 0)
            return LINNET_E_MEMORY;
        g->found.tokens[g->n] = symbol;
        g->found.times[g->n] = g->n_frames;
        g->found.logprobs[g->n++] = logprob;
    } else if (symbol != g->blank && logprob > g->found.logprobs[g->n - 1]) {
        g->found.times[g->n - 1] = g->n_frames;
        g->found.logprobs[g->n - 1] = logprob;
    }
    g->last = symbol;
    g->score += (double)logprob;
    g->n_frames++;
    return LINNET_OK;
}

int ctc_greedy_step(struct ctc_greedy *g, const float *logprobs, int n_frames, struct message *msg)
{
    for (int t = 0; t < n_frames; t++)
        if (step_frame(g, logprobs + (size_t)t * (size_t)g->n_vocabulary) < 0)
            return fail_memory(msg);
    return LINNET_OK;
}

const struct hypothesis *ctc_greedy_result(struct ctc_greedy *g)
{
    g->result = (struct hypothesis){.tokens = g->found.tokens,
                                    .times = g->found.times,
                                    .logprobs = g->found.logprobs,
                                    .n = g->n,
                                    .score = g->score};
    return &g->result;
}
