/* SPDX-License-Identifier: Apache-2.0
 * edits.h - the fewest insertions, deletions and substitutions that make one row of words or letters another.
 *
 * Levenshtein's distance.  Where several ways are equally short, the one is taken that jiwer takes (edits.c), so that
 * counts and alignments are the same everywhere: mostly that with more matches, as "the cat" against "cat sat" has. */
#ifndef LINNET_SCORE_EDITS_H
#define LINNET_SCORE_EDITS_H

#include <stddef.h>

#include "base/status.h"

struct edits_token {
    const char *text;
    size_t n; /* bytes */
};

struct edits {
    long long n_reference, n_insertions, n_deletions, n_substitutions;
};

enum edits_step { EDITS_MATCH = 0, EDITS_SUBSTITUTION, EDITS_DELETION, EDITS_INSERTION };

/* Tokens of text [n bytes]: words between blanks, or with letters = 1 every character that is no blank.  Returns their
 * number or LINNET_E_MEMORY; tokens point into text and are released with mem_free. */
int edits_split(const char *text, size_t n, int letters, struct edits_token **tokens) LINNET_MUST_CHECK;

/* Counts the edits.  steps [n_reference + n_hypothesis] receives an alignment and *n_steps its length; both may be NULL
 * (memory is then a row, not a table). */
int edits_count(const struct edits_token *reference, int n_reference, const struct edits_token *hypothesis,
                int n_hypothesis, struct edits *edits, unsigned char *steps, int *n_steps) LINNET_MUST_CHECK;

static inline long long edits_errors(const struct edits *e)
{
    return e->n_insertions + e->n_deletions + e->n_substitutions;
}

void edits_add(struct edits *sum, const struct edits *more);

#endif
