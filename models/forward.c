/* SPDX-License-Identifier: Apache-2.0
 * forward.c - the tensors of a model between a recording and its words. */
#include "models/forward.h"

#include <math.h>

#include "base/mem.h"
#include "decoders/ctc/layer.h"

enum { MAX_FRAMES = 1 << 26 };

/* ---- features ---- */

/* Features of the samples [n]. */
static int take(struct forward *f, int *room, const struct encoder *e, struct features_stream *source,
                const float *samples, size_t n)
{
    size_t n_fresh = features_max_frames(source, n), row = (size_t)e->n_features * sizeof *f->features;
    if (mem_grow((void **)&f->features, room, f->n_features + (int)n_fresh, row) < 0)
        return LINNET_E_MEMORY;
    f->n_features +=
        (int)features_feed(source, samples, n, f->features + (size_t)f->n_features * (size_t)e->n_features);
    return LINNET_OK;
}

/* Features of the recording; for an encoder that takes windows those of the first, filled up with silence.  Samples
 * are read frame by frame. */
static int read_frames(struct forward *f, const struct linnet_model *m, struct features_stream *source,
                       struct audio_file *audio, struct message *msg)
{
    const struct encoder *e = m->encoder;
    int room = 0, most = e->window > 0 ? e->window : MAX_FRAMES, shift = features_shift_samples(&m->features);
    float *samples = mem_array((size_t)shift, sizeof *samples);
    int rc = samples != NULL ? LINNET_OK : fail_memory(msg);
    long n = shift;
    while (rc >= 0 && f->n_features < most && (n > 0 || e->window > 0)) {
        n = n > 0 ? audio_file_read(audio, samples, (size_t)shift, msg) : 0;
        for (long i = n > 0 ? n : 0; i < shift && e->window > 0; i++)
            samples[i] = 0.0f;
        rc = n < 0 ? (int)n : take(f, &room, e, source, samples, e->window > 0 ? (size_t)shift : (size_t)n);
        if (rc == LINNET_E_MEMORY)
            fail_memory(msg);
    }
    mem_free(samples);
    if (rc >= 0 && f->n_features == MAX_FRAMES)
        rc = fail(msg, LINNET_E_AUDIO, "%s: more than %d frames are too many to be encoded whole",
                  audio_file_name(audio), MAX_FRAMES);
    return rc;
}

static int read_features(struct forward *f, const struct linnet_model *m, struct audio_file *audio, struct message *msg)
{
    struct features_stream *source = NULL;
    int rc = features_open(&source, &m->features, msg);
    if (rc >= 0)
        rc = read_frames(f, m, source, audio, msg);
    features_close(source);
    if (rc >= 0 && encoder_frames(m->encoder, f->n_features) == 0)
        return fail(msg, LINNET_E_AUDIO, "%s: %d frames of audio are too short for the encoder", audio_file_name(audio),
                    f->n_features);
    if (rc >= 0 && m->features.kind->normalize != NULL)
        m->features.kind->normalize(f->features, (size_t)f->n_features * (size_t)m->encoder->n_features);
    return rc;
}

/* ---- encoding ---- */

static int encode(struct forward *f, const struct linnet_model *m, struct nn_context *ctx,
                  const struct forward_options *o, struct message *msg)
{
    const struct encoder_input in = {f->features, f->n_features, o->chunk, o->left_chunks};
    f->n_states = encoder_frames(m->encoder, f->n_features);
    f->states = mem_array((size_t)f->n_states * (size_t)m->encoder->n_dims, sizeof *f->states);
    if (f->states == NULL)
        return fail_memory(msg);
    int rc = encoder_forward(m->encoder, ctx, &in, f->states, msg);
    if (rc < 0 || m->ctc == NULL)
        return rc;
    f->logprobs = mem_array((size_t)f->n_states * (size_t)m->ctc->n_vocabulary, sizeof *f->logprobs);
    if (f->logprobs == NULL)
        return fail_memory(msg);
    if ((rc = nn_context_reserve(ctx, ctc_layer_scratch(m->ctc), msg)) >= 0)
        ctc_layer_forward(m->ctc, ctx, f->states, f->n_states, f->logprobs);
    return rc;
}

