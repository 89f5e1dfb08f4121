/* SPDX-License-Identifier: Apache-2.0
 * parse.h - numbers and names as people write them.
 *
 * Numbers are taken whole or not at all, in C's notation whatever the locale is, and must lie in a range.  For a
 * name that is in no table the most similar one is suggested. */
#ifndef LINNET_BASE_PARSE_H
#define LINNET_BASE_PARSE_H

/* 0 and the value, or LINNET_E_ARGUMENT when text is not a number in [low, high] from its first to its last byte. */
int parse_int(const char *text, long long low, long long high, long long *value) __attribute__((warn_unused_result));
int parse_number(const char *text, double low, double high, double *value) __attribute__((warn_unused_result));

/* true, yes, on, 1 / false, no, off, 0 */
int parse_bool(const char *text, int *value) __attribute__((warn_unused_result));

/* Which of the names in choices, such as "a|b|c", text is, counted from 0; -1: none. */
int parse_choice(const char *text, const char *choices);

/* The most similar name so far: offer every name of a table, then read best (NULL when nothing comes near). */
struct parse_nearest {
    const char *wanted, *best;
    int distance; /* of best */
};

void parse_offer(struct parse_nearest *nearest, const char *name);

/* Edit distance between two names in bytes; a swap of neighbours counts once.  Names past 63 bytes are far away. */
int parse_distance(const char *a, const char *b);

#endif
