/* SPDX-License-Identifier: Apache-2.0
 * frames.c - samples to encoder states and CTC log probabilities. */
#include "decoders/utterance/frames.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/ctc/layer.h"

#define FIELD(name) offsetof(struct frames_options, name)

static const struct setting settings[] = {
    {"decoder.chunk", SETTING_INT, FIELD(chunk), "0", -1, 100000, NULL,
     "encoder frames of a chunk; -1: the whole recording, 0: 16 when streaming, else the whole recording"},
    {"decoder.left_chunks", SETTING_INT, FIELD(left_chunks), "-1", -1, 100000, NULL,
     "chunks of left context that a chunk sees; -1: all"},
    {0}};

const struct settings_table frames_settings = {"Chunks", sizeof(struct frames_options), settings};

enum {
    BLOCK_SAMPLES = 1600, /* taken at a time */
    BLOCK_FRAMES = 128,   /* of a whole recording, given out at a time */
    MAX_FRAMES = 1 << 28, /* of a whole recording */
};

struct frames {
    const struct linnet_model *model;
    struct nn_context *ctx;
    struct frames_options options;
    struct features_stream *source;
    struct encoder_stream *stream; /* NULL: whole recordings */
    float *frames;                 /* features of a block of samples, of which n_used are used up */
    int n_frames, n_used;
    uint64_t n_samples; /* since reset */
    int n_padding;      /* samples of silence still to come */
    int has_finished, is_drained;
    float *states, *logprobs; /* [chunk or recording, D], [chunk or BLOCK_FRAMES, V] */
    /* A whole recording: */
    float *features; /* [room_features, mels] */
    int n_features, room_features;
    int n_states, n_given; /* frames encoded; given out */
    double features_s, encoder_s;
};

static int buffers_open(struct frames *f, int chunk, struct message *msg)
{
    const struct encoder *e = f->model->encoder;
    size_t n = chunk > 0 ? (size_t)chunk : BLOCK_FRAMES, shift = (size_t)features_shift_samples(&f->model->features);
    f->frames = mem_array((BLOCK_SAMPLES / shift + 2) * (size_t)e->n_features, sizeof *f->frames);
    f->states = chunk > 0 ? mem_array(n * (size_t)e->n_dims, sizeof *f->states) : NULL;
    if (f->model->ctc != NULL)
        f->logprobs = mem_array(n * (size_t)f->model->ctc->n_vocabulary, sizeof *f->logprobs);
    int is_complete =
        f->frames != NULL && (f->states != NULL || chunk <= 0) && (f->logprobs != NULL || f->model->ctc == NULL);
    return is_complete ? LINNET_OK : fail_memory(msg);
}

int frames_open(struct frames **out, const struct linnet_model *m, struct nn_context *ctx,
                const struct frames_options *options, struct message *msg)
{
    struct frames *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    f->model = m;
    f->ctx = ctx;
    f->options = *options;
    /* An encoder that looks ahead is given the whole recording, masked to chunks. */
    int chunk = options->chunk > 0 && !m->encoder->looks_ahead ? encoder_chunk(m->encoder, options->chunk) : 0;
    int rc = buffers_open(f, chunk, msg);
    if (rc >= 0)
        rc = features_open(&f->source, &m->features, msg);
    if (rc >= 0 && m->ctc != NULL)
        rc = nn_context_reserve(ctx, ctc_layer_scratch(m->ctc), msg);
    if (rc >= 0 && chunk > 0)
        rc = encoder_stream_open(&f->stream, m->encoder, ctx, chunk, options->left_chunks, msg);
    if (rc < 0) {
        frames_close(f);
        return rc;
    }
    *out = f;
    return LINNET_OK;
}

void frames_close(struct frames *f)
{
    if (f == NULL)
        return;
    features_close(f->source);
    encoder_stream_close(f->stream);
    mem_free(f->frames);
    mem_free(f->states);
    mem_free(f->logprobs);
    mem_free(f->features);
    mem_free(f);
}

void frames_reset(struct frames *f)
{
    features_reset(f->source);
    if (f->stream != NULL)
        encoder_stream_reset(f->stream);
    f->n_frames = f->n_used = f->n_padding = f->has_finished = f->is_drained = 0;
    f->n_features = f->n_states = f->n_given = 0;
    f->n_samples = 0;
    f->features_s = f->encoder_s = 0.0;
}

void frames_restart(struct frames *f)
{
    if (f->stream != NULL)
        encoder_stream_restart(f->stream);
}

void frames_times(struct frames *f, double *features_s, double *encoder_s)
{
    *features_s = f->features_s;
    *encoder_s = f->encoder_s;
    f->features_s = f->encoder_s = 0.0;
}

/* ---- features ---- */

/* Room for n more frames of a whole recording. */
static int features_reserve(struct frames *f, int n, struct message *msg)
{
    size_t row = (size_t)f->model->encoder->n_features * sizeof *f->features;
    if (f->n_features > MAX_FRAMES)
        return fail(msg, LINNET_E_AUDIO, "a recording of %d frames is too long to be decoded whole", f->n_features);
    return mem_grow((void **)&f->features, &f->room_features, f->n_features + n, row) < 0 ? fail_memory(msg)
                                                                                          : LINNET_OK;
}

