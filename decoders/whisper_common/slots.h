/* SPDX-License-Identifier: Apache-2.0
 * slots.h - which slots of a network's state are free: those that no hypothesis refers to. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_SLOTS_H
#define LINNET_DECODERS_WHISPER_COMMON_SLOTS_H

#include "base/status.h"

struct whisper_slots {
    char *used;  /* [n] */
    int n, from; /* none is free before */
};

LINNET_MUST_CHECK int whisper_slots_open(struct whisper_slots *s, int n);
void whisper_slots_close(struct whisper_slots *s); /* zeroed ones too */

void whisper_slots_clear(struct whisper_slots *s); /* all are free */
void whisper_slots_mark(struct whisper_slots *s, const int *slots, int n);
int whisper_slots_take(struct whisper_slots *s); /* there must be a free one */

#endif
