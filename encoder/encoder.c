/* SPDX-License-Identifier: Apache-2.0
 * encoder.c - the table of encoders, and what they have in common. */
#include "encoder/encoder.h"

#include <string.h>

/* clang-format off */
#define ENCODERS(X) \
    X(conformer) \
    X(whisper)
/* clang-format on */

#define DECLARE(name) extern const struct encoder_kind name##_encoder_kind;
#define ENTRY(name) &name##_encoder_kind,
ENCODERS(DECLARE)
static const struct encoder_kind *const kinds[] = {ENCODERS(ENTRY) NULL};

int encoder_open(struct encoder **out, const char *kind, const struct encoder_source *from)
{
    for (const struct encoder_kind *const *k = kinds; *k != NULL; k++)
        if (strcmp((*k)->name, kind) == 0)
            return (*k)->open(out, from);
    return fail(from->layers->msg, LINNET_E_MODEL, "there is no encoder '%s'", kind);
}

void encoder_close(struct encoder *e)
{
    if (e != NULL)
        e->kind->close(e);
}

size_t encoder_bytes(const struct encoder *e) { return e->kind->bytes(e); }

int encoder_frames(const struct encoder *e, int n_features)
{
    return n_features <= e->context ? 0 : (n_features - e->context - 1) / e->rate + 1;
}

int encoder_chunk(const struct encoder *e, int chunk)
{
    if (e->dynamic_chunk)
        return chunk > 0 ? chunk : 0;
    return e->static_chunk > 0 ? e->static_chunk : 0;
}

int encoder_forward(const struct encoder *e, struct nn_context *ctx, const struct encoder_input *in, float *out,
                    struct message *msg)
{
    return e->kind->forward(e, ctx, in, out, msg);
}

int encoder_stream_open(struct encoder_stream **out, const struct encoder *e, struct nn_context *ctx, int chunk,
                        int left_chunks, struct message *msg)
{
    if (e->kind->stream_open == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED, "the encoder takes windows of %d frames: it cannot be streamed",
                    e->window);
    if (e->looks_ahead)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "the model's convolutions look ahead (causal: false): it can only decode whole recordings");
    if (chunk < 1 || chunk > 100000 || left_chunks < -1 || left_chunks > 100000)
        return fail(msg, LINNET_E_ARGUMENT, "chunk of %d frames, %d before it", chunk, left_chunks);
    return e->kind->stream_open(out, e, ctx, chunk, left_chunks, msg);
}

void encoder_stream_close(struct encoder_stream *s)
{
    if (s != NULL)
        s->encoder->kind->stream_close(s);
}

void encoder_stream_reset(struct encoder_stream *s) { s->encoder->kind->stream_reset(s, 0); }

void encoder_stream_restart(struct encoder_stream *s) { s->encoder->kind->stream_reset(s, 1); }

int encoder_stream_push(struct encoder_stream *s, const float *features, int n)
{
    return s->encoder->kind->stream_push(s, features, n);
}

int encoder_stream_is_ready(const struct encoder_stream *s) { return s->encoder->kind->stream_is_ready(s); }

int encoder_stream_step(struct encoder_stream *s, float *out, struct message *msg)
{
    return s->encoder->kind->stream_step(s, out, msg);
}
