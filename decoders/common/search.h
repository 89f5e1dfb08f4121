/* SPDX-License-Identifier: Apache-2.0
 * search.h - what a frame-synchronous decoder is to the pipeline that runs it (decoders/utterance.h): a search that is
 * given encoder frames as they come, and returns its hypotheses at the end of each utterance. */
#ifndef LINNET_DECODERS_COMMON_SEARCH_H
#define LINNET_DECODERS_COMMON_SEARCH_H

#include <stdatomic.h>

#include "base/settings.h"
#include "decoders/common/hotwords.h"
#include "decoders/common/hypothesis.h"
#include "decoders/common/model.h"

/* What a search is opened with and given at each call. */
struct search_host {
    const struct linnet_model *model;
    struct nn_context *ctx;
    const struct settings *settings;
    const struct hotwords *hotwords; /* or NULL */
    const atomic_int *cancelled;     /* checked between steps */
    struct message *msg;
};

/* Frames [n] of an utterance. */
struct frame_block {
    const float *states; /* [n, D] */
    float *logprobs;     /* [n, V] of CTC, natural log; NULL where the model has no CTC layer; may be changed */
    int n;
};

struct search_ops {
    int (*open)(void **search, const struct search_host *host);
    void (*close)(void *search); /* NULL is fine */
    void (*reset)(void *search); /* for the next utterance */
    int (*step)(void *search, const struct search_host *host, const struct frame_block *block);
    /* The best hypothesis so far, if there are any (returns 1, or 0), and how many of its tokens are committed.  NULL:
     * there are none before the end. */
    int (*partial)(void *search, const struct search_host *host, const struct hypothesis **best, int *n_committed);
    /* No more frames come: the hypotheses, best first, valid until the next call; with confidences where they are not
     * those of the tokens' own log probabilities.  Returns how many. */
    int (*finish)(void *search, const struct search_host *host, const struct hypothesis **results);
};

#endif
