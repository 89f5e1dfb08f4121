/* SPDX-License-Identifier: Apache-2.0
 * ctc_greedy.c - the decoder "ctc_greedy": the most probable symbol of each frame.
 *
 * It cannot take back the beginning of a phrase that does not go on: with hotwords it is a prefix beam search. */
#include "base/mem.h"
#include "decoders/ctc/greedy.h"
#include "decoders/ctc/layer.h"
#include "decoders/ctc/prefix_beam.h"
#include "decoders/utterance.h"

struct greedy {
    struct search_host host;
    struct ctc_greedy *search;
    struct hypothesis best;
    struct hypotheses results;
};

static void close_search(void *search)
{
    struct greedy *g = search;
    if (g == NULL)
        return;
    ctc_greedy_close(g->search);
    hypotheses_free(&g->results);
    mem_free(g);
}

static int open_search(void **search, const struct search_host *host)
{
    struct greedy *g = mem_array(1, sizeof *g);
    if (g == NULL)
        return fail_memory(host->msg);
    g->host = *host;
    int rc = ctc_greedy_open(&g->search, host->model->ctc->n_vocabulary, host->model->ctc->blank, host->msg);
    if (rc < 0) {
        close_search(g);
        return rc;
    }
    *search = g;
    return LINNET_OK;
}

static void reset(void *search) { ctc_greedy_reset(((struct greedy *)search)->search); }

static int step(void *search, const struct frame_block *block)
{
    struct greedy *g = search;
    return ctc_greedy_step(g->search, block->logprobs, block->n, g->host.msg);
}

static int partial(void *search, const struct hypothesis **best, int *n_committed)
{
    struct greedy *g = search;
    g->best = ctc_greedy_result(g->search);
    *best = &g->best;
    *n_committed = g->best.n;
    return 1;
}

static int finish(void *search, const struct hypothesis **results)
{
    struct greedy *g = search;
    g->best = ctc_greedy_result(g->search);
    return hypotheses_take(&g->results, &g->best, 1, results, g->host.msg);
}

static const struct search_ops greedy_search = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};

const struct decoder ctc_greedy_decoder = {
    .name = "ctc_greedy",
    .summary = "the most probable symbol of each frame",
    .needs = MODEL_FRAMES | MODEL_CTC,
    .settings = ctc_prefix_beam_tables,
    .search = &greedy_search,
    .with_hotwords = &ctc_prefix_beam_search,
    UTTERANCE_DECODER,
};
