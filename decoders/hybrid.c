/* SPDX-License-Identifier: Apache-2.0
 * hybrid.c - WeNet models on recordings and streams: features, encoder, searches, endpoints, events.
 *
 * Not streaming: the recording (or each part that decoder.clip names) is one utterance, encoded as decoder.chunk says,
 * and gives one result.  WeNet's own
 * programs drop the frames at the end that do not fill the encoder's first layers; so does this, to be equal.
 *
 * Streaming is WeNet's two passes: the first pass gives partial results chunk by chunk; when an endpoint rule fires,
 * the second pass replaces the text, and the next utterance begins with empty caches and the same clock.  At the end
 * silence is added so that every sample takes part in an encoder frame.  With vad.gate nothing is decoded from an
 * endpoint to where speech begins again. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/attention/rescoring.h"
#include "decoders/common/endpoint.h"
#include "decoders/common/hotword_list.h"
#include "decoders/ctc/prefix.h"
#include "decoders/ctc/scores.h"
#include "decoders/decoder.h"
#include "decoders/hybrid_result.h"
#include "decoders/model.h"
#include "decoders/segmental_recipe.h"
#include "frontend/gate.h"

enum { DEFAULT_CHUNK = 16 }; /* encoder frames when streaming */

struct hybrid {
    struct decoder_host host;
    const struct decoder_options *options;
    const struct ctc_options *ctc;
    const struct hybrid_model *model;
    enum hybrid_method method;
    struct nn_context ctx;
    struct hybrid_encoder *encoder;
    struct hybrid_search *search;
    struct hotwords *hotwords;
    struct endpoint endpoint;
    struct buffer text, partial; /* partial: what the last partial event said */
    int64_t first_frame;         /* of the utterance, in encoder frames of the recording */
    int64_t n_frames;            /* of the utterance */
    uint64_t n_samples;          /* of the recording */
    int i_clip;                  /* part of decoder.clip that is read, or comes next */
    int is_open;                 /* samples of it were taken */
    struct hybrid_gate *gate;    /* NULL: all is decoded */
    int has_ended;               /* an endpoint was found in the samples just taken */
    double base_s;               /* where it begins */
};

/* ---- opening ---- */

static int encoder_options(const struct hybrid *h, struct hybrid_encoder_options *o)
{
    const struct hybrid_encoder_options *set = settings_of(h->host.settings, &hybrid_encoder_settings);
    const struct conformer_config *c = &h->model->config;
    *o = *set;
    o->pad = h->host.streaming;
    if (!h->host.streaming)
        return LINNET_OK;
    if (h->method == HYBRID_ATTENTION)
        return fail(h->host.msg, LINNET_E_UNSUPPORTED,
                    "decoder 'attention' needs the whole recording: it cannot stream");
    if (o->chunk == 0)
        o->chunk = c->static_chunk > 0 && !c->dynamic_chunk ? c->static_chunk : DEFAULT_CHUNK;
    if (o->chunk > 0 && conformer_config_chunk(c, o->chunk) == 0)
        return fail(h->host.msg, LINNET_E_UNSUPPORTED,
                    "the model was not trained for chunks: it can only decode whole recordings (decoder.chunk=-1)");
    if (o->chunk > 0 && c->convolution && !c->causal && c->kernel > 1)
        return fail(h->host.msg, LINNET_E_UNSUPPORTED,
                    "the model's convolutions look ahead: it can only decode whole recordings (decoder.chunk=-1)");
    return LINNET_OK;
}

static int endpoint_start(struct hybrid *h)
{
    struct endpoint_options o;
    endpoint_options_read(&o, h->host.settings);
    o.frame_ms = h->model->frame_s * 1000.0;
    o.blank = h->model->blank;
    o.n_vocabulary = h->model->n_vocabulary;
    int rc = endpoint_options_check(&o, h->host.msg);
    if (rc >= 0)
        endpoint_open(&h->endpoint, &o);
    return rc;
}

static void hybrid_close(void *state)
{
    struct hybrid *h = state;
    if (h == NULL)
        return;
    hybrid_encoder_close(h->encoder);
    hybrid_search_close(h->search);
    hotwords_close(h->hotwords);
    hybrid_gate_close(h->gate);
    nn_context_close(&h->ctx);
    buffer_free(&h->text);
    buffer_free(&h->partial);
    mem_free(h);
}

/* A stream is gated unless only parts of it are decoded. */
static int gate_start(struct hybrid *h)
{
    const struct gate_options *gate = settings_of(h->host.settings, &gate_settings);
    if (!h->host.streaming || !gate->is_wanted || h->options->clip.n > 0)
        return LINNET_OK;
    return hybrid_gate_open(&h->gate, settings_of(h->host.settings, &vad_settings), h->host.msg);
}

