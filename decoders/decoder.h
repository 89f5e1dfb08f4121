/* SPDX-License-Identifier: Apache-2.0
 * decoder.h - what a decoder is to the stream that owns it.
 *
 * A decoder takes samples at 16 kHz, any number at a time, and pushes events.  It is a const struct decoder at the end
 * of its file, named in DECODERS (decoder.c): what it needs of a model, its settings, and its functions.  One that
 * takes encoder frames one after the other fills in a struct search_ops and runs inside the pipeline of utterance.h. */
#ifndef LINNET_DECODERS_DECODER_H
#define LINNET_DECODERS_DECODER_H

#include "decoders/common/host.h"
#include "decoders/common/search.h"
#include "nn/text_batch.h"

struct decoder {
    const char *name; /* decoder.name in settings */
    const char *summary;
    int needs;         /* enum model_part, added up */
    int is_whole_only; /* it has no partial results, or late ones: "auto" does not take it for streams */
    const struct settings_table *const *settings; /* its own, NULL after the last; those that all share are not there */
    const char *ignores;                    /* of all these, keys that it makes no use of: "language|task", or NULL */
    const struct search_ops *search;        /* of frame-synchronous decoders, else NULL */
    const struct search_ops *with_hotwords; /* the same when there are hotwords; NULL: it takes none */
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
    /* From now on its steps of the text decoder are those of the batch, and what it needs between two of them may be
     * that of `first`, another state or itself, which lives longer; NULL: it has no use for a batch. */
    int (*set_batch)(void *state, struct text_batch *batch, void *first);
};

/* Adds the settings, at their defaults, of what decoders share and of each decoder. */
LINNET_MUST_CHECK int decoder_add_settings(struct settings *s, struct message *msg);

/* The decoder that the options name, or for "auto" the first in the table whose needs the model meets.  Fails when the
 * model lacks a part that the decoder needs. */
LINNET_MUST_CHECK int decoder_find(const struct decoder **decoder, const struct decoder_options *options,
                                   const struct linnet_model *model, int streaming, struct message *msg);

/* The table, in the order in which "auto" tries them; NULL: there are no more. */
const struct decoder *decoder_at(int i);

/* Whether a setting has no effect: the decoder makes no use of it.  has_hotwords: phrases are boosted. */
int decoder_ignores(const struct decoder *d, const char *key, int has_hotwords);

/* Whose a setting is, as names: "ctc_greedy, attention". */
void decoder_users(const char *key, char *names, size_t size);

#endif
