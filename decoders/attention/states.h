/* SPDX-License-Identifier: Apache-2.0
 * states.h - the encoder states of an utterance, kept for a decoder that attends to all of them at its end. */
#ifndef LINNET_DECODERS_ATTENTION_STATES_H
#define LINNET_DECODERS_ATTENTION_STATES_H

#include "base/status.h"

/* Zeroed but for n_dims is empty. */
struct attention_states {
    float *at; /* [n, n_dims] */
    int n_dims, n, room;
};

LINNET_MUST_CHECK int attention_states_add(struct attention_states *s, const float *states, int n, struct message *msg);
void attention_states_free(struct attention_states *s);

#endif
