/* SPDX-License-Identifier: Apache-2.0
 * layout.c - the cut that costs least, by dynamic programming over all places for a break: no more lines than needed,
 * few cues, ends of sentences and clauses, else parts of about the same width (sums of squares are least then).  The
 * limits of time are those that Netflix's style guides ask of subtitles. */
#include "bin/output/layout.h"

#include <math.h>

/* A line costs more than all else together; a cue as much as filling it does, so that one more may be worth it. */
#define COST_OF_LINE 10.0
#define COST_OF_CUE 1.0
#define COST_OF_SHORT 0.5 /* a cue that is shown too short */

struct cut {
    const struct layout *layout;
    const struct pieces *pieces;
    double (*cost)(const struct cut *c, int first, int last); /* of a part; INFINITY: it is too large */
};

/* A piece alone is never too large. */
static int cut(const struct cut *c, int first, int last, int *ends)
{
    double best[LAYOUT_MOST + 1];
    int from[LAYOUT_MOST + 1], n = last - first, n_parts = 0;
    best[0] = from[0] = 0;
    for (int i = 1; i <= n; i++) {
        best[i] = INFINITY;
        for (int k = i - 1; k >= 0; k--) {
            double cost = c->cost(c, first + k, first + i);
            if (isinf(cost))
                break;
            if (best[k] + cost < best[i]) {
                best[i] = best[k] + cost;
                from[i] = k;
            }
        }
    }
    for (int i = n; i > 0; i = from[i])
        n_parts++;
    for (int i = n, part = n_parts; i > 0; i = from[i])
        ends[--part] = first + i;
    return n_parts;
}

/* By enum piece_break. */
static const double cost_of_line_break[] = {0.15, 0.05, 0, 0}, cost_of_cue_break[] = {0.5, 0.2, 0.03, 0};

static int fits_line(const struct layout *l, const struct pieces *p, int first, int last)
{
    return last - first == 1 ||
           (pieces_columns(p, first, last) <= l->columns && (l->words == 0 || last - first <= l->words));
}

static double cost_of_line(const struct cut *c, int first, int last)
{
    if (!fits_line(c->layout, c->pieces, first, last))
        return INFINITY;
    double share = (double)pieces_columns(c->pieces, first, last) / c->layout->columns;
    return COST_OF_LINE + share * share + cost_of_line_break[pieces_break(c->pieces, last - 1)];
}

/* Lines that the pieces take when each is filled. */
static int count_lines(const struct layout *l, const struct pieces *p, int first, int last)
{
    int n = 1, columns = p->at[first].columns, words = 1;
    for (int i = first + 1; i < last; i++) {
        columns += p->at[i].is_spaced + p->at[i].columns;
        words++;
        if (columns > l->columns || (l->words > 0 && words > l->words)) {
            columns = p->at[i].columns;
            words = 1;
            n++;
        }
    }
    return n;
}

static double cost_of_cue(const struct cut *c, int first, int last)
{
    const struct pieces *p = c->pieces;
    double length_s = p->at[last - 1].end_s - p->at[first].start_s;
    int is_long = length_s > LAYOUT_LONGEST_S && pieces_columns(p, first, last) > c->layout->columns / 2;
    if (last - first > 1 && (is_long || count_lines(c->layout, p, first, last) > c->layout->lines))
        return INFINITY;
    double share = (double)pieces_columns(p, first, last) / (c->layout->columns * c->layout->lines);
    return COST_OF_CUE + share * share + (length_s < LAYOUT_LEAST_S ? COST_OF_SHORT : 0) +
           cost_of_cue_break[pieces_break(p, last - 1)];
}

int layout_cues(const struct layout *l, const struct pieces *p, int n, int *ends)
{
    const struct cut c = {l, p, cost_of_cue};
    return cut(&c, 0, n, ends);
}

int layout_lines(const struct layout *l, const struct pieces *p, int first, int last, int *ends)
{
    const struct cut c = {l, p, cost_of_line};
    return cut(&c, first, last, ends);
}
