/* SPDX-License-Identifier: Apache-2.0
 * attention.c - the decoder "attention": beam search on the attention decoder, at the end of an utterance. */
#include "base/mem.h"
#include "decoders/attention/search.h"
#include "decoders/attention/states.h"
#include "decoders/ctc/align.h"
#include "decoders/ctc/layer.h"
#include "decoders/utterance.h"

enum { MAX_ALIGNED = 1 << 27 /* log probabilities: half a gigabyte */ };

struct attention_pass {
    int has_times; /* word times are wanted, and there is a CTC layer to find them with */
    struct attention_search *search;
    struct attention_states states;
    struct hypotheses results;
    int *times; /* [room] of the best hypothesis */
    int room;
};

static void close_search(void *search)
{
    struct attention_pass *a = search;
    if (a == NULL)
        return;
    attention_search_close(a->search);
    attention_states_free(&a->states);
    hypotheses_free(&a->results);
    mem_free(a->times);
    mem_free(a);
}

static int open_search(void **search, const struct search_host *host)
{
    const struct decoder_options *o = settings_of(host->settings, &decoder_settings);
    const struct attention_search_options options = {.n_beam = decoder_beam(o),
                                                     .max_tokens = o->max_tokens,
                                                     .length_penalty = o->length_penalty >= 0 ? o->length_penalty : 0,
                                                     .hotwords = host->hotwords};
    struct attention_pass *a = mem_array(1, sizeof *a);
    if (a == NULL)
        return fail_memory(host->msg);
    a->has_times = o->word_times && host->model->ctc != NULL;
    a->states.n_dims = host->model->encoder->n_dims;
    int rc = attention_search_open(&a->search, host->model->left, &options, host->msg);
    if (rc < 0) {
        close_search(a);
        return rc;
    }
    *search = a;
    return LINNET_OK;
}

static void reset(void *search) { ((struct attention_pass *)search)->states.n = 0; }

static int step(void *search, const struct search_host *host, const struct frame_block *block)
{
    return attention_states_add(&((struct attention_pass *)search)->states, block->states, block->n, host->msg);
}

/* Times of the tokens: their CTC alignment, unless they have none. */
static int align_best(struct attention_pass *a, const struct search_host *host, struct hypothesis *best)
{
    const struct ctc_layer *ctc = host->model->ctc;
    int n_frames = a->states.n;
    if (best->n == 0 || n_frames > MAX_ALIGNED / ctc->n_vocabulary)
        return LINNET_OK;
    float *logprobs = mem_array((size_t)n_frames * (size_t)ctc->n_vocabulary, sizeof *logprobs);
    if (logprobs == NULL || MEM_GROW(a->times, a->room, best->n) < 0) {
        mem_free(logprobs);
        return fail_memory(host->msg);
    }
    ctc_layer_forward(ctc, host->ctx, a->states.at, n_frames, logprobs);
    const struct ctc_align_input in = {logprobs, n_frames, ctc->n_vocabulary, ctc->blank, best->tokens, best->n};
    int rc = ctc_align(&in, &(struct ctc_alignment){.peaks = a->times}, NULL);
    mem_free(logprobs);
    if (rc >= 0)
        best->times = a->times;
    return rc == LINNET_E_ARGUMENT ? LINNET_OK : rc < 0 ? fail_memory(host->msg) : rc;
}

static int is_cancelled(void *cancelled) { return *(const atomic_int *)cancelled != 0; }

static int finish(void *search, const struct search_host *host, const struct hypothesis **results)
{
    struct attention_pass *a = search;
    const struct attention_search_input input = {a->states.at, a->states.n, is_cancelled, (void *)host->cancelled};
    const struct hypothesis *nbest;
    int n = attention_search_run(a->search, host->ctx, &input, &nbest, host->msg);
    if (n > 0)
        n = hypotheses_take(&a->results, nbest, n, results, host->msg);
    int rc = n > 0 && a->has_times ? align_best(a, host, &a->results.at[0]) : LINNET_OK;
    return rc < 0 ? rc : n;
}

static const struct search_ops attention_ops = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .finish = finish};

const struct decoder attention_decoder = {
    .name = "attention",
    .summary = "beam search on the attention decoder, whole recordings",
    .needs = MODEL_FRAMES | MODEL_TEXT_DECODER,
    .is_whole_only = 1,
    .ignores = "language|task",
    .search = &attention_ops,
    .with_hotwords = &attention_ops,
    UTTERANCE_DECODER,
};
