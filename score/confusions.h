/* SPDX-License-Identifier: Apache-2.0
 * confusions.h - which words were taken for which, and how often. */
#ifndef LINNET_SCORE_CONFUSIONS_H
#define LINNET_SCORE_CONFUSIONS_H

#include "base/buffer.h"
#include "score/score.h"

struct confusion {
    enum edits_step step;
    const char *reference, *hypothesis; /* "" where there is no word */
    long long n;
    size_t reference_at, hypothesis_at; /* in texts */
};

/* Zeroed is empty. */
struct confusions {
    struct confusion *at; /* [n] */
    int n, room;
    struct buffer texts;
};

/* Adds a step; a match is passed over. */
int confusions_add(struct confusions *c, const struct score_pair *pair) LINNET_MUST_CHECK;

/* After the last one: sums them up and keeps the n_most most frequent of each kind, substitutions first, then
 * deletions, then insertions; equally frequent ones in order of their words. */
void confusions_rank(struct confusions *c, int n_most);
void confusions_free(struct confusions *c);

#endif
