/* SPDX-License-Identifier: Apache-2.0
 * latency.h - how long words take from the mouth to the screen, over one recording or many.
 *
 * Two clocks: that of the audio (how much had been heard when a word was said for good) and that of the listener, which
 * also counts the time that decoding took, and the time for which sound waited while earlier sound was decoded. */
#ifndef LINNET_SCORE_LATENCY_H
#define LINNET_SCORE_LATENCY_H

#include "base/buffer.h"
#include "base/status.h"

enum latency_clock { LATENCY_AUDIO, LATENCY_LISTENER, LATENCY_CLOCKS };

struct latency_list {
    double *at; /* [n] */
    int n, n_max;
};

struct latency_word {
    double said_s[LATENCY_CLOCKS]; /* when it was said for good */
    double end_s;                  /* where it ends in the audio */
};

/* Zeroed is empty. */
struct latency {
    /* of the recording at hand */
    double now_s[LATENCY_CLOCKS];
    struct latency_word *words; /* [n_words], those of the open utterance last: n_open of them */
    int n_words, n_open, n_max;
    int has_first;       /* some text was shown */
    double chunk_s;      /* compute since the last whole second of audio */
    struct buffer shown; /* the last partial text */
    /* of all recordings */
    int n_recordings, n_all_words, n_revised; /* revised: words that were shown and then became others */
    double audio_s, compute_s;
    struct latency_list chunks;                     /* compute for each second of audio */
    struct latency_list lags[LATENCY_CLOCKS];       /* average lagging of the recordings that had words */
    struct latency_list utterances[LATENCY_CLOCKS]; /* likewise of final texts */
    struct latency_list firsts[LATENCY_CLOCKS];     /* from the start of the first word to the first text */
    struct latency_list finals[LATENCY_CLOCKS];     /* from the end of a final text to when it came */
    struct latency_list delays[LATENCY_CLOCKS];     /* from the end of a word to when it was said for good */
};

/* The decoder was called once heard_s of the recording had been heard, and took compute_s.  now_s: the listener's clock
 * when it returned; < 0: as it would be if sound came as it is spoken. */
LINNET_MUST_CHECK int latency_called(struct latency *l, double heard_s, double compute_s, double now_s);

/* The same, but only sets the clocks: nothing is kept for a report. */
void latency_advance(struct latency *l, double heard_s, double compute_s, double now_s);

/* Takes an event that the last call of the decoder made. */
LINNET_MUST_CHECK int latency_event(struct latency *l, const linnet_event *event);

/* The recording is over.  n_reference: words that were really said, 0 when that is not known. */
LINNET_MUST_CHECK int latency_end(struct latency *l, int n_reference);

/* Appends a JSON object about the recordings that are over.  Sorts the lists. */
LINNET_MUST_CHECK int latency_report(struct latency *l, struct buffer *out);
void latency_close(struct latency *l);

#endif
