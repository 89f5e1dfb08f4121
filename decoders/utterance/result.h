/* SPDX-License-Identifier: Apache-2.0
 * result.h - hypotheses of an utterance as an event: text, words, n-best list. */
#ifndef LINNET_DECODERS_UTTERANCE_RESULT_H
#define LINNET_DECODERS_UTTERANCE_RESULT_H

#include "decoders/common/events.h"
#include "decoders/common/hypothesis.h"
#include "decoders/common/model.h"

/* Where an utterance lies in the recording, and what is wanted of it. */
struct utterance_span {
    double start_s, end_s;
    int nbest, word_times;
};

/* Pushes LINNET_EVENT_FINAL for results [n], n > 0, best first, with confidences. */
LINNET_MUST_CHECK int utterance_result_push(struct events *events, const struct linnet_model *m,
                                            const struct utterance_span *u, const struct hypothesis *results, int n,
                                            struct message *msg);

#endif