static int hybrid_open(void **state, const struct decoder_host *host, enum hybrid_method method)
{
    struct hybrid *h = mem_array(1, sizeof *h);
    if (h == NULL)
        return fail_memory(host->msg);
    h->host = *host;
    h->options = settings_of(host->settings, &decoder_settings);
    h->ctc = settings_of(host->settings, &ctc_settings);
    h->model = host->model->hybrid;
    h->method = method;
    if (h->options->name == 0 && h->model->left == NULL)
        h->method = HYBRID_PREFIX;
    struct hybrid_encoder_options options;
    int rc;
    if ((rc = encoder_options(h, &options)) < 0 || (rc = nn_context_open(&h->ctx, host->model->pool, host->msg)) < 0 ||
        (rc = endpoint_start(h)) < 0 || (rc = gate_start(h)) < 0 ||
        (rc = hybrid_encoder_open(&h->encoder, h->model, &h->ctx, &options, host->msg)) < 0 ||
        (rc = hybrid_search_open(&h->search, h->model, &h->ctx, h->method, host->settings, NULL, host->msg)) < 0) {
        hybrid_close(h);
        return rc;
    }
    *state = h;
    return LINNET_OK;
}

static int hybrid_bias(void *state, const char *const *phrases, const float *bonus, size_t n, struct buffer *unspelled)
{
    struct hybrid *h = state;
    struct message *msg = h->host.msg;
    struct hotword_list list = {0};
    struct hotwords *hotwords = NULL;
    struct hybrid_search *search = NULL;
    int rc = LINNET_OK, n_spelled = 0;
    if (h->method == HYBRID_SEGMENTAL && n > 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "decoder 'segmental' takes no phrases");
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = hotword_list_add(&list, phrases[i], bonus != NULL ? (double)bonus[i] : h->options->hotword_bonus, msg);
    if (rc >= 0)
        rc = n_spelled =
            hotword_list_graph(&list, (const struct vocab *)h->model->units, &hotwords, unspelled, msg);
    if (rc >= 0)
        rc = hybrid_search_open(&search, h->model, &h->ctx, h->method, h->host.settings, hotwords, msg);
    if (rc >= 0) {
        hybrid_search_close(h->search);
        hotwords_close(h->hotwords);
        h->search = search;
        h->hotwords = hotwords;
    } else {
        hotwords_close(hotwords);
    }
    hotword_list_free(&list);
    return rc < 0 ? rc : n_spelled;
}

/* ---- events ---- */

static struct hybrid_utterance utterance(const struct hybrid *h)
{
    double length = (double)h->n_samples / DECODER_RATE_HZ, frame = h->model->frame_s;
    double start = h->base_s + (double)h->first_frame * frame, end = start + (double)h->n_frames * frame;
    struct hybrid_utterance u = {start, end < length ? end : length, h->options->nbest, h->options->word_times};
    if (!h->host.streaming)
        u.end_s = length;
    return u;
}

/* Says the best text so far, if it is not what was said last. */
static int push_partial(struct hybrid *h)
{
    const int *tokens = NULL;
    int n, n_committed, rc = hybrid_search_partial(h->search, &tokens, &n, &n_committed, h->host.msg);
    size_t committed = 0;
    buffer_cut(&h->text, 0);
    if (rc >= 0)
        rc = units_text(h->model->units, tokens, n_committed, 1, &h->text);
    committed = h->text.n;
    if (rc >= 0)
        rc = units_text(h->model->units, tokens + n_committed, n - n_committed, h->text.n == 0, &h->text);
    if (rc < 0)
        return rc == LINNET_E_MEMORY ? fail_memory(h->host.msg) : rc;
    if (h->text.n == h->partial.n && memcmp(buffer_text(&h->text), buffer_text(&h->partial), h->text.n) == 0)
        return LINNET_OK;
    buffer_cut(&h->partial, 0);
    if (buffer_append(&h->partial, buffer_text(&h->text), h->text.n) < 0)
        return fail_memory(h->host.msg);
    struct hybrid_utterance u = utterance(h);
    linnet_event event = {.type = LINNET_EVENT_PARTIAL,
                          .start_s = u.start_s,
                          .end_s = u.end_s,
                          .language = "",
                          .text = buffer_text(&h->text),
                          .committed = committed,
                          .tokens = tokens,
                          .n_tokens = n};
    return events_push(h->host.events, &event, h->host.msg);
}

