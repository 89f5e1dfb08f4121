/* SPDX-License-Identifier: Apache-2.0
 * hybrid_result.h - results of a search on a WeNet model as an event: text, words, n-best list. */
#ifndef LINNET_DECODERS_HYBRID_RESULT_H
#define LINNET_DECODERS_HYBRID_RESULT_H

#include "decoders/common/events.h"
#include "decoders/hybrid_search.h"

/* Where an utterance lies in the recording, and what is wanted of it. */
struct hybrid_utterance {
    double start_s, end_s;
    int nbest, word_times;
};

/* Pushes LINNET_EVENT_FINAL for results [n], best first. */
LINNET_MUST_CHECK int hybrid_result_push(struct events *events, const struct hybrid_model *m,
                                         const struct hybrid_utterance *u, const struct hybrid_result *results, int n,
                                         struct message *msg);

#endif
