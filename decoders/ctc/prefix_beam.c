/* SPDX-License-Identifier: Apache-2.0
 * prefix_beam.c - the CTC prefix beam search as settings want it. */
#include "decoders/ctc/prefix_beam.h"

#include <limits.h>

#include "base/mem.h"
#include "decoders/common/options.h"
#include "decoders/ctc/layer.h"

const struct settings_table *const ctc_prefix_beam_tables[] = {&ctc_prefix_settings, NULL};

struct prefix_beam {
    struct search_host host;
    struct ctc_prefix *prefix;
    struct hypotheses results;
};

int ctc_prefix_beam_open(struct ctc_prefix **out, const struct search_host *host)
{
    const struct ctc_prefix_options *set = settings_of(host->settings, &ctc_prefix_settings);
    const struct decoder_options *options = settings_of(host->settings, &decoder_settings);
    const struct ctc_layer *ctc = host->model->ctc;
    int n_beam = decoder_beam(options);
    const struct ctc_prefix_options o = {.n_vocabulary = ctc->n_vocabulary,
                                         .blank = ctc->blank,
                                         .n_symbols = n_beam < ctc->n_vocabulary ? n_beam : ctc->n_vocabulary,
                                         .n_beam = n_beam,
                                         .times = set->times,
                                         .hotwords = host->hotwords};
    return ctc_prefix_open(out, &o, host->msg);
}

int ctc_prefix_beam_partial(struct ctc_prefix *p, const struct hypothesis **best, int *n_committed, struct message *msg)
{
    int rc = ctc_prefix_nbest(p, 1, best, msg);
    *n_committed = ctc_prefix_committed(p);
    return rc;
}

int ctc_prefix_beam_finish(struct ctc_prefix *p, const struct hypothesis **results, struct message *msg)
{
    ctc_prefix_finish(p);
    return ctc_prefix_nbest(p, INT_MAX, results, msg);
}

static void close_search(void *search)
{
    struct prefix_beam *b = search;
    if (b == NULL)
        return;
    ctc_prefix_close(b->prefix);
    hypotheses_free(&b->results);
    mem_free(b);
}

static int open_search(void **search, const struct search_host *host)
{
    struct prefix_beam *b = mem_array(1, sizeof *b);
    if (b == NULL)
        return fail_memory(host->msg);
    b->host = *host;
    int rc = ctc_prefix_beam_open(&b->prefix, host);
    if (rc < 0) {
        close_search(b);
        return rc;
    }
    *search = b;
    return LINNET_OK;
}

static void reset(void *search) { ctc_prefix_reset(((struct prefix_beam *)search)->prefix); }

static int step(void *search, const struct frame_block *block)
{
    struct prefix_beam *b = search;
    return ctc_prefix_step(b->prefix, block->logprobs, block->n, b->host.msg);
}

static int partial(void *search, const struct hypothesis **best, int *n_committed)
{
    struct prefix_beam *b = search;
    return ctc_prefix_beam_partial(b->prefix, best, n_committed, b->host.msg);
}

static int finish(void *search, const struct hypothesis **results)
{
    struct prefix_beam *b = search;
    const struct hypothesis *nbest;
    int n = ctc_prefix_beam_finish(b->prefix, &nbest, b->host.msg);
    return n < 0 ? n : hypotheses_take(&b->results, nbest, n, results, b->host.msg);
}

const struct search_ops ctc_prefix_beam_search = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};
