/* SPDX-License-Identifier: Apache-2.0
 * utterance.c - frame-synchronous decoders on recordings and streams: features, encoder, search, endpoints, events.
 *
 * Not streaming: the recording (or each part that decoder.clip names) is one utterance with one result, encoded in
 * chunks of decoder.chunk.  WeNet's own programs drop the frames at the end that do not fill the encoder's first
 * layers; so does this, to be equal.
 *
 * Streaming is WeNet's two passes: the first gives partial results chunk by chunk; when an endpoint rule fires, the
 * second replaces the text, and the next utterance begins with empty caches and the same clock.  At the end silence is
 * added so that every sample is in some encoder frame.  With vad.gate nothing is decoded from an endpoint to the next
 * speech. */
#include "decoders/utterance.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/common/endpoint.h"
#include "decoders/common/hotword_list.h"
#include "decoders/ctc/blank.h"
#include "decoders/ctc/layer.h"
#include "decoders/utterance/frames.h"
#include "decoders/utterance/result.h"
#include "frontend/gate.h"

enum { DEFAULT_CHUNK = 16 }; /* encoder frames when streaming */

struct utterance {
    struct decoder_host host;
    const struct decoder_options *options;
    const struct ctc_blank_options *ctc;
    struct nn_context ctx;
    struct frames *frames;
    const struct search_ops *ops;
    struct search_host search_host;
    void *search;
    struct hotwords *hotwords;
    struct hypotheses results;
    struct endpoint endpoint;    /* needs a CTC layer */
    struct buffer text, partial; /* partial: of the last partial event */
    int64_t first_frame;         /* of the utterance, in encoder frames of the recording */
    int64_t n_frames;            /* of the utterance */
    uint64_t n_samples;          /* of the recording */
    int i_clip;                  /* part of decoder.clip that is decoded now or next */
    int is_open;                 /* samples of it were taken */
    struct gate *gate;           /* NULL: all is decoded */
    int has_ended;               /* an endpoint was found in the samples just taken */
    double base_s;               /* where it begins */
};

/* ---- opening ---- */

static int frames_start(struct utterance *u)
{
    struct frames_options o = *(const struct frames_options *)settings_of(u->host.settings, &frames_settings);
    const struct encoder *e = u->host.model->encoder;
    struct message *msg = u->host.msg;
    o.pad = u->host.streaming;
    if (u->host.streaming && u->host.decoder->is_whole_only)
        return fail(msg, LINNET_E_UNSUPPORTED, "decoder '%s' needs the whole recording: it cannot stream",
                    u->host.decoder->name);
    if (u->host.streaming && o.chunk == 0)
        o.chunk = e->static_chunk > 0 && !e->dynamic_chunk ? e->static_chunk : DEFAULT_CHUNK;
    if (u->host.streaming && o.chunk > 0 && encoder_chunk(e, o.chunk) == 0)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "the model was not trained for chunks: it can only decode whole recordings (decoder.chunk=-1)");
    if (u->host.streaming && o.chunk > 0 && e->looks_ahead)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "the model's convolutions look ahead: it can only decode whole recordings (decoder.chunk=-1)");
    return frames_open(&u->frames, u->host.model, &u->ctx, &o, msg);
}

static int endpoint_start(struct utterance *u)
{
    const struct ctc_layer *ctc = u->host.model->ctc;
    struct endpoint_options o;
    if (ctc == NULL)
        return LINNET_OK;
    endpoint_options_read(&o, u->host.settings);
    o.frame_ms = model_frame_s(u->host.model) * 1000.0;
    o.blank = ctc->blank;
    o.n_vocabulary = ctc->n_vocabulary;
    int rc = endpoint_options_check(&o, u->host.msg);
    if (rc >= 0)
        endpoint_open(&u->endpoint, &o);
    return rc;
}

/* A stream is gated unless only parts of it are decoded. */
static int gate_start(struct utterance *u)
{
    const struct gate_options *gate = settings_of(u->host.settings, &gate_settings);
    if (!u->host.streaming || !gate->is_wanted || u->options->clip.n > 0)
        return LINNET_OK;
    return gate_open(&u->gate, settings_of(u->host.settings, &vad_settings), u->host.msg);
}

