/* SPDX-License-Identifier: Apache-2.0
 * confusions.c - every error is kept until the end: they are fewer than words, and a sort finds what is equal. */
#include "score/confusions.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int put(struct buffer *texts, const struct edits_token *word, size_t *at)
{
    *at = texts->n;
    int rc = word != NULL ? buffer_append(texts, word->text, word->n) : 0;
    return rc < 0 ? rc : buffer_append(texts, "", 1);
}

int confusions_add(struct confusions *c, const struct score_pair *pair)
{
    int rc;
    if (pair->step == EDITS_MATCH)
        return 0;
    if ((rc = MEM_GROW(c->at, c->room, c->n + 1)) < 0)
        return rc;
    struct confusion *added = &c->at[c->n];
    *added = (struct confusion){.step = pair->step, .n = 1};
    if ((rc = put(&c->texts, pair->reference, &added->reference_at)) < 0 ||
        (rc = put(&c->texts, pair->hypothesis, &added->hypothesis_at)) < 0)
        return rc;
    c->n++;
    return 0;
}

static int by_words(const void *a, const void *b)
{
    const struct confusion *x = a, *y = b;
    int order = (x->step > y->step) - (x->step < y->step);
    order = order != 0 ? order : strcmp(x->reference, y->reference);
    return order != 0 ? order : strcmp(x->hypothesis, y->hypothesis);
}

static int by_number(const void *a, const void *b)
{
    const struct confusion *x = a, *y = b;
    if (x->step != y->step || x->n == y->n)
        return by_words(a, b);
    return x->n < y->n ? 1 : -1;
}

static void add_up(struct confusions *c)
{
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        if (n > 0 && by_words(&c->at[n - 1], &c->at[i]) == 0)
            c->at[n - 1].n++;
        else
            c->at[n++] = c->at[i];
    }
    c->n = n;
}

void confusions_rank(struct confusions *c, int n_most)
{
    if (c->n == 0)
        return;
    for (int i = 0; i < c->n; i++) { /* the texts do not move any more */
        c->at[i].reference = c->texts.data + c->at[i].reference_at;
        c->at[i].hypothesis = c->texts.data + c->at[i].hypothesis_at;
    }
    qsort(c->at, (size_t)c->n, sizeof *c->at, by_words);
    add_up(c);
    qsort(c->at, (size_t)c->n, sizeof *c->at, by_number);
    int n = 0, n_kind = 0;
    for (int i = 0; i < c->n; i++) {
        n_kind = i > 0 && c->at[i].step == c->at[i - 1].step ? n_kind + 1 : 1;
        if (n_kind <= n_most)
            c->at[n++] = c->at[i];
    }
    c->n = n;
}

void confusions_free(struct confusions *c)
{
    mem_free(c->at);
    buffer_free(&c->texts);
    *c = (struct confusions){0};
}
