/* SPDX-License-Identifier: Apache-2.0
 * hybrid_encoder.c - samples to encoder frames of a WeNet model. */
#include "decoders/hybrid_encoder.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    BLOCK_SAMPLES = 1600, /* taken at a time */
    BLOCK_FRAMES = 128,   /* of a whole recording, given out at a time */
};

static const struct setting settings[] = {
    {"decoder.chunk", SETTING_INT, offsetof(struct hybrid_encoder_options, chunk), "0", -1, 100000, NULL,
     "encoder frames of a chunk; 0: 16 when streaming, else the whole recording; -1: the whole recording"},
    {"decoder.left_chunks", SETTING_INT, offsetof(struct hybrid_encoder_options, left_chunks), "-1", -1, 100000, NULL,
     "chunks before its own that a frame attends to; -1: all"},
    {0}};

const struct settings_table hybrid_encoder_settings = {"Chunks of WeNet's encoder",
                                                       sizeof(struct hybrid_encoder_options), settings};

struct hybrid_encoder {
    const struct hybrid_model *model;
    struct nn_context *ctx;
    struct hybrid_encoder_options options;
    struct features_stream *fbank;
    struct conformer_stream *stream; /* NULL: whole recordings */
    float *frames;                   /* features of a block of samples, of which n_used are used up */
    int n_frames, n_used;
    uint64_t n_samples; /* since reset */
    int n_padding;      /* samples of silence still to come */
    int has_finished, is_drained;
    float *states, *logprobs; /* [chunk or recording, D], [chunk or BLOCK_FRAMES, V] */
    /* A whole recording: */
    float *features; /* [size_features, mels] */
    int n_features, size_features;
    int n_states, n_given; /* frames encoded; given out */
    double features_s, encoder_s;
};

static int shift_samples(const struct hybrid_model *m)
{
    return (int)(m->features.rate_hz * m->features.shift_ms / 1000.0);
}

/* The chunk that a stream can be cut into, 0 if only the mask of a whole recording does. */
static int stream_chunk(const struct conformer_config *c, int chunk)
{
    int looks_ahead = c->convolution && !c->causal && c->kernel > 1;
    return looks_ahead ? 0 : conformer_config_chunk(c, chunk);
}

int hybrid_encoder_open(struct hybrid_encoder **out, const struct hybrid_model *m, struct nn_context *ctx,
                        const struct hybrid_encoder_options *options, struct message *msg)
{
    struct hybrid_encoder *e = mem_array(1, sizeof *e);
    if (e == NULL)
        return fail_memory(msg);
    e->model = m;
    e->ctx = ctx;
    e->options = *options;
    size_t mels = (size_t)m->config.n_features, d = (size_t)m->config.n_dims, v = (size_t)m->n_vocabulary;
    int chunk = options->chunk > 0 ? stream_chunk(&m->config, options->chunk) : 0, rc;
    size_t n = chunk > 0 ? (size_t)chunk : BLOCK_FRAMES;
    e->frames = mem_array((size_t)(BLOCK_SAMPLES / shift_samples(m) + 2) * mels, sizeof *e->frames);
    e->logprobs = mem_array(n * v, sizeof *e->logprobs);
    e->states = chunk > 0 ? mem_array(n * d, sizeof *e->states) : NULL;
    if (e->frames == NULL || e->logprobs == NULL || (chunk > 0 && e->states == NULL))
        rc = fail_memory(msg);
    else if ((rc = features_open(&e->fbank, &m->features, msg)) >= 0)
        rc = nn_context_reserve(ctx, hybrid_model_scratch(m), msg);
    if (rc >= 0 && chunk > 0)
        rc = conformer_stream_open(&e->stream, m->encoder, ctx, chunk, options->left_chunks, msg);
    if (rc < 0) {
        hybrid_encoder_close(e);
        return rc;
    }
    *out = e;
    return LINNET_OK;
}

void hybrid_encoder_close(struct hybrid_encoder *e)
{
    if (e == NULL)
        return;
    features_close(e->fbank);
    conformer_stream_close(e->stream);
    mem_free(e->frames);
    mem_free(e->states);
    mem_free(e->logprobs);
    mem_free(e->features);
    mem_free(e);
}

void hybrid_encoder_reset(struct hybrid_encoder *e)
{
    features_reset(e->fbank);
    if (e->stream != NULL)
        conformer_stream_reset(e->stream);
    e->n_frames = e->n_used = e->n_padding = e->has_finished = e->is_drained = 0;
    e->n_features = e->n_states = e->n_given = 0;
    e->n_samples = 0;
    e->features_s = e->encoder_s = 0.0;
}

void hybrid_encoder_restart(struct hybrid_encoder *e)
{
    if (e->stream != NULL)
        conformer_stream_restart(e->stream);
}

void hybrid_encoder_times(struct hybrid_encoder *e, double *features_s, double *encoder_s)
{
    *features_s = e->features_s;
    *encoder_s = e->encoder_s;
    e->features_s = e->encoder_s = 0.0;
}

const float *hybrid_encoder_features(const struct hybrid_encoder *e, int *n_frames)
{
    *n_frames = e->n_features;
    return e->features;
}

/* ---- features ---- */

/* Room for n more frames of a whole recording. */
static int features_reserve(struct hybrid_encoder *e, int n, struct message *msg)
{
    if (n <= e->size_features - e->n_features)
        return LINNET_OK;
    if (e->size_features > (1 << 29))
        return fail(msg, LINNET_E_AUDIO, "a recording of %d frames is too long to be decoded whole", e->n_features);
    size_t mels = (size_t)e->model->config.n_features, size = 2 * (size_t)(e->size_features + n);
    float *features = mem_resize(e->features, (size_t)e->size_features * mels, size * mels, sizeof *features);
    if (features == NULL)
        return fail_memory(msg);
    e->features = features;
    e->size_features = (int)size;
    return LINNET_OK;
}

