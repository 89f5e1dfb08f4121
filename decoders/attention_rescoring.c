/* SPDX-License-Identifier: Apache-2.0
 * attention_rescoring.c - the decoder "attention_rescoring", WeNet's two passes: a CTC prefix beam search over the
 * frames, then, when the utterance has ended, rescoring of its n-best list with the attention decoder. */
#include <math.h>

#include "base/mem.h"
#include "decoders/attention/rescoring.h"
#include "decoders/attention/states.h"
#include "decoders/ctc/prefix_beam.h"
#include "decoders/utterance.h"

struct two_passes {
    void *first; /* ctc_prefix_beam_search */
    struct rescoring *second;
    struct attention_states states;
};

static void close_search(void *search)
{
    struct two_passes *t = search;
    if (t == NULL)
        return;
    ctc_prefix_beam_search.close(t->first);
    rescoring_close(t->second);
    attention_states_free(&t->states);
    mem_free(t);
}

static int second_open(struct two_passes *t, const struct search_host *host)
{
    const struct linnet_model *m = host->model;
    struct rescoring_options o = *(const struct rescoring_options *)settings_of(host->settings, &rescoring_settings);
    o.left = m->left;
    o.right = m->right;
    if (o.reverse_weight < 0)
        o.reverse_weight = m->reverse_weight;
    return rescoring_open(&t->second, &o, host->msg);
}

static int open_search(void **search, const struct search_host *host)
{
    struct two_passes *t = mem_array(1, sizeof *t);
    if (t == NULL)
        return fail_memory(host->msg);
    t->states.n_dims = host->model->encoder->n_dims;
    int rc = ctc_prefix_beam_search.open(&t->first, host);
    if (rc < 0 || (rc = second_open(t, host)) < 0) {
        close_search(t);
        return rc;
    }
    *search = t;
    return LINNET_OK;
}

static void reset(void *search)
{
    struct two_passes *t = search;
    ctc_prefix_beam_search.reset(t->first);
    t->states.n = 0;
}

static int step(void *search, const struct search_host *host, const struct frame_block *block)
{
    struct two_passes *t = search;
    int rc = attention_states_add(&t->states, block->states, block->n, host->msg);
    return rc < 0 ? rc : ctc_prefix_beam_search.step(t->first, host, block);
}

static int partial(void *search, const struct search_host *host, const struct hypothesis **best, int *n_committed)
{
    return ctc_prefix_beam_search.partial(((struct two_passes *)search)->first, host, best, n_committed);
}

static int finish(void *search, const struct search_host *host, const struct hypothesis **results)
{
    struct two_passes *t = search;
    struct rescoring_input input = {.encoder_out = t->states.at, .n_frames = t->states.n};
    input.n = ctc_prefix_beam_search.finish(t->first, host, &input.hypotheses);
    return input.n < 0 ? input.n : rescoring_run(t->second, host->ctx, &input, results, host->msg);
}

static const struct search_ops two_pass_search = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};

static const struct settings_table *const tables[] = {&ctc_prefix_settings, &rescoring_settings, NULL};

const struct decoder attention_rescoring_decoder = {
    .name = "attention_rescoring",
    .summary = "CTC prefix beam search, its n-best list rescored with the attention decoder",
    .needs = MODEL_FRAMES | MODEL_CTC | MODEL_TEXT_DECODER,
    .settings = tables,
    .ignores = "language|task|decoder.length_penalty|decoder.max_tokens",
    .search = &two_pass_search,
    .with_hotwords = &two_pass_search,
    UTTERANCE_DECODER,
};
