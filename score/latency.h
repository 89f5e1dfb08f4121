/* SPDX-License-Identifier: Apache-2.0
 * latency.h - delays from speech to its words, over one recording or many.
 *
 * Two clocks: that of the audio (how much had been fed when a word was committed) and the wall clock, which also counts
 * the time that decoding took, and the time for which audio waited while earlier audio was decoded. */
#ifndef LINNET_SCORE_LATENCY_H
#define LINNET_SCORE_LATENCY_H

#include "base/buffer.h"
#include "base/status.h"

enum latency_clock { LATENCY_AUDIO, LATENCY_WALL, LATENCY_CLOCKS };

struct latency_list {
    double *at; /* [n] */
    int n, n_max;
};

struct latency_word {
    double committed_s[LATENCY_CLOCKS]; /* when it was committed */
    double end_s;                       /* where it ends in the audio */
};

/* Zeroed is empty. */
struct latency {
    /* of the recording at hand */
    double now_s[LATENCY_CLOCKS];
    struct latency_word *words; /* [n_words], those of the open utterance last: n_open of them */
    int n_words, n_open, n_max;
    int has_first;         /* there was some text */
    double chunk_s;        /* compute since the last whole second of audio */
    struct buffer partial; /* the last partial text */
    /* of all recordings */
    int n_recordings, n_all_words, n_revised; /* revised: words of partial texts that became others */
    double audio_s, compute_s;
    struct latency_list chunks;                     /* compute for each second of audio */
    struct latency_list lags[LATENCY_CLOCKS];       /* average lagging of the recordings that had words */
    struct latency_list utterances[LATENCY_CLOCKS]; /* likewise of final texts */
    struct latency_list firsts[LATENCY_CLOCKS];     /* from the start of the first word to the first text */
    struct latency_list finals[LATENCY_CLOCKS];     /* from the end of a final text to when it came */
    struct latency_list delays[LATENCY_CLOCKS];     /* from the end of a word to when it was committed */
};

/* The decoder was called once fed_s of the recording had been fed, and took compute_s.  now_s: the wall clock when it
 * returned; < 0: as it would be if audio came in real time. */
LINNET_MUST_CHECK int latency_called(struct latency *l, double fed_s, double compute_s, double now_s);

/* The same, but only sets the clocks: nothing is kept for a report. */
void latency_advance(struct latency *l, double fed_s, double compute_s, double now_s);

/* Takes an event that the last call of the decoder made. */
LINNET_MUST_CHECK int latency_event(struct latency *l, const linnet_event *event);

/* The recording is over.  n_reference: words of the reference, 0 when there is none. */
LINNET_MUST_CHECK int latency_end(struct latency *l, int n_reference);

/* Appends a JSON object about the recordings that are over.  Sorts the lists. */
LINNET_MUST_CHECK int latency_report(struct latency *l, struct buffer *out);
void latency_close(struct latency *l);

#endif