/* Samples, no more than a block, to features; those before are used up. */
static int take_samples(struct hybrid_encoder *e, const float *samples, size_t n, struct message *msg)
{
    double start = clock_s();
    e->n_used = 0;
    e->n_frames = (int)features_feed(e->fbank, samples, n, e->frames);
    if (e->stream == NULL) {
        int rc = features_reserve(e, e->n_frames, msg), mels = e->model->config.n_features;
        if (rc < 0)
            return rc;
        if (e->n_frames > 0)
            memcpy(e->features + (ptrdiff_t)e->n_features * mels, e->frames,
                   (size_t)e->n_frames * (size_t)mels * sizeof *e->frames);
        e->n_features += e->n_frames;
    }
    e->features_s += clock_s() - start;
    return LINNET_OK;
}

int hybrid_encoder_feed(struct hybrid_encoder *e, const float *samples, size_t n, size_t *n_taken, struct message *msg)
{
    n = n < BLOCK_SAMPLES ? n : BLOCK_SAMPLES;
    int rc = take_samples(e, samples, n, msg);
    if (rc < 0)
        return rc;
    e->n_samples += n;
    *n_taken = n;
    return LINNET_OK;
}

/* Samples of silence after which the last encoder frame ends with the last feature, and that covers all samples. */
static int padding(const struct hybrid_encoder *e)
{
    const struct subsampling *s = &e->model->encoder->subsampling;
    int64_t shift = shift_samples(e->model), n = (int64_t)e->n_samples, rate = s->rate;
    int64_t length = (int64_t)(e->model->features.rate_hz * e->model->features.length_ms / 1000.0);
    if (n == 0)
        return 0;
    int64_t frames = n <= length ? 1 : (n - length + shift - 1) / shift + 1;
    int64_t steps = frames <= s->context + 1 ? 0 : (frames - s->context - 1 + rate - 1) / rate;
    return (int)((steps * rate + s->context) * shift + length - n);
}

int hybrid_encoder_finish(struct hybrid_encoder *e, struct message *msg)
{
    if (e->has_finished)
        return fail(msg, LINNET_E_STATE, "finish after finish");
    e->has_finished = 1;
    e->n_padding = e->options.pad ? padding(e) : 0;
    return LINNET_OK;
}

static int take_padding(struct hybrid_encoder *e, struct message *msg)
{
    static const float silence[BLOCK_SAMPLES];
    int n = e->n_padding < BLOCK_SAMPLES ? e->n_padding : BLOCK_SAMPLES;
    e->n_padding -= n;
    return take_samples(e, silence, (size_t)n, msg);
}

/* ---- encoding ---- */

/* The next chunk that is complete, or the rest at the end; how many frames. */
static int next_chunk(struct hybrid_encoder *e, struct message *msg)
{
    int mels = e->model->config.n_features;
    for (;;) {
        e->n_used += conformer_stream_push(e->stream, e->frames + (ptrdiff_t)e->n_used * mels, e->n_frames - e->n_used);
        if (conformer_stream_ready(e->stream))
            return conformer_stream_step(e->stream, e->states, msg);
        if (e->n_padding == 0)
            break;
        int rc = take_padding(e, msg);
        if (rc < 0)
            return rc;
    }
    if (!e->has_finished || e->is_drained)
        return 0;
    e->is_drained = 1;
    return conformer_stream_step(e->stream, e->states, msg);
}

static int encode_whole(struct hybrid_encoder *e, struct message *msg)
{
    while (e->n_padding > 0) {
        int rc = take_padding(e, msg);
        if (rc < 0)
            return rc;
    }
    e->is_drained = 1;
    size_t n = (size_t)conformer_frames(e->model->encoder, e->n_features), d = (size_t)e->model->config.n_dims;
    mem_free(e->states);
    e->states = mem_array(n * d, sizeof *e->states);
    if (e->states == NULL)
        return fail_memory(msg);
    int rc = conformer_forward(e->model->encoder, e->ctx, e->features, e->n_features, e->options.chunk,
                               e->options.left_chunks, e->states, msg);
    e->n_states = rc < 0 ? 0 : rc;
    return rc;
}

/* The next frames of a whole recording; *first is where they begin. */
static int next_of_whole(struct hybrid_encoder *e, int *first, struct message *msg)
{
    int rc = e->has_finished && !e->is_drained ? encode_whole(e, msg) : LINNET_OK;
    int n = e->n_states - e->n_given;
    n = n < BLOCK_FRAMES ? n : BLOCK_FRAMES;
    *first = e->n_given;
    e->n_given += n;
    return rc < 0 ? rc : n;
}

int hybrid_encoder_next(struct hybrid_encoder *e, struct hybrid_block *block, struct message *msg)
{
    double start = clock_s(), features_s = e->features_s;
    int first = 0, n = e->stream != NULL ? next_chunk(e, msg) : next_of_whole(e, &first, msg);
    if (n > 0) {
        const float *states = e->states + (ptrdiff_t)first * e->model->config.n_dims;
        hybrid_model_ctc(e->model, e->ctx, states, n, e->logprobs);
        *block = (struct hybrid_block){states, e->logprobs, n};
    }
    e->encoder_s += clock_s() - start - (e->features_s - features_s);
    return n > 0 ? 1 : n;
}
