/* SPDX-License-Identifier: Apache-2.0
 * utterance.h - the pipeline of every frame-synchronous decoder: features, encoder, search, endpoints, events.
 *
 * A decoder's struct takes its functions from here and adds its search:
 *
 *     const struct decoder ctc_greedy_decoder = {.name = "ctc_greedy", ..., .search = &search, UTTERANCE_DECODER}; */
#ifndef LINNET_DECODERS_UTTERANCE_H
#define LINNET_DECODERS_UTTERANCE_H

#include "decoders/decoder.h"

#define UTTERANCE_DECODER                                                                                              \
    .open = utterance_open, .feed = utterance_feed, .finish = utterance_finish, .reset = utterance_reset,              \
    .close = utterance_close, .bias = utterance_bias

LINNET_MUST_CHECK int utterance_open(void **state, const struct decoder_host *host);
LINNET_MUST_CHECK int utterance_feed(void *state, const float *samples, size_t n);
LINNET_MUST_CHECK int utterance_finish(void *state);
LINNET_MUST_CHECK int utterance_reset(void *state);
void utterance_close(void *state);
LINNET_MUST_CHECK int utterance_bias(void *state, const char *const *phrases, const float *bonus, size_t n,
                                     struct buffer *unspelled);

#endif
