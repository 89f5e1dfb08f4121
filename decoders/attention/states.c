/* SPDX-License-Identifier: Apache-2.0
 * states.c - the encoder states of an utterance. */
#include "decoders/attention/states.h"

#include <string.h>

#include "base/mem.h"

int attention_states_add(struct attention_states *s, const float *states, int n, struct message *msg)
{
    size_t row = (size_t)s->n_dims * sizeof *s->at;
    if (mem_grow((void **)&s->at, &s->room, s->n + n, row) < 0)
        return fail_memory(msg);
    memcpy(s->at + (size_t)s->n * (size_t)s->n_dims, states, (size_t)n * row);
    s->n += n;
    return LINNET_OK;
}

void attention_states_free(struct attention_states *s)
{
    mem_free(s->at);
    *s = (struct attention_states){0};
}
