/* SPDX-License-Identifier: Apache-2.0
 * problems.h - what went wrong in a run, for people: said when it happens, and all of it once more at the end, where it
 * is not lost between other lines. */
#ifndef LINNET_BIN_PROBLEMS_H
#define LINNET_BIN_PROBLEMS_H

#include "score/transcripts.h"

struct problem {
    char *id; /* of the utterance that has no result for it; NULL: it is of a line, or of nothing that can be named */
    char *why;
};

/* Zeroed is empty. */
struct problems {
    struct problem *at;  /* [n] */
    int n, room, n_lost; /* lost: counted, but not kept */
};

/* Keeps one; id may be NULL.  Where memory is out it is only counted. */
void problems_add(struct problems *p, const char *id, const char *why);
void problems_add_lines(struct problems *p, const struct transcripts *t); /* those of a text file that were left out */
int problems_count(const struct problems *p);

/* Writes them to stderr, a line each under a heading; nothing where there are none. */
void problems_list(const struct problems *p);

/* Appends them as a member of a JSON object: "failures": [{"utt": id, "why": text}], without "utt" where it is of a
 * line. */
LINNET_MUST_CHECK int problems_write(const struct problems *p, struct buffer *out);
void problems_close(struct problems *p);

/* Writes the first lines that were left out to stderr, and how many there are in all. */
void problems_report(const struct transcripts *t);

#endif
