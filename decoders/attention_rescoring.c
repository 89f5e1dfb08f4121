/* SPDX-License-Identifier: Apache-2.0
 * attention_rescoring.c - the decoder "attention_rescoring", WeNet's two passes: a CTC prefix beam search follows the
 * frames, and when the utterance has ended the attention decoder judges its n-best list. */
#include <math.h>

#include "base/mem.h"
#include "decoders/attention/rescoring.h"
#include "decoders/attention/states.h"
#include "decoders/ctc/prefix_beam.h"
#include "decoders/utterance.h"

struct two_passes {
    struct search_host host;
    struct ctc_prefix *first;
    struct rescoring *second;
    struct attention_states states;
};

static void close_search(void *search)
{
    struct two_passes *t = search;
    if (t == NULL)
        return;
    ctc_prefix_close(t->first);
    rescoring_close(t->second);
    attention_states_free(&t->states);
    mem_free(t);
}

static int second_open(struct two_passes *t)
{
    const struct linnet_model *m = t->host.model;
    struct rescoring_options o = *(const struct rescoring_options *)settings_of(t->host.settings, &rescoring_settings);
    o.left = m->left;
    o.right = m->right;
    if (o.reverse_weight < 0)
        o.reverse_weight = m->reverse_weight;
    return rescoring_open(&t->second, &o, t->host.msg);
}

static int open_search(void **search, const struct search_host *host)
{
    struct two_passes *t = mem_array(1, sizeof *t);
    if (t == NULL)
        return fail_memory(host->msg);
    t->host = *host;
    t->states.n_dims = host->model->encoder->n_dims;
    int rc = ctc_prefix_beam_open(&t->first, host);
    if (rc < 0 || (rc = second_open(t)) < 0) {
        close_search(t);
        return rc;
    }
    *search = t;
    return LINNET_OK;
}

static void reset(void *search)
{
    struct two_passes *t = search;
    ctc_prefix_reset(t->first);
    t->states.n = 0;
}

static int step(void *search, const struct frame_block *block)
{
    struct two_passes *t = search;
    int rc = attention_states_add(&t->states, block->states, block->n, t->host.msg);
    return rc < 0 ? rc : ctc_prefix_step(t->first, block->logprobs, block->n, t->host.msg);
}

static int partial(void *search, const struct hypothesis **best, int *n_committed)
{
    struct two_passes *t = search;
    return ctc_prefix_beam_partial(t->first, best, n_committed, t->host.msg);
}

static int finish(void *search, const struct hypothesis **results)
{
    struct two_passes *t = search;
    struct rescoring_input input = {.encoder_out = t->states.at, .n_frames = t->states.n};
    input.n = ctc_prefix_beam_finish(t->first, &input.hypotheses, t->host.msg);
    return input.n < 0 ? input.n : rescoring_run(t->second, t->host.ctx, &input, results, t->host.msg);
}

static const struct search_ops two_pass_search = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};

static const struct settings_table *const tables[] = {&ctc_prefix_settings, &rescoring_settings, NULL};

const struct decoder attention_rescoring_decoder = {
    .name = "attention_rescoring",
    .summary = "CTC prefix beam search, its n-best list judged by the attention decoder",
    .needs = MODEL_FRAMES | MODEL_CTC | MODEL_TEXT_DECODER,
    .settings = tables,
    .search = &two_pass_search,
    .with_hotwords = &two_pass_search,
    UTTERANCE_DECODER,
};
