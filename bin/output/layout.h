/* SPDX-License-Identifier: Apache-2.0
 * layout.h - text cut into cues, and cues into lines. */
#ifndef LINNET_BIN_OUTPUT_LAYOUT_H
#define LINNET_BIN_OUTPUT_LAYOUT_H

#include "bin/output/pieces.h"

enum { LAYOUT_MOST = 512 }; /* pieces at once */

#define LAYOUT_LEAST_S (5.0 / 6) /* how long a cue is shown at least, and at most */
#define LAYOUT_LONGEST_S 7.0

/* What a cue may hold. */
struct layout {
    int columns, words; /* of a line; words 0: any number */
    int lines;
};

/* Cuts the first n pieces, LAYOUT_MOST at most, into cues: ends[0 .. returned - 1] get the pieces that they end
 * before. */
int layout_cues(const struct layout *l, const struct pieces *p, int n, int *ends);

/* Cuts pieces first .. last - 1, which are a cue, into lines likewise. */
int layout_lines(const struct layout *l, const struct pieces *p, int first, int last, int *ends);

#endif
