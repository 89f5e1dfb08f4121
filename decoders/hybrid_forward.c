/* SPDX-License-Identifier: Apache-2.0
 * hybrid_forward.c - the tensors of a WeNet model on the way. */
#include "decoders/hybrid_forward.h"

#include <math.h>

#include "base/mem.h"

enum { BLOCK_SAMPLES = 16000, MAX_FRAMES = 1 << 26 };

static int grow(struct hybrid_forward *f, int *size, int n, size_t mels, struct message *msg)
{
    if (n <= *size)
        return LINNET_OK;
    if (n > MAX_FRAMES)
        return fail(msg, LINNET_E_AUDIO, "a recording of more than %d frames is too long to be encoded whole",
                    MAX_FRAMES);
    float *features = mem_resize(f->features, (size_t)*size * mels, 2 * (size_t)n * mels, sizeof *features);
    if (features == NULL)
        return fail_memory(msg);
    f->features = features;
    *size = 2 * n;
    return LINNET_OK;
}

static int read_features(struct hybrid_forward *f, const struct hybrid_model *m, struct features_stream *fbank, float *samples,
                         struct audio_file *audio, struct message *msg)
{
    size_t mels = (size_t)m->config.n_features;
    int size = 0, rc = LINNET_OK;
    long n;
    while (rc >= 0 && (n = audio_file_read(audio, samples, BLOCK_SAMPLES, msg)) != 0) {
        if (n < 0)
            return (int)n;
        rc = grow(f, &size, f->n_features + (int)features_max_frames(fbank, (size_t)n), mels, msg);
        if (rc >= 0)
            f->n_features += (int)features_feed(fbank, samples, (size_t)n, f->features + (size_t)f->n_features * mels);
    }
    return rc;
}

static int read_all(struct hybrid_forward *f, const struct hybrid_model *m, struct audio_file *audio,
                         struct message *msg)
{
    struct features_stream *fbank = NULL;
    float *samples = mem_array(BLOCK_SAMPLES, sizeof *samples);
    int rc = samples != NULL ? features_open(&fbank, &m->features, msg) : fail_memory(msg);
    if (rc >= 0)
        rc = read_features(f, m, fbank, samples, audio, msg);
    if (rc >= 0 && conformer_frames(m->encoder, f->n_features) == 0)
        rc = fail(msg, LINNET_E_AUDIO, "%d frames of audio are too short for the encoder", f->n_features);
    features_close(fbank);
    mem_free(samples);
    return rc;
}

static int encode(struct hybrid_forward *f, const struct hybrid_model *m, struct nn_context *ctx, int chunk,
                  int left_chunks, struct message *msg)
{
    f->n_states = conformer_frames(m->encoder, f->n_features);
    size_t n = (size_t)f->n_states;
    f->states = mem_array(n * (size_t)m->config.n_dims, sizeof *f->states);
    f->logprobs = mem_array(n * (size_t)m->n_vocabulary, sizeof *f->logprobs);
    if (f->states == NULL || f->logprobs == NULL)
        return fail_memory(msg);
    int rc = nn_context_reserve(ctx, hybrid_model_scratch(m), msg);
    if (rc >= 0)
        rc = conformer_forward(m->encoder, ctx, f->features, f->n_features, chunk, left_chunks, f->states, msg);
    if (rc >= 0)
        hybrid_model_ctc(m, ctx, f->states, f->n_states, f->logprobs);
    return rc;
}

int hybrid_forward(struct hybrid_forward *f, const struct hybrid_model *m, struct pool *pool, struct audio_file *audio,
                   int chunk, int left_chunks, struct message *msg)
{
    struct nn_context ctx = {0};
    *f = (struct hybrid_forward){0};
    int rc = nn_context_open(&ctx, pool, msg);
    if (rc >= 0)
        rc = read_all(f, m, audio, msg);
    if (rc >= 0)
        rc = encode(f, m, &ctx, chunk, left_chunks, msg);
    nn_context_close(&ctx);
    if (rc < 0)
        hybrid_forward_close(f);
    return rc < 0 ? rc : LINNET_OK;
}

void hybrid_forward_close(struct hybrid_forward *f)
{
    mem_free(f->features);
    mem_free(f->states);
    mem_free(f->logprobs);
    *f = (struct hybrid_forward){0};
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

static int compare_stream(const struct hybrid_forward *f, const struct hybrid_model *m, struct conformer_stream *s,
                          float *out, double *difference, struct message *msg)
{
    ptrdiff_t d = m->config.n_dims, mels = m->config.n_features;
    int at = 0, n_out = 0;
    *difference = 0.0;
    do {
        at += conformer_stream_push(s, f->features + at * mels, f->n_features - at);
        int n = conformer_stream_step(s, out, msg);
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

int hybrid_forward_verify(const struct hybrid_forward *f, const struct hybrid_model *m, struct pool *pool, int chunk,
                          int left_chunks, double *difference, struct message *msg)
{
    struct nn_context ctx = {0};
    struct conformer_stream *s = NULL;
    float *out = mem_array((size_t)chunk * (size_t)m->config.n_dims, sizeof *out);
    int rc = out != NULL ? nn_context_open(&ctx, pool, msg) : fail_memory(msg);
    if (rc >= 0)
        rc = conformer_stream_open(&s, m->encoder, &ctx, chunk, left_chunks, msg);
    if (rc >= 0)
        rc = compare_stream(f, m, s, out, difference, msg);
    conformer_stream_close(s);
    nn_context_close(&ctx);
    mem_free(out);
    return rc;
}
