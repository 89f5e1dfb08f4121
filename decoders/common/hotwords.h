/* SPDX-License-Identifier: Apache-2.0
 * hotwords.h - boosted phrases: a graph that gives a bonus for each of their tokens.
 *
 * A search keeps one state (HOTWORDS_START at first) with each hypothesis, adds the delta of hotwords_step to its score
 * for each token, and that of hotwords_finish when the utterance ends.  The bonuses of an unfinished phrase are
 * provisional: a finished phrase keeps them, and they are subtracted when the phrase does not go on.  The graph does
 * not change after it is open and may be shared by any number of streams. */
#ifndef LINNET_DECODERS_COMMON_HOTWORDS_H
#define LINNET_DECODERS_COMMON_HOTWORDS_H

#include "base/status.h"

#define HOTWORDS_START 0

struct hotwords;

struct hotword {
    const int *tokens; /* [n_tokens] */
    int n_tokens;
    double bonus; /* natural log, for each token */
};

/* Equal beginnings of phrases share their arcs, which take the largest bonus. */
LINNET_MUST_CHECK int hotwords_open(struct hotwords **out, const struct hotword *phrases /* [n] */, int n,
                                    struct message *msg);
void hotwords_close(struct hotwords *h);

int hotwords_step(const struct hotwords *h, int state, int token, double *delta); /* the next state */
double hotwords_finish(const struct hotwords *h, int state);                      /* the last delta */

/* The tokens that go on with a phrase, or begin one, after the state: each once, with what its arc adds and what
 * hotwords_step does; any other token does what hotwords_finish says.  For searches that look at a whole vocabulary. */
typedef void hotwords_arc(void *arg, int token, double bonus, double delta);
void hotwords_arcs(const struct hotwords *h, int state, hotwords_arc *found, void *arg);

/* Of one token: the bonus of its arc, 0 where it has none. */
double hotwords_bonus(const struct hotwords *h, int state, int token);

/* What a token of an arc gains where there is nothing to fall back to: a bonus once lent is not taken back, and a new
 * phrase that begins where another one breaks off gets only what is more than that. */
static inline double hotwords_gain(double bonus, double delta)
{
    double least = bonus < 0 ? bonus : 0;
    return delta > least ? delta : least;
}

/* The phrases in tokens [n] as the graph sees them: leftmost, longest, not overlapping.  found(arg, i_phrase, first,
 * n_tokens) is called for each, in order. */
typedef void hotwords_found(void *arg, int i_phrase, int first, int n_tokens);
void hotwords_find(const struct hotwords *h, const int *tokens, int n, hotwords_found *found, void *arg);

#endif
