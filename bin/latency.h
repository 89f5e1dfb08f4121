/* SPDX-License-Identifier: Apache-2.0
 * latency.h - how long words take from the mouth to the screen.
 *
 * Two clocks: that of the audio (how much had been heard when a word was said for good) and that of the listener, which
 * also counts the time that decoding took. */
#ifndef LINNET_BIN_LATENCY_H
#define LINNET_BIN_LATENCY_H

#include "base/buffer.h"
#include "base/status.h"

struct latency_word {
    double heard_s, shown_s; /* when it was said for good, by both clocks */
    double end_s;            /* where it ends in the audio */
};

/* Zeroed is empty. */
struct latency {
    struct latency_word *words; /* [n_words], those of the open utterance last: n_open of them */
    int n_words, n_open, n_max;
    double *finals;             /* [n_finals] from the end of a final text to when it came, the listener's clock */
    int n_finals, n_finals_max;
    double first_s;             /* from the start of the first word to the first text, the listener's clock; < 0: none */
    int has_first, n_revised;   /* words that were shown and then became others */
    struct buffer shown;        /* the last partial text */
};

/* Takes an event that came when heard_s of audio had been heard and shown_s had passed for the listener. */
LINNET_MUST_CHECK int latency_event(struct latency *l, const linnet_event *event, double heard_s, double shown_s);

/* Appends one line of JSON. */
LINNET_MUST_CHECK int latency_report(struct latency *l, double audio_s, double compute_s, struct buffer *out);
void latency_close(struct latency *l);

#endif
