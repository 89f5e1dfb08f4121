/* SPDX-License-Identifier: Apache-2.0
 * pieces.h - the text of subtitles, with its times, in pieces that no line break may part. */
#ifndef LINNET_BIN_OUTPUT_PIECES_H
#define LINNET_BIN_OUTPUT_PIECES_H

#include <stdint.h>

#include "base/buffer.h"

struct piece {
    size_t at, n; /* bytes of the text */
    double start_s, end_s;
    int columns;      /* that it takes: wide characters two, marks none */
    int is_spaced;    /* a space stands before it */
    int ends_segment; /* it is the last of its segment */
};

/* Zeroed is empty. */
struct pieces {
    struct buffer text;
    struct piece *at; /* [n] */
    int n, room;
    uint32_t last; /* code of the text, 0: there is none */
    int is_spaced; /* a space came after it */
};

/* Appends a text that was spoken from start_s to end_s: a word, or what has no times for its words.  A piece gets the
 * share of the time that its columns are of the text's.  What is wider than `widest` columns is parted all the same. */
int pieces_add(struct pieces *p, const char *text, double start_s, double end_s, int widest);
void pieces_end_segment(struct pieces *p);
void pieces_drop(struct pieces *p, int n); /* the first n */
void pieces_free(struct pieces *p);

int pieces_columns(const struct pieces *p, int first, int last); /* of first .. last - 1 on one line */
int pieces_write(const struct pieces *p, int first, int last, struct buffer *out); /* the same as text, appended */

/* How good a place for a break is: after a short word, which mostly leans on the next one, the worst. */
enum piece_break { PIECE_SHORT, PIECE_WORD, PIECE_CLAUSE, PIECE_SENTENCE };
enum piece_break pieces_break(const struct pieces *p, int i); /* after piece i; the last ends a sentence */

#endif