void utterance_close(void *state)
{
    struct utterance *u = state;
    if (u == NULL)
        return;
    frames_close(u->frames);
    u->ops->close(u->search);
    hotwords_close(u->hotwords);
    hypotheses_free(&u->results);
    gate_close(u->gate);
    nn_context_close(&u->ctx);
    buffer_free(&u->text);
    buffer_free(&u->partial);
    mem_free(u);
}

int utterance_open(void **state, const struct decoder_host *host)
{
    struct utterance *u = mem_array(1, sizeof *u);
    if (u == NULL)
        return fail_memory(host->msg);
    u->host = *host;
    u->options = settings_of(host->settings, &decoder_settings);
    u->ctc = settings_of(host->settings, &ctc_blank_settings);
    u->ops = host->decoder->search;
    u->search_host = (struct search_host){.model = host->model,
                                          .ctx = &u->ctx,
                                          .settings = host->settings,
                                          .cancelled = host->cancelled,
                                          .msg = host->msg};
    int rc;
    if ((rc = nn_context_open(&u->ctx, host->model->pool, host->msg)) < 0 || (rc = endpoint_start(u)) < 0 ||
        (rc = gate_start(u)) < 0 || (rc = frames_start(u)) < 0 ||
        (rc = u->ops->open(&u->search, &u->search_host)) < 0) {
        utterance_close(u);
        return rc;
    }
    *state = u;
    return LINNET_OK;
}

int utterance_bias(void *state, const char *const *phrases, const float *bonus, size_t n, struct buffer *unspelled)
{
    struct utterance *u = state;
    struct message *msg = u->host.msg;
    const struct search_ops *ops = u->host.decoder->with_hotwords;
    struct hotword_list list = {0};
    struct hotwords *hotwords = NULL;
    struct search_host search_host = u->search_host;
    void *search = NULL;
    int rc = LINNET_OK, n_spelled = 0;
    if (ops == NULL && n > 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "decoder '%s' takes no phrases", u->host.decoder->name);
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = hotword_list_add(&list, phrases[i], bonus != NULL ? (double)bonus[i] : u->options->hotword_bonus, msg);
    if (rc >= 0)
        rc = n_spelled = hotword_list_graph(&list, u->host.model->vocab, &hotwords, unspelled, msg);
    search_host.hotwords = hotwords;
    if (rc >= 0 && ops != NULL)
        rc = ops->open(&search, &search_host);
    if (rc >= 0 && ops != NULL) {
        u->ops->close(u->search);
        hotwords_close(u->hotwords);
        u->ops = ops;
        u->search_host = search_host;
        u->search = search;
        u->hotwords = hotwords;
    } else {
        hotwords_close(hotwords);
    }
    hotword_list_free(&list);
    return rc < 0 ? rc : n_spelled;
}

/* ---- events ---- */

static struct utterance_span span(const struct utterance *u)
{
    double length = (double)u->n_samples / AUDIO_RATE_HZ, frame = model_frame_s(u->host.model);
    double start = u->base_s + (double)u->first_frame * frame, end = start + (double)u->n_frames * frame;
    struct utterance_span s = {start, end < length ? end : length, u->options->nbest, u->options->word_times};
    if (!u->host.streaming)
        s.end_s = length;
    return s;
}

/* The text of the best hypothesis, and how many bytes of it are committed. */
static int partial_text(struct utterance *u, const struct hypothesis *best, int n_committed, size_t *committed)
{
    const struct vocab *v = u->host.model->vocab;
    buffer_cut(&u->text, 0);
    int rc = vocab_text(v, best->tokens, n_committed, 1, &u->text);
    *committed = u->text.n;
    buffer_cut(&u->text, 0); /* what is between two units depends on both */
    if (rc >= 0)
        rc = vocab_text(v, best->tokens, best->n, 1, &u->text);
    return rc == LINNET_E_MEMORY ? fail_memory(u->host.msg) : rc;
}

