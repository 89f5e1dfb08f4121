/* SPDX-License-Identifier: Apache-2.0
 * gate.h - passes the audio of a stream from each detected start of speech until the gate is shut again. */
#ifndef LINNET_FRONTEND_GATE_H
#define LINNET_FRONTEND_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/vad.h"

struct gate_options {
    int is_wanted; /* a stream is gated */
};
extern const struct settings_table gate_settings;

struct gate;

/* Samples [n] that are to be decoded, the first of them the stream's sample `at`; none: n = 0. */
struct gate_passage {
    const float *samples;
    size_t n;
    uint64_t at;
};

LINNET_MUST_CHECK int gate_open(struct gate **out, const struct vad_options *options, struct message *msg);
void gate_close(struct gate *g); /* NULL is fine */
void gate_reset(struct gate *g);

/* Takes some of the samples [n] and returns how many; what passes is valid until the next call.  Starts of speech
 * lie in the past: the first passage after the gate was shut may hold samples that have passed before. */
size_t gate_feed(struct gate *g, const float *samples, size_t n, struct gate_passage *passage);

/* The stream has ended: what passes of the samples that were held back. */
void gate_finish(struct gate *g, struct gate_passage *passage);

/* Shuts the gate unless there is speech; 1 when it is shut now. */
int gate_shut(struct gate *g);

#endif
