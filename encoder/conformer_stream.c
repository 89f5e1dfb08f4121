/* SPDX-License-Identifier: Apache-2.0
 * conformer_stream.c - chunk after chunk through WeNet's encoders.
 *
 * The context that a stream keeps: the features that the next chunk shares with the last, keys and values of the chunks
 * that it may see, and the gated inputs that the convolutions reach back to.  With a bounded left context, it is
 * bounded. */
#include <string.h>

#include "base/mem.h"
#include "encoder/conformer_blocks.h"

struct conformer_stream {
    struct encoder_stream base;
    struct conformer_blocks work;
    int chunk, left_chunks;
    int n_window;    /* features that a whole chunk needs */
    float *features; /* [n_window, mels] */
    int n_features;  /* in it */
    int n_frames;    /* encoded since reset */
};

static struct conformer_stream *stream_of(struct encoder_stream *s) { return (struct conformer_stream *)s; }

static const struct conformer_stream *const_stream_of(const struct encoder_stream *s)
{
    return (const struct conformer_stream *)s;
}

int conformer_stream_open(struct encoder_stream **out, const struct encoder *e, struct nn_context *ctx, int chunk,
                          int left_chunks, struct message *msg)
{
    int64_t left = left_chunks < 0 ? chunk : (int64_t)left_chunks * chunk;
    if (left > 10000000)
        return fail(msg, LINNET_E_ARGUMENT, "left context of %d chunks of %d frames", left_chunks, chunk);
    struct conformer_stream *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->base.encoder = e;
    s->chunk = chunk;
    s->left_chunks = left_chunks;
    s->n_window = (chunk - 1) * e->rate + e->context + 1;
    s->features = mem_array((size_t)s->n_window * (size_t)e->n_features, sizeof *s->features);
    int rc = s->features != NULL ? LINNET_OK : fail_memory(msg);
    /* Twice as many keys as can be seen: they are moved to the front once in a while, not for each chunk. */
    if (rc >= 0)
        rc = conformer_blocks_open(&s->work, conformer_of(e), ctx, chunk, (int)(2 * left) + chunk + NN_PANEL, 1, msg);
    if (rc < 0) {
        conformer_stream_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return LINNET_OK;
}

void conformer_stream_close(struct encoder_stream *stream)
{
    struct conformer_stream *s = stream_of(stream);
    mem_free(s->features);
    conformer_blocks_close(&s->work);
    mem_free(s);
}

void conformer_stream_reset(struct encoder_stream *stream, int keeps_features)
{
    struct conformer_stream *s = stream_of(stream);
    conformer_blocks_reset(&s->work);
    s->n_frames = 0;
    if (!keeps_features)
        s->n_features = 0;
}

int conformer_stream_push(struct encoder_stream *stream, const float *features, int n)
{
    struct conformer_stream *s = stream_of(stream);
    int n_mels = s->base.encoder->n_features, missing = s->n_window - s->n_features;
    n = n < missing ? n : missing;
    memcpy(s->features + (ptrdiff_t)s->n_features * n_mels, features, (size_t)n * (size_t)n_mels * sizeof *features);
    s->n_features += n;
    return n;
}

int conformer_stream_is_ready(const struct encoder_stream *stream)
{
    const struct conformer_stream *s = const_stream_of(stream);
    return s->n_features == s->n_window;
}

/* Drops the keys that the next n frames do not see and makes room for theirs. */
static int make_room(struct conformer_stream *s, int n, struct message *msg)
{
    struct conformer_blocks *w = &s->work;
    int rc = LINNET_OK;
    for (int i = 0; i < w->n_caches && rc >= 0; i++) {
        if (s->left_chunks >= 0)
            attention_cache_keep(&w->caches[i], s->left_chunks * s->chunk);
        rc = attention_cache_reserve(&w->caches[i], n, msg);
    }
    if (rc < 0 || s->left_chunks >= 0)
        return rc;
    return nn_context_reserve(w->ctx, attention_scratch(w->caches[0].capacity, w->caches[0].head_dims), msg);
}

int conformer_stream_step(struct encoder_stream *stream, float *out, struct message *msg)
{
    struct conformer_stream *s = stream_of(stream);
    const struct encoder *e = stream->encoder;
    int n = encoder_frames(e, s->n_features);
    if (n == 0)
        return 0;
    int rc = make_room(s, n, msg);
    if (rc < 0)
        return rc;
    conformer_blocks_embed(&s->work, s->features, s->n_features, s->n_frames);
    conformer_blocks_forward(&s->work, n, s->n_frames, NULL, NULL, out);
    s->n_frames += n;
    int n_used = n * e->rate, n_mels = e->n_features;
    n_used = n_used < s->n_features ? n_used : s->n_features;
    s->n_features -= n_used;
    memmove(s->features, s->features + (ptrdiff_t)n_used * n_mels,
            (size_t)s->n_features * (size_t)n_mels * sizeof *s->features);
    return n;
}

int conformer_stream_cached(const struct encoder_stream *stream, int i, int j, float *key, float *value)
{
    const struct conformer_stream *s = const_stream_of(stream);
    const struct attention_cache *c = &s->work.caches[i];
    int n = attention_cache_length(c), n_seen = s->left_chunks * s->chunk;
    int skip = s->left_chunks >= 0 && n > n_seen ? n - n_seen : 0;
    if (key != NULL)
        attention_cache_row(c, skip + j, key, value);
    return n - skip;
}

const float *conformer_stream_context(const struct encoder_stream *stream, int i)
{
    const struct conformer_stream *s = const_stream_of(stream);
    const struct conformer_config *c = &s->work.model->config;
    size_t floats = (size_t)(c->kernel - 1) * (size_t)(c->n_dims * c->inner_factor / 2);
    return c->convolution ? s->work.contexts + (size_t)i * floats : NULL;
}
