/* SPDX-License-Identifier: Apache-2.0
 * edits.c - Levenshtein's distance by rows; each cell carries its counts along the path that was chosen for it.
 *
 * What both texts begin or end with is matched first.  Among ways that are equally short a deletion is the last step
 * before an insertion or a match; an insertion comes before a match where the cell on its left is better than the
 * diagonal one, and else after a match or substitution.  These are the choices of rapidfuzz, and hence of jiwer. */
#include "score/edits.h"

#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

struct cell {
    int n_errors, n_insertions, n_deletions;
};

int edits_split(const char *text, size_t n, int letters, struct edits_token **tokens)
{
    struct edits_token *all = mem_array(n + 1, sizeof *all);
    int n_tokens = 0, in_word = 0;
    if (all == NULL)
        return LINNET_E_MEMORY;
    for (size_t at = 0, size; at < n; at += size) {
        uint32_t code;
        size = utf8_next(text + at, n - at, &code);
        int blank = unicode_is_blank(code);
        if (!blank && in_word && !letters)
            all[n_tokens - 1].n += size;
        else if (!blank)
            all[n_tokens++] = (struct edits_token){text + at, size};
        in_word = !blank;
    }
    *tokens = all;
    return n_tokens;
}

static int same(const struct edits_token *a, const struct edits_token *b)
{
    return a->n == b->n && a->text[0] == b->text[0] && memcmp(a->text, b->text, a->n) == 0;
}

/* The steps of all cells, two bits each. */
struct table {
    unsigned char *at;
    size_t width;
};

static void table_put(const struct table *t, int i, int j, unsigned step)
{
    size_t k = (size_t)i * t->width + (size_t)j;
    t->at[k / 4] |= (unsigned char)(step << k % 4 * 2);
}

static unsigned char table_get(const struct table *t, int i, int j)
{
    size_t k = (size_t)i * t->width + (size_t)j;
    return t->at[k / 4] >> k % 4 * 2 & 3;
}

/* Walks back from the last cell; steps come last first and are reversed. */
static int walk(const struct table *t, int n, int m, unsigned char *steps)
{
    int n_steps = 0;
    while (n > 0 || m > 0) {
        unsigned char step = table_get(t, n, m);
        steps[n_steps++] = step;
        n -= step != EDITS_INSERTION;
        m -= step != EDITS_DELETION;
    }
    for (int i = 0; i < n_steps / 2; i++) {
        unsigned char step = steps[i];
        steps[i] = steps[n_steps - 1 - i];
        steps[n_steps - 1 - i] = step;
    }
    return n_steps;
}

/* The last step of the way to a cell that is not in the first row or column.  Where the cell on the left is better than
 * the diagonal one no way is shorter than an insertion. */
static enum edits_step choose(const struct cell *above, const struct cell *left, const struct cell *diagonal,
                              int is_same)
{
    int by_diagonal = diagonal->n_errors + !is_same, by_left = left->n_errors + 1;
    if (above->n_errors + 1 <= (by_diagonal < by_left ? by_diagonal : by_left))
        return EDITS_DELETION;
    if (left->n_errors < diagonal->n_errors)
        return EDITS_INSERTION;
    return is_same ? EDITS_MATCH : EDITS_SUBSTITUTION;
}

/* Counts of the last cell, row by row; the table may be empty. */
static struct cell fill(const struct edits_token *a, int n, const struct edits_token *b, int m, struct cell *row,
                        const struct table *table)
{
    for (int i = 0; i <= n; i++) {
        struct cell diagonal = row[0]; /* of the row before, in the column before */
        for (int j = 0; j <= m; j++) {
            struct cell above = row[j], best = {0};
            enum edits_step step = EDITS_MATCH;
            if (i > 0 && j > 0)
                step = choose(&above, &row[j - 1], &diagonal, same(&a[i - 1], &b[j - 1]));
            else if (i > 0 || j > 0)
                step = i > 0 ? EDITS_DELETION : EDITS_INSERTION;
            if (i > 0 || j > 0)
                best = step == EDITS_DELETION ? above : step == EDITS_INSERTION ? row[j - 1] : diagonal;
            best.n_errors += step != EDITS_MATCH;
            best.n_deletions += step == EDITS_DELETION;
            best.n_insertions += step == EDITS_INSERTION;
            row[j] = best;
            diagonal = above;
            if (table->at != NULL)
                table_put(table, i, j, step);
        }
    }
    return row[m];
}

int edits_count(const struct edits_token *reference, int n_reference, const struct edits_token *hypothesis,
                int n_hypothesis, struct edits *edits, unsigned char *steps, int *n_steps)
{
    const struct edits_token *a = reference, *b = hypothesis;
    int n = n_reference, m = n_hypothesis, n_before = 0, n_after = 0;
    for (; n > 0 && m > 0 && same(a, b); n--, m--, a++, b++)
        n_before++;
    for (; n > 0 && m > 0 && same(&a[n - 1], &b[m - 1]); n--, m--)
        n_after++;
    struct table table = {NULL, (size_t)m + 1};
    struct cell *row = mem_array(table.width, sizeof *row);
    if (steps != NULL)
        table.at = mem_array((size_t)n + 1, table.width / 4 + 1);
    if (row == NULL || (steps != NULL && table.at == NULL)) {
        mem_free(row);
        mem_free(table.at);
        return LINNET_E_MEMORY;
    }
    struct cell last = fill(a, n, b, m, row, &table);
    *edits = (struct edits){n_reference, last.n_insertions, last.n_deletions,
                            last.n_errors - last.n_insertions - last.n_deletions};
    if (steps != NULL) {
        memset(steps, EDITS_MATCH, (size_t)n_before);
        int n_between = walk(&table, n, m, steps + n_before);
        memset(steps + n_before + n_between, EDITS_MATCH, (size_t)n_after);
        *n_steps = n_before + n_between + n_after;
    }
    mem_free(row);
    mem_free(table.at);
    return 0;
}

void edits_add(struct edits *sum, const struct edits *more)
{
    sum->n_reference += more->n_reference;
    sum->n_insertions += more->n_insertions;
    sum->n_deletions += more->n_deletions;
    sum->n_substitutions += more->n_substitutions;
}