/* Gives the result of the utterance; found: the endpoint rule that ended it, or NULL. */
static int end_utterance(struct hybrid *h, const struct endpoint_found *found)
{
    struct hybrid_utterance u = utterance(h);
    const struct hybrid_result *results;
    int n = hybrid_search_finish(h->search, h->host.cancelled, &results, h->host.msg), rc = n < 0 ? n : LINNET_OK;
    if (n > 0 && (results[0].n > 0 || (u.nbest > 1 && !h->host.streaming))) {
        h->host.stats->n_tokens += (uint64_t)results[0].n;
        rc = hybrid_result_push(h->host.events, h->model, &u, results, n, h->host.msg);
    }
    if (rc >= 0 && found != NULL) {
        linnet_event event = {
            .type = LINNET_EVENT_ENDPOINT, .start_s = u.start_s, .end_s = u.end_s, .language = "", .text = found->text};
        rc = events_push(h->host.events, &event, h->host.msg);
    }
    hybrid_search_reset(h->search);
    endpoint_reset(&h->endpoint);
    buffer_cut(&h->partial, 0);
    h->first_frame += h->n_frames;
    h->n_frames = 0;
    return rc;
}

/* ---- feeding ---- */

static int take_block(struct hybrid *h, const struct hybrid_block *block)
{
    const struct hybrid_model *m = h->model;
    struct endpoint_found found;
    const int *tokens;
    int n, n_committed, rc;
    ctc_scores_adjust_blank(block->logprobs, block->n, m->n_vocabulary, m->blank, h->ctc->blank_penalty,
                            h->ctc->blank_scale);
    h->n_frames += block->n;
    if ((rc = hybrid_search_step(h->search, block, h->host.msg)) < 0 || !h->host.streaming)
        return rc;
    if ((rc = push_partial(h)) < 0 ||
        (rc = hybrid_search_partial(h->search, &tokens, &n, &n_committed, h->host.msg)) < 0 ||
        endpoint_step(&h->endpoint, block->logprobs, block->n, n > 0, &found) == 0)
        return rc;
    hybrid_encoder_restart(h->encoder);
    h->has_ended = 1;
    return end_utterance(h, &found);
}

static int take_blocks(struct hybrid *h)
{
    struct hybrid_block block;
    int rc;
    while ((rc = hybrid_encoder_next(h->encoder, &block, h->host.msg)) > 0) {
        if (*h->host.cancelled)
            return fail(h->host.msg, LINNET_E_CANCELLED, "cancelled");
        double start = clock_s();
        rc = take_block(h, &block);
        h->host.stats->decoder_s += clock_s() - start;
        if (rc < 0)
            return rc;
    }
    double features_s, encoder_s;
    hybrid_encoder_times(h->encoder, &features_s, &encoder_s);
    h->host.stats->features_s += features_s;
    h->host.stats->encoder_s += encoder_s;
    return rc;
}

/* The part of the recording that is decoded now or next, in samples; 0 when there is none any more. */
static int clip(const struct hybrid *h, uint64_t *from, uint64_t *to)
{
    const struct settings_list *list = &h->options->clip;
    *from = 0;
    *to = UINT64_MAX;
    if (list->n == 0)
        return 1;
    if (h->i_clip >= list->n)
        return 0;
    *from = (uint64_t)llrint(list->at[h->i_clip] * DECODER_RATE_HZ);
    if (h->i_clip + 1 < list->n)
        *to = (uint64_t)llrint(list->at[h->i_clip + 1] * DECODER_RATE_HZ);
    return 1;
}

/* The last words of a part, and everything but the clock ready for the next. */
static int end_clip(struct hybrid *h)
{
    int rc = h->is_open ? hybrid_encoder_finish(h->encoder, h->host.msg) : LINNET_OK;
    if (rc < 0 || (h->is_open && (rc = take_blocks(h)) < 0))
        return rc;
    double start = clock_s();
    if (h->is_open)
        rc = end_utterance(h, NULL);
    h->host.stats->decoder_s += clock_s() - start;
    hybrid_encoder_reset(h->encoder);
    h->first_frame = 0;
    h->is_open = 0;
    h->i_clip += 2;
    return rc;
}

/* Decodes or passes over some of the samples [n], n > 0, and says how many. */
static int take_samples(struct hybrid *h, const float *samples, size_t n, size_t *n_taken)
{
    uint64_t from, to, most = n;
    int rc;
    *n_taken = 0;
    while (clip(h, &from, &to) && to <= h->n_samples)
        if ((rc = end_clip(h)) < 0)
            return rc;
    if (!clip(h, &from, &to)) {
        *n_taken = n;
    } else if (from > h->n_samples) {
        *n_taken = from - h->n_samples < most ? (size_t)(from - h->n_samples) : n;
    } else {
        if (!h->is_open)
            h->base_s = (double)h->n_samples / DECODER_RATE_HZ;
        h->is_open = 1;
        most = to - h->n_samples < most ? to - h->n_samples : most;
        if ((rc = hybrid_encoder_feed(h->encoder, samples, (size_t)most, n_taken, h->host.msg)) < 0)
            return rc;
    }
    h->n_samples += *n_taken;
    return h->is_open ? take_blocks(h) : LINNET_OK;
}