/* Pushes a partial event, unless its text is that of the last one. */
static int push_partial(struct utterance *u, const struct hypothesis *best, int n_committed)
{
    size_t committed;
    int rc = partial_text(u, best, n_committed, &committed);
    if (rc < 0 ||
        (u->text.n == u->partial.n && memcmp(buffer_text(&u->text), buffer_text(&u->partial), u->text.n) == 0))
        return rc;
    buffer_cut(&u->partial, 0);
    if (buffer_append(&u->partial, buffer_text(&u->text), u->text.n) < 0)
        return fail_memory(u->host.msg);
    struct utterance_span s = span(u);
    struct linnet_event event = {.type = LINNET_EVENT_PARTIAL,
                                 .start_s = s.start_s,
                                 .end_s = s.end_s,
                                 .language = "",
                                 .text = buffer_text(&u->text),
                                 .committed = committed,
                                 .tokens = best->tokens,
                                 .n_tokens = best->n};
    return events_push(u->host.events, &event, u->host.msg);
}

/* Pushes the final result of the utterance; found: the endpoint rule that ended it, or NULL. */
static int end_utterance(struct utterance *u, const struct endpoint_found *found)
{
    struct utterance_span s = span(u);
    const struct hypothesis *results;
    int n = u->n_frames > 0 ? u->ops->finish(u->search, &u->search_host, &results) : 0;
    if (n > 0 && results[0].confidences == NULL)
        n = hypotheses_take(&u->results, results, n, &results, u->host.msg);
    int rc = n < 0 ? n : LINNET_OK;
    if (n > 0 && (results[0].n > 0 || (s.nbest > 1 && !u->host.streaming))) {
        u->host.stats->n_tokens += (uint64_t)results[0].n;
        rc = utterance_result_push(u->host.events, u->host.model, &s, results, n, u->host.msg);
    }
    if (rc >= 0 && found != NULL) {
        struct linnet_event event = {
            .type = LINNET_EVENT_ENDPOINT, .start_s = s.start_s, .end_s = s.end_s, .language = "", .text = found->text};
        rc = events_push(u->host.events, &event, u->host.msg);
    }
    u->ops->reset(u->search);
    endpoint_reset(&u->endpoint);
    buffer_cut(&u->partial, 0);
    u->first_frame += u->n_frames;
    u->n_frames = 0;
    return rc;
}

/* ---- feeding ---- */

static int take_block(struct utterance *u, const struct frame_block *block)
{
    const struct ctc_layer *ctc = u->host.model->ctc;
    const struct hypothesis none = {0}, *best = &none;
    struct endpoint_found found;
    int n_committed = 0, rc;
    if (ctc != NULL)
        ctc_blank_adjust(block->logprobs, block->n, ctc->n_vocabulary, ctc->blank, u->ctc->blank_penalty,
                         u->ctc->blank_scale);
    u->n_frames += block->n;
    if ((rc = u->ops->step(u->search, &u->search_host, block)) < 0 || !u->host.streaming)
        return rc;
    if (u->ops->partial != NULL && (rc = u->ops->partial(u->search, &u->search_host, &best, &n_committed)) < 0)
        return rc;
    if ((rc = push_partial(u, best, n_committed)) < 0 || ctc == NULL ||
        endpoint_step(&u->endpoint, block->logprobs, block->n, best->n > 0, &found) == 0)
        return rc;
    frames_restart(u->frames);
    u->has_ended = 1;
    return end_utterance(u, &found);
}

static int take_blocks(struct utterance *u)
{
    struct frame_block block;
    int rc;
    while ((rc = frames_next(u->frames, &block, u->host.msg)) > 0) {
        if (*u->host.cancelled)
            return fail(u->host.msg, LINNET_E_CANCELLED, "cancelled");
        double start = clock_s();
        rc = take_block(u, &block);
        u->host.stats->decoder_s += clock_s() - start;
        if (rc < 0)
            return rc;
    }
    double features_s, encoder_s;
    frames_times(u->frames, &features_s, &encoder_s);
    u->host.stats->features_s += features_s;
    u->host.stats->encoder_s += encoder_s;
    return rc;
}