int forward_open(struct forward *f, const struct linnet_model *m, struct audio_file *audio,
                 const struct forward_options *options, struct message *msg)
{
    struct nn_context ctx = {0};
    *f = (struct forward){0};
    if (options->chunk > 0 && encoder_chunk(m->encoder, options->chunk) == 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "the model was not trained for chunks");
    int rc;
    if ((rc = nn_context_open(&ctx, m->pool, msg)) >= 0 && (rc = read_features(f, m, audio, msg)) >= 0)
        rc = encode(f, m, &ctx, options, msg);
    nn_context_close(&ctx);
    if (rc < 0)
        forward_close(f);
    return rc < 0 ? rc : LINNET_OK;
}

void forward_close(struct forward *f)
{
    mem_free(f->features);
    mem_free(f->states);
    mem_free(f->logprobs);
    *f = (struct forward){0};
}

/* ---- the text decoder ---- */

static int run_tokens(const struct forward *f, struct text_decoder_state *s, struct nn_context *ctx, const int *tokens,
                      int n, struct message *msg)
{
    int rc = text_decoder_state_reserve(s, ctx, n, n, n, msg);
    if (rc < 0 || (rc = text_decoder_state_reserve_frames(s, ctx, f->n_states, msg)) < 0)
        return rc;
    int *slots;
    struct text_row *rows;
    void *block = MEM_PARTS(MEM_PART(slots, (size_t)n), MEM_PART(rows, (size_t)n));
    if (block == NULL)
        return fail_memory(msg);
    for (int i = 0; i < n; i++) {
        slots[i] = i;
        rows[i] = (struct text_row){tokens[i], i, slots};
    }
    text_decoder_state_append(s, ctx, f->states, f->n_states);
    text_decoder_state_step(s, ctx, rows, n, NULL);
    mem_free(block);
    return LINNET_OK;
}

int forward_logits(const struct forward *f, const struct linnet_model *m, const int *tokens, int n, float *logits,
                   struct message *msg)
{
    struct nn_context ctx = {0};
    struct text_decoder_state s = {0};
    int rc;
    if ((rc = nn_context_open(&ctx, m->pool, msg)) >= 0 &&
        (rc = text_decoder_state_open(&s, m->left, f->n_states, msg)) >= 0 &&
        (rc = run_tokens(f, &s, &ctx, tokens, n, msg)) >= 0)
        text_decoder_state_logits(&s, &ctx, 0, n, logits);
    text_decoder_state_close(&s);
    nn_context_close(&ctx);
    return rc;
}

/* ---- streaming against whole ---- */

static double compare(const float *a, const float *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        most = d <= most ? most : d;
    }
    return most;
}

static int compare_stream(const struct forward *f, struct encoder_stream *s, float *out, double *difference,
                          struct message *msg)
{
    ptrdiff_t d = s->encoder->n_dims, mels = s->encoder->n_features;
    int at = 0, n_out = 0;
    *difference = 0.0;
    do {
        at += encoder_stream_push(s, f->features + at * mels, f->n_features - at);
        int n = encoder_stream_step(s, out, msg);
        if (n < 0)
            return n;
        double most = n <= f->n_states - n_out ? compare(out, f->states + n_out * d, (size_t)(n * d)) : INFINITY;
        *difference = most > *difference ? most : *difference;
        n_out += n;
    } while (at < f->n_features);
    if (n_out != f->n_states)
        *difference = INFINITY;
    return LINNET_OK;
}

int forward_verify(const struct forward *f, const struct linnet_model *m, const struct forward_options *options,
                   double *difference, struct message *msg)
{
    struct nn_context ctx = {0};
    struct encoder_stream *s = NULL;
    float *out = mem_array((size_t)options->chunk * (size_t)m->encoder->n_dims, sizeof *out);
    int rc = out != NULL ? nn_context_open(&ctx, m->pool, msg) : fail_memory(msg);
    if (rc >= 0 && (rc = encoder_stream_open(&s, m->encoder, &ctx, options->chunk, options->left_chunks, msg)) >= 0)
        rc = compare_stream(f, s, out, difference, msg);
    encoder_stream_close(s);
    nn_context_close(&ctx);
    mem_free(out);
    return rc;
}
