/* SPDX-License-Identifier: Apache-2.0
 * score.h - error rates of hypotheses against references, utterance by utterance. */
#ifndef LINNET_SCORE_SCORE_H
#define LINNET_SCORE_SCORE_H

#include "score/edits.h"
#include "score/transcripts.h"

struct score_utterance {
    const char *id;
    struct edits words, letters;
    int is_missing; /* no hypothesis: all of it counts as deleted */
};

struct score {
    struct score_utterance *utterances; /* [n] in order of ids */
    int n, n_missing, n_extra, n_wrong; /* wrong: utterances with a word error */
    struct edits words, letters;        /* sums */
};

/* The words of an utterance, normalized, side by side. */
struct score_alignment {
    const struct score_utterance *utterance;
    const char *hypothesis_text; /* as it was given; NULL: missing */
    const struct edits_token *reference, *hypothesis;
    int n_hypothesis;
    const unsigned char *steps; /* [n_steps] */
    int n_steps;
};

/* Who wants to see the alignments, one after the other, in order of ids. */
struct score_visitor {
    int (*take)(void *arg, const struct score_alignment *a, struct message *msg);
    void *arg;
};

/* Scores after the named normalization (score/normalize.h).  Ids point into reference; visitor may be NULL. */
int score_run(struct score *s, const struct transcripts *reference, const struct transcripts *hypothesis,
              const char *normalizer, const struct score_visitor *visitor, struct message *msg) LINNET_MUST_CHECK;
void score_close(struct score *s);

/* A step of an alignment: the words that it puts beside each other, NULL where there is none. */
struct score_pair {
    enum edits_step step;
    const struct edits_token *reference, *hypothesis;
};

/* Where a walk along an alignment has come; zeroed is before the first step. */
struct score_walk {
    int i_step, i_reference, i_hypothesis;
};

int score_next(struct score_walk *w, const struct score_alignment *a, struct score_pair *pair); /* 1, 0: the end */

/* Percent of errors; 0 when both texts are empty. */
double score_percent(const struct edits *e);

/* How sure it is that b is better or worse than a (of the same utterances): draws utterances n_samples times. */
struct score_difference {
    double percent, low, high; /* b - a in percent points; 95 % of samples lie between low and high */
    double p;                  /* chance of a difference of the other sign, two-sided */
};
int score_compare(const struct score *a, const struct score *b, int n_samples, struct score_difference *d,
                  struct message *msg) LINNET_MUST_CHECK;

#endif
