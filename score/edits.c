/* SPDX-License-Identifier: Apache-2.0
 * edits.c - Levenshtein's distance by rows; each cell carries its counts along the path that was chosen for it. */
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

/* Walks back from the last cell; steps come last first and are reversed. */
static int walk(const unsigned char *table, int n, int m, unsigned char *steps)
{
    size_t width = (size_t)m + 1;
    int n_steps = 0;
    while (n > 0 || m > 0) {
        unsigned char step = table[(size_t)n * width + (size_t)m];
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

int edits_count(const struct edits_token *reference, int n, const struct edits_token *hypothesis, int m,
                struct edits *edits, unsigned char *steps, int *n_steps)
{
    size_t width = (size_t)m + 1;
    struct cell *row = mem_array(width, sizeof *row);
    unsigned char *table = steps != NULL ? mem_array((size_t)n + 1, width) : NULL;
    if (row == NULL || (steps != NULL && table == NULL)) {
        mem_free(row);
        mem_free(table);
        return LINNET_E_MEMORY;
    }
    for (int i = 0; i <= n; i++) {
        struct cell diagonal = row[0]; /* of the row before, in the column before */
        for (int j = 0; j <= m; j++) {
            struct cell above = row[j], best = {0};
            unsigned char step = EDITS_MATCH;
            if (i > 0 && j > 0) {
                best = diagonal;
                step = same(&reference[i - 1], &hypothesis[j - 1]) ? EDITS_MATCH : EDITS_SUBSTITUTION;
                best.n_errors += step == EDITS_SUBSTITUTION;
            }
            if (i > 0 && (j == 0 || above.n_errors + 1 < best.n_errors)) {
                best = (struct cell){above.n_errors + 1, above.n_insertions, above.n_deletions + 1};
                step = EDITS_DELETION;
            }
            if (j > 0 && (i == 0 || row[j - 1].n_errors + 1 < best.n_errors)) {
                best = (struct cell){row[j - 1].n_errors + 1, row[j - 1].n_insertions + 1, row[j - 1].n_deletions};
                step = EDITS_INSERTION;
            }
            row[j] = best;
            diagonal = above;
            if (table != NULL)
                table[(size_t)i * width + (size_t)j] = step;
        }
    }
    const struct cell *last = &row[m];
    *edits = (struct edits){n, last->n_insertions, last->n_deletions,
                            last->n_errors - last->n_insertions - last->n_deletions};
    if (steps != NULL)
        *n_steps = walk(table, n, m, steps);
    mem_free(row);
    mem_free(table);
    return 0;
}

void edits_add(struct edits *sum, const struct edits *more)
{
    sum->n_reference += more->n_reference;
    sum->n_insertions += more->n_insertions;
    sum->n_deletions += more->n_deletions;
    sum->n_substitutions += more->n_substitutions;
}
