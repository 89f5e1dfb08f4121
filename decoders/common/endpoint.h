/* SPDX-License-Identifier: Apache-2.0
 * endpoint.h - when an utterance of a stream has ended: the three rules of WeNet's runtime (ctc_endpoint.cc).
 *
 * A frame is silence when blank is more probable than blank_threshold.  A rule fires when the silence at the end and
 * the utterance are both at least as long as it says and, if it asks for that, something has been decoded. */
#ifndef LINNET_DECODERS_COMMON_ENDPOINT_H
#define LINNET_DECODERS_COMMON_ENDPOINT_H

#include "base/settings.h"

#define ENDPOINT_RULES 3

struct endpoint_rule {
    int needs_tokens; /* 1: only when something has been decoded */
    double min_silence_ms, min_utterance_ms;
};

struct endpoint_options {
    struct endpoint_rule rules[ENDPOINT_RULES]; /* tried in this order; one that can never fire: INFINITY */
    double blank_threshold;                     /* probability */
    double frame_ms;                            /* of an encoder frame */
    int blank, n_vocabulary;
};

/* The defaults are WeNet's: 5 s of silence; 1 s of silence after something; 20 s of anything.  frame_ms, blank and
 * n_vocabulary are the model's and stay 0. */
extern const struct settings_table endpoint_settings;
void endpoint_options_read(struct endpoint_options *options, const struct settings *settings);
LINNET_MUST_CHECK int endpoint_options_check(const struct endpoint_options *options, struct message *msg);

struct endpoint {
    struct endpoint_options options;
    int n_frames, n_silent; /* since reset; silent ones at the end */
};

/* What fired, for the event's text. */
struct endpoint_found {
    int rule; /* 1 .. ENDPOINT_RULES; 0: none */
    double silence_ms, utterance_ms;
    char text[96];
};

/* The first rule that fires, 0 for none.  found may be NULL. */
int endpoint_find(const struct endpoint_options *options, double silence_ms, double utterance_ms, int has_tokens,
                  struct endpoint_found *found);

void endpoint_open(struct endpoint *e, const struct endpoint_options *options); /* that passed the check */
void endpoint_reset(struct endpoint *e);

/* Takes logprobs [n_frames, V], natural log, then applies the rules once: as endpoint_find. */
int endpoint_step(struct endpoint *e, const float *logprobs, int n_frames, int has_tokens,
                  struct endpoint_found *found);

#endif