/* The part of the recording that is decoded now or next, in samples; 0 when there are no more. */
static int clip(const struct utterance *u, uint64_t *from, uint64_t *to)
{
    const struct settings_list *list = &u->options->clip;
    *from = 0;
    *to = UINT64_MAX;
    if (list->n == 0)
        return 1;
    if (u->i_clip >= list->n)
        return 0;
    *from = (uint64_t)llrint(list->at[u->i_clip] * AUDIO_RATE_HZ);
    if (u->i_clip + 1 < list->n)
        *to = (uint64_t)llrint(list->at[u->i_clip + 1] * AUDIO_RATE_HZ);
    return 1;
}

/* The end of a part: its final result, then all is reset but the clock. */
static int end_clip(struct utterance *u)
{
    int rc = u->is_open ? frames_finish(u->frames, u->host.msg) : LINNET_OK;
    if (rc < 0 || (u->is_open && (rc = take_blocks(u)) < 0))
        return rc;
    double start = clock_s();
    if (u->is_open)
        rc = end_utterance(u, NULL);
    u->host.stats->decoder_s += clock_s() - start;
    frames_reset(u->frames);
    u->first_frame = 0;
    u->is_open = 0;
    u->i_clip += 2;
    return rc;
}

/* Decodes or skips some of the samples [n], n > 0; *n_taken gets how many. */
static int take_samples(struct utterance *u, const float *samples, size_t n, size_t *n_taken)
{
    uint64_t from, to, most = n;
    int rc;
    *n_taken = 0;
    while (clip(u, &from, &to) && to <= u->n_samples)
        if ((rc = end_clip(u)) < 0)
            return rc;
    if (!clip(u, &from, &to)) {
        *n_taken = n;
    } else if (from > u->n_samples) {
        *n_taken = from - u->n_samples < most ? (size_t)(from - u->n_samples) : n;
    } else {
        if (!u->is_open)
            u->base_s = (double)u->n_samples / AUDIO_RATE_HZ;
        u->is_open = 1;
        most = to - u->n_samples < most ? to - u->n_samples : most;
        if ((rc = frames_feed(u->frames, samples, (size_t)most, n_taken, u->host.msg)) < 0)
            return rc;
    }
    u->n_samples += *n_taken;
    return u->is_open ? take_blocks(u) : LINNET_OK;
}

/* Decodes what passed the gate, which may close after an endpoint. */
static int take_passage(struct utterance *u, struct gate_passage p)
{
    if (!u->is_open)
        u->n_samples = p.at;
    for (size_t n_taken; p.n > 0; p.samples += n_taken, p.n -= n_taken) {
        u->has_ended = 0;
        int rc = take_samples(u, p.samples, p.n, &n_taken);
        if (rc < 0)
            return rc;
        if (u->has_ended && gate_shut(u->gate)) {
            frames_reset(u->frames);
            u->first_frame = 0;
            u->is_open = 0;
            return LINNET_OK;
        }
    }
    return LINNET_OK;
}

int utterance_feed(void *state, const float *samples, size_t n)
{
    struct utterance *u = state;
    struct gate_passage passage;
    int rc = LINNET_OK;
    for (size_t n_taken; n > 0 && rc >= 0; samples += n_taken, n -= n_taken) {
        if (u->gate == NULL) {
            rc = take_samples(u, samples, n, &n_taken);
        } else {
            n_taken = gate_feed(u->gate, samples, n, &passage);
            rc = passage.n > 0 ? take_passage(u, passage) : LINNET_OK;
        }
    }
    return rc;
}

int utterance_finish(void *state)
{
    struct utterance *u = state;
    struct gate_passage passage = {0};
    int rc = LINNET_OK;
    if (u->gate != NULL)
        gate_finish(u->gate, &passage);
    if (passage.n > 0)
        rc = take_passage(u, passage);
    return rc < 0 ? rc : end_clip(u);
}

int utterance_reset(void *state)
{
    struct utterance *u = state;
    frames_reset(u->frames);
    u->ops->reset(u->search);
    endpoint_reset(&u->endpoint);
    buffer_cut(&u->partial, 0);
    if (u->gate != NULL)
        gate_reset(u->gate);
    u->first_frame = u->n_frames = 0;
    u->n_samples = 0;
    u->i_clip = u->is_open = 0;
    u->base_s = 0.0;
    return LINNET_OK;
}
