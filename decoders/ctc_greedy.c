/* SPDX-License-Identifier: Apache-2.0
 * ctc_greedy.c - the decoder "ctc_greedy": the most probable symbol of each frame.
 *
 * It cannot take back the beginning of a phrase that is not completed: with hotwords it is a prefix beam search. */
#include "decoders/ctc/greedy.h"
#include "decoders/ctc/layer.h"
#include "decoders/ctc/prefix_beam.h"
#include "decoders/utterance.h"

static int open_search(void **search, const struct search_host *host)
{
    struct ctc_greedy *g;
    int rc = ctc_greedy_open(&g, host->model->ctc->n_vocabulary, host->model->ctc->blank, host->msg);
    if (rc >= 0)
        *search = g;
    return rc;
}

static void close_search(void *search) { ctc_greedy_close(search); }

static void reset(void *search) { ctc_greedy_reset(search); }

static int step(void *search, const struct search_host *host, const struct frame_block *block)
{
    return ctc_greedy_step(search, block->logprobs, block->n, host->msg);
}

static int partial(void *search, const struct search_host *host, const struct hypothesis **best, int *n_committed)
{
    (void)host;
    *best = ctc_greedy_result(search);
    *n_committed = (*best)->n;
    return 1;
}

static int finish(void *search, const struct search_host *host, const struct hypothesis **results)
{
    (void)host;
    *results = ctc_greedy_result(search);
    return 1;
}

static const struct search_ops greedy_search = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};

const struct decoder ctc_greedy_decoder = {
    .name = "ctc_greedy",
    .summary = "the most probable symbol of each frame",
    .needs = MODEL_FRAMES | MODEL_CTC,
    .settings = ctc_prefix_beam_tables,
    .ignores = "language|task|decoder.beam|decoder.nbest|decoder.length_penalty|decoder.max_tokens",
    .search = &greedy_search,
    .with_hotwords = &ctc_prefix_beam_search,
    UTTERANCE_DECODER,
};
