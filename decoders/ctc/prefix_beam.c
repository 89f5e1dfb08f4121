/* SPDX-License-Identifier: Apache-2.0
 * prefix_beam.c - the CTC prefix beam search for the pipeline. */
#include "decoders/ctc/prefix_beam.h"

#include <limits.h>

#include "decoders/common/options.h"
#include "decoders/ctc/layer.h"

const struct settings_table *const ctc_prefix_beam_tables[] = {&ctc_prefix_settings, NULL};

static int open_search(void **search, const struct search_host *host)
{
    const struct ctc_prefix_options *set = settings_of(host->settings, &ctc_prefix_settings);
    const struct ctc_layer *ctc = host->model->ctc;
    int n_beam = decoder_beam(settings_of(host->settings, &decoder_settings));
    const struct ctc_prefix_options o = {.n_vocabulary = ctc->n_vocabulary,
                                         .blank = ctc->blank,
                                         .n_symbols = n_beam < ctc->n_vocabulary ? n_beam : ctc->n_vocabulary,
                                         .n_beam = n_beam,
                                         .times = set->times,
                                         .hotwords = host->hotwords};
    struct ctc_prefix *p;
    int rc = ctc_prefix_open(&p, &o, host->msg);
    if (rc >= 0)
        *search = p;
    return rc;
}

static void close_search(void *search) { ctc_prefix_close(search); }

static void reset(void *search) { ctc_prefix_reset(search); }

static int step(void *search, const struct search_host *host, const struct frame_block *block)
{
    return ctc_prefix_step(search, block->logprobs, block->n, host->msg);
}

static int partial(void *search, const struct search_host *host, const struct hypothesis **best, int *n_committed)
{
    *n_committed = ctc_prefix_committed(search);
    return ctc_prefix_nbest(search, 1, best, host->msg);
}

static int finish(void *search, const struct search_host *host, const struct hypothesis **results)
{
    ctc_prefix_finish(search);
    return ctc_prefix_nbest(search, INT_MAX, results, host->msg);
}

const struct search_ops ctc_prefix_beam_search = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};
