/* SPDX-License-Identifier: Apache-2.0
 * scoring.h - what `linnet score` has found, for those who write it. */
#ifndef LINNET_BIN_SCORING_H
#define LINNET_BIN_SCORING_H

#include "bin/problems.h"
#include "score/confidences.h"
#include "score/confusions.h"
#include "score/reliability.h"

struct score_options {
    const char *normalize, *by_speaker, *against;
    int by_length, align, json, n_samples, n_confusions;
};

struct scoring {
    const struct score_options *options;
    struct transcripts reference, hypothesis, second, speakers;
    struct score score, other; /* other: of second */
    struct score_difference difference;
    struct buffer alignments; /* of all utterances, as text or JSON */
    struct confusions confusions;
    struct confidences confidences; /* of the hypotheses, where they have them */
    struct reliability reliability;
    struct problems problems;
};

/* One class of utterances: a speaker, or a range of lengths. */
struct scoring_group {
    const char *name;
    struct edits words;
    int n;
};

/* Makes groups, in order; returns how many, or LINNET_E_MEMORY.  The caller's to mem_free. */
typedef int scoring_grouping(const struct scoring *s, struct scoring_group **groups);
int scoring_by_speaker(const struct scoring *s, struct scoring_group **groups) LINNET_MUST_CHECK;
int scoring_by_length(const struct scoring *s, struct scoring_group **groups) LINNET_MUST_CHECK;

/* The groupings that the options ask for. */
enum { SCORING_GROUPINGS = 2 };
struct scoring_groups {
    const char *name;
    scoring_grouping *make; /* NULL: not wanted */
};
void scoring_groupings(const struct scoring *s, struct scoring_groups groups[SCORING_GROUPINGS]);

double scoring_wrong_percent(const struct score *s); /* of utterances */

/* Of an alignment's step. */
const char *scoring_step_name(enum edits_step step);

#endif
