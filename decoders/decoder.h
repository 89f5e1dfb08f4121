/* SPDX-License-Identifier: Apache-2.0
 * decoder.h - what a decoder is to the stream that owns it.
 *
 * A decoder takes samples at 16 kHz, any number at a time, and pushes events.  Decoders stand behind one table
 * (decoder.c): adding one adds a file and a line. */
#ifndef LINNET_DECODERS_DECODER_H
#define LINNET_DECODERS_DECODER_H

#include <stdatomic.h>

#include "base/settings.h"
#include "decoders/common/events.h"

struct linnet_model;
struct hotword_list;

#define DECODER_RATE_HZ 16000

#define DECODER_TASKS(X) X(DECODER_TRANSCRIBE, "transcribe") X(DECODER_TRANSLATE, "translate")
enum decoder_task { DECODER_TASKS(SETTING_ENUM) };

/* What decoders share. */
struct decoder_options {
    char *language;
    enum decoder_task task;
    int name; /* place in the table of decoders, from 1; 0: auto */
    int beam; /* 0: the decoder's default */
    double length_penalty;
    int nbest, word_times, max_tokens;
    struct settings_list clip;
    double hotword_bonus;
};
extern const struct settings_table decoder_settings;

/* What a stream lends its decoder; lives as long as the decoder. */
struct decoder_host {
    const struct linnet_model *model;
    const struct settings *settings; /* decoder_open_settings */
    int streaming;
    struct events *events;
    struct linnet_stats *stats;  /* the decoder adds its times and counts */
    const atomic_int *cancelled; /* checked between steps */
    struct message *msg;
};

struct decoder_ops {
    const char *name; /* decoder.name in settings */
    const char *kind; /* of model: "whisper" or "hybrid" */
    const char *summary;
    const struct settings_table *const *settings; /* its own, NULL after the last; those that all share are not */
    int (*open)(void **state, const struct decoder_host *host);
    int (*feed)(void *state, const float *samples, size_t n);
    int (*finish)(void *state); /* the events up to the end; the stream pushes LINNET_EVENT_END after them */
    int (*reset)(void *state);
    void (*close)(void *state); /* NULL is fine */
    /* Boosts phrases (linnet_stream_bias), and appends those that cannot be spelled; NULL where a decoder cannot. */
    int (*bias)(void *state, const char *const *phrases, const float *bonus, size_t n, struct buffer *unspelled);
    /* The first pass over a file (linnet_stream_open_file): looks at samples that feed will bring later.  1, or 0 when
     * it needs none; may be NULL. */
    int (*preview)(void *state, const float *samples, size_t n);
};

/* All settings, at their defaults: of the model, of what decoders share, and of each decoder. */
LINNET_MUST_CHECK int decoder_open_settings(struct settings *s, struct message *msg);

/* The decoder that the options name, or for "auto" the default of the model's kind: fails by name when the model is of
 * another kind. */
LINNET_MUST_CHECK int decoder_find(const struct decoder_ops **ops, const struct decoder_options *options,
                                   const char *kind, int streaming, struct message *msg);

#endif
