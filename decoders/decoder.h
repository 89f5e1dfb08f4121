/* SPDX-License-Identifier: Apache-2.0
 * decoder.h - what a decoder is to the stream that owns it.
 *
 * A decoder takes samples at 16 kHz, any number at a time, and pushes events.  Decoders stand behind one table
 * (decoder.c): adding one adds a file and a line. */
#ifndef LINNET_DECODERS_DECODER_H
#define LINNET_DECODERS_DECODER_H

#include <stdatomic.h>

#include "decoders/common/events.h"
#include "base/recipe.h"

struct linnet_model;
struct hotword_list;

#define DECODER_RATE_HZ 16000

/* What a stream lends its decoder; lives as long as the decoder. */
struct decoder_host {
    const struct linnet_model *model;
    const struct recipe *recipe;
    int streaming;
    struct events *events;
    struct linnet_stats *stats;  /* the decoder adds its times and counts */
    const atomic_int *cancelled; /* checked between steps */
    struct message *msg;
};

struct decoder_ops {
    const char *name; /* decoder.name of the recipe */
    const char *kind; /* of model: "whisper" or "hybrid" */
    const char *summary;
    int (*open)(void **state, const struct decoder_host *host);
    int (*feed)(void *state, const float *samples, size_t n);
    int (*finish)(void *state);
    int (*reset)(void *state);
    void (*close)(void *state); /* NULL is fine */
    /* Makes phrases likelier (linnet_stream_bias); NULL where a decoder cannot. */
    int (*bias)(void *state, const char *const *phrases, const float *bonus, size_t n);
    /* Looks at samples that feed will bring later (linnet_stream_preview): 1, or 0 when it does not care; may be
     * NULL. */
    int (*preview)(void *state, const float *samples, size_t n);
};

/* The decoder that the recipe names, or for "auto" the usual one of the model's kind: fails by name when the model is
 * of another kind. */
LINNET_MUST_CHECK int decoder_find(const struct decoder_ops **ops, const char *name, const char *kind, int streaming,
                                   struct message *msg);

#endif