/* Decodes what the gate let through; after an endpoint it may be shut. */
static int take_passage(struct hybrid *h, struct hybrid_passage p)
{
    if (!h->is_open)
        h->n_samples = p.at;
    for (size_t n_taken; p.n > 0; p.samples += n_taken, p.n -= n_taken) {
        h->has_ended = 0;
        int rc = take_samples(h, p.samples, p.n, &n_taken);
        if (rc < 0)
            return rc;
        if (h->has_ended && hybrid_gate_shut(h->gate)) {
            hybrid_encoder_reset(h->encoder);
            h->first_frame = 0;
            h->is_open = 0;
            return LINNET_OK;
        }
    }
    return LINNET_OK;
}

static int hybrid_feed(void *state, const float *samples, size_t n)
{
    struct hybrid *h = state;
    struct hybrid_passage passage;
    int rc = LINNET_OK;
    for (size_t n_taken; n > 0 && rc >= 0; samples += n_taken, n -= n_taken) {
        if (h->gate == NULL) {
            rc = take_samples(h, samples, n, &n_taken);
        } else {
            n_taken = hybrid_gate_feed(h->gate, samples, n, &passage);
            rc = passage.n > 0 ? take_passage(h, passage) : LINNET_OK;
        }
    }
    return rc;
}

static int hybrid_finish(void *state)
{
    struct hybrid *h = state;
    struct hybrid_passage passage = {0};
    int rc = LINNET_OK;
    if (h->gate != NULL)
        hybrid_gate_finish(h->gate, &passage);
    if (passage.n > 0)
        rc = take_passage(h, passage);
    return rc < 0 ? rc : end_clip(h);
}

static int hybrid_reset(void *state)
{
    struct hybrid *h = state;
    hybrid_encoder_reset(h->encoder);
    hybrid_search_reset(h->search);
    endpoint_reset(&h->endpoint);
    buffer_cut(&h->partial, 0);
    if (h->gate != NULL)
        hybrid_gate_reset(h->gate);
    h->first_frame = h->n_frames = 0;
    h->n_samples = 0;
    h->i_clip = h->is_open = 0;
    h->base_s = 0.0;
    return LINNET_OK;
}

/* ---- the table's entries ---- */

#define OPEN(method, value)                                                                                            \
    static int open_##method(void **state, const struct decoder_host *host)                                            \
    {                                                                                                                  \
        return hybrid_open(state, host, value);                                                                        \
    }
OPEN(greedy, HYBRID_GREEDY)
OPEN(prefix, HYBRID_PREFIX)
OPEN(attention, HYBRID_ATTENTION)
OPEN(rescoring, HYBRID_RESCORING)
OPEN(segmental, HYBRID_SEGMENTAL)

#define OPS(method)                                                                                                    \
    .open = open_##method, .feed = hybrid_feed, .finish = hybrid_finish, .reset = hybrid_reset, .close = hybrid_close, \
    .bias = hybrid_bias, .kind = "hybrid"

static const struct settings_table *const prefix_tables[] = {&ctc_prefix_settings, NULL};
static const struct settings_table *const rescoring_tables[] = {&ctc_prefix_settings, &rescoring_settings, NULL};
static const struct settings_table *const segmental_tables[] = {&segmental_settings, &segmental_length_settings, NULL};

const struct decoder_ops ctc_greedy_decoder = {.name = "ctc_greedy",
                                               .summary = "the most probable symbol of each frame",
                                               .settings = prefix_tables, /* with hotwords */
                                               OPS(greedy)};
const struct decoder_ops ctc_prefix_beam_decoder = {.name = "ctc_prefix_beam",
                                                    .summary = "beam search over what the frames spell",
                                                    .settings = prefix_tables,
                                                    OPS(prefix)};
const struct decoder_ops attention_decoder = {
    .name = "attention", .summary = "beam search on the attention decoder, whole recordings", OPS(attention)};
const struct decoder_ops attention_rescoring_decoder = {
    .name = "attention_rescoring",
    .summary = "CTC beam search, its results judged by the attention decoder",
    .settings = rescoring_tables,
    OPS(rescoring)};
const struct decoder_ops segmental_decoder = {.name = "segmental",
                                              .summary =
                                                  "the attention decoder frame by frame, attention limited to segments",
                                              .settings = segmental_tables,
                                              OPS(segmental)};