/* Samples, at most a block, to features; those before are used up. */
static int take_samples(struct frames *f, const float *samples, size_t n, struct message *msg)
{
    double start = clock_s();
    f->n_used = 0;
    f->n_frames = (int)features_feed(f->source, samples, n, f->frames);
    if (f->stream == NULL) {
        int rc = features_reserve(f, f->n_frames, msg), mels = f->model->encoder->n_features;
        if (rc < 0)
            return rc;
        if (f->n_frames > 0)
            memcpy(f->features + (ptrdiff_t)f->n_features * mels, f->frames,
                   (size_t)f->n_frames * (size_t)mels * sizeof *f->frames);
        f->n_features += f->n_frames;
    }
    f->features_s += clock_s() - start;
    return LINNET_OK;
}

int frames_feed(struct frames *f, const float *samples, size_t n, size_t *n_taken, struct message *msg)
{
    n = n < BLOCK_SAMPLES ? n : BLOCK_SAMPLES;
    int rc = take_samples(f, samples, n, msg);
    if (rc < 0)
        return rc;
    f->n_samples += n;
    *n_taken = n;
    return LINNET_OK;
}

/* Samples of silence after which the last encoder frame ends with the last feature, and that covers all samples. */
static int padding(const struct frames *f)
{
    const struct encoder *e = f->model->encoder;
    int64_t shift = features_shift_samples(&f->model->features), n = (int64_t)f->n_samples, rate = e->rate;
    int64_t length = (int64_t)(f->model->features.rate_hz * f->model->features.length_ms / 1000.0);
    if (n == 0)
        return 0;
    int64_t frames = n <= length ? 1 : (n - length + shift - 1) / shift + 1;
    int64_t steps = frames <= e->context + 1 ? 0 : (frames - e->context - 1 + rate - 1) / rate;
    return (int)((steps * rate + e->context) * shift + length - n);
}

int frames_finish(struct frames *f, struct message *msg)
{
    if (f->has_finished)
        return fail(msg, LINNET_E_STATE, "finish after finish");
    f->has_finished = 1;
    f->n_padding = f->options.pad ? padding(f) : 0;
    return LINNET_OK;
}

static int take_padding(struct frames *f, struct message *msg)
{
    static const float silence[BLOCK_SAMPLES];
    int n = f->n_padding < BLOCK_SAMPLES ? f->n_padding : BLOCK_SAMPLES;
    f->n_padding -= n;
    return take_samples(f, silence, (size_t)n, msg);
}

/* ---- encoding ---- */

/* The next chunk that is complete, or the rest at the end; how many frames. */
static int next_chunk(struct frames *f, struct message *msg)
{
    int mels = f->model->encoder->n_features;
    for (;;) {
        f->n_used += encoder_stream_push(f->stream, f->frames + (ptrdiff_t)f->n_used * mels, f->n_frames - f->n_used);
        if (encoder_stream_is_ready(f->stream))
            return encoder_stream_step(f->stream, f->states, msg);
        if (f->n_padding == 0)
            break;
        int rc = take_padding(f, msg);
        if (rc < 0)
            return rc;
    }
    if (!f->has_finished || f->is_drained)
        return 0;
    f->is_drained = 1;
    return encoder_stream_step(f->stream, f->states, msg);
}

static int encode_whole(struct frames *f, struct message *msg)
{
    while (f->n_padding > 0) {
        int rc = take_padding(f, msg);
        if (rc < 0)
            return rc;
    }
    f->is_drained = 1;
    const struct encoder *e = f->model->encoder;
    const struct encoder_input in = {f->features, f->n_features, f->options.chunk, f->options.left_chunks};
    mem_free(f->states);
    f->states = mem_array((size_t)encoder_frames(e, f->n_features) * (size_t)e->n_dims, sizeof *f->states);
    if (f->states == NULL)
        return fail_memory(msg);
    int rc = encoder_forward(e, f->ctx, &in, f->states, msg);
    f->n_states = rc < 0 ? 0 : rc;
    return rc;
}

/* The next frames of a whole recording; *first is where they begin. */
static int next_of_whole(struct frames *f, int *first, struct message *msg)
{
    int rc = f->has_finished && !f->is_drained ? encode_whole(f, msg) : LINNET_OK;
    int n = f->n_states - f->n_given;
    n = n < BLOCK_FRAMES ? n : BLOCK_FRAMES;
    *first = f->n_given;
    f->n_given += n;
    return rc < 0 ? rc : n;
}

int frames_next(struct frames *f, struct frame_block *block, struct message *msg)
{
    double start = clock_s(), features_s = f->features_s;
    int first = 0, n = f->stream != NULL ? next_chunk(f, msg) : next_of_whole(f, &first, msg);
    if (n > 0) {
        const float *states = f->states + (ptrdiff_t)first * f->model->encoder->n_dims;
        if (f->model->ctc != NULL)
            ctc_layer_forward(f->model->ctc, f->ctx, states, n, f->logprobs);
        *block = (struct frame_block){states, f->logprobs, n};
    }
    f->encoder_s += clock_s() - start - (f->features_s - features_s);
    return n > 0 ? 1 : n;
}
