/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/score_text.h"

#include <math.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

static int put_edits(struct buffer *out, const char *name, const struct edits *e)
{
    return buffer_printf(out, "%%%s %.2f [ %lld / %lld, %lld ins, %lld del, %lld sub ]", name, score_percent(e),
                         edits_errors(e), e->n_reference, e->n_insertions, e->n_deletions, e->n_substitutions);
}

static int put_score(struct buffer *out, const struct score *s)
{
    int rc = put_edits(out, "WER", &s->words);
    THEN(buffer_puts(out, "\n"));
    THEN(put_edits(out, "CER", &s->letters));
    THEN(buffer_printf(out, "\n%%SER %.2f [ %d / %d ]\n", scoring_wrong_percent(s), s->n_wrong, s->n));
    return rc;
}

static int columns_of(const struct edits_token *word)
{
    int columns = 0;
    for (size_t at = 0, size; word != NULL && at < word->n; at += size) {
        uint32_t code;
        size = utf8_next(word->text + at, word->n - at, &code);
        columns += unicode_columns(code);
    }
    return columns;
}

enum row { REFERENCE, HYPOTHESIS, MARKS };

/* Words in columns, stars where a row has none, or a letter for each error, as NIST's sclite shows them. */
static int put_row(struct buffer *out, const char *title, const struct score_alignment *a, enum row row)
{
    static const char marks[] = " SDI";
    struct score_walk walk = {0};
    struct score_pair pair;
    int rc = buffer_puts(out, title);
    while (rc == 0 && score_next(&walk, a, &pair)) {
        const struct edits_token *word = row == REFERENCE ? pair.reference : row == HYPOTHESIS ? pair.hypothesis : NULL;
        int n_reference = columns_of(pair.reference), n_hypothesis = columns_of(pair.hypothesis);
        int width = n_reference > n_hypothesis ? n_reference : n_hypothesis, n = columns_of(word);
        rc = buffer_puts(out, " ");
        if (word != NULL)
            THEN(buffer_append(out, word->text, word->n));
        if (row == MARKS)
            THEN(buffer_append(out, &marks[pair.step], 1));
        for (n += row == MARKS; n < width; n++)
            THEN(buffer_puts(out, word == NULL && row != MARKS ? "*" : " "));
    }
    while (rc == 0 && out->data[out->n - 1] == ' ')
        buffer_cut(out, out->n - 1);
    return rc == 0 ? buffer_puts(out, "\n") : rc;
}

int score_text_align(struct buffer *out, const struct score_alignment *a)
{
    if (edits_errors(&a->utterance->words) == 0)
        return 0;
    int rc = buffer_printf(out, "%s ", a->utterance->id);
    THEN(put_edits(out, "WER", &a->utterance->words));
    THEN(put_row(out, "\n  REF: ", a, REFERENCE));
    THEN(put_row(out, "  HYP: ", a, HYPOTHESIS));
    THEN(put_row(out, "  Eval:", a, MARKS));
    return rc;
}

static int put_groups(struct buffer *out, const struct scoring *s, const struct scoring_groups *grouping)
{
    struct scoring_group *groups = NULL;
    int n = grouping->make(s, &groups), rc = n < 0 ? n : 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        rc = buffer_printf(out, "%s %s ", grouping->name, groups[i].name);
        THEN(put_edits(out, "WER", &groups[i].words));
        THEN(buffer_printf(out, " %d utterances\n", groups[i].n));
    }
    mem_free(groups);
    return rc;
}

static int put_confusions(struct buffer *out, const struct confusions *c)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < c->n; i++) {
        const struct confusion *k = &c->at[i];
        rc = buffer_printf(out, "%s %lld %s%s%s\n", scoring_step_name(k->step), k->n, k->reference,
                           k->step == EDITS_SUBSTITUTION ? " -> " : "", k->hypothesis);
    }
    return rc;
}

static int put_reliability(struct buffer *out, const struct reliability *r)
{
    double nce = reliability_nce(r);
    int rc = buffer_printf(out, "confidence ECE %.4f, NCE ", reliability_ece(r));
    THEN(isnan(nce) ? buffer_puts(out, "-") : buffer_printf(out, "%.4f", nce));
    THEN(buffer_printf(out, ", %lld words\n", r->n));
    return rc;
}

int score_text_write(struct buffer *out, const struct scoring *s)
{
    struct scoring_groups groups[SCORING_GROUPINGS];
    const struct score_difference *d = &s->difference;
    int rc = buffer_append(out, buffer_text(&s->alignments), s->alignments.n);
    THEN(put_score(out, &s->score));
    scoring_groupings(s, groups);
    for (int i = 0; i < SCORING_GROUPINGS; i++)
        if (groups[i].make != NULL)
            THEN(put_groups(out, s, &groups[i]));
    if (s->options->against != NULL) {
        THEN(buffer_printf(out, "against %s\n", s->options->against));
        THEN(put_score(out, &s->other));
        THEN(buffer_printf(out, "difference %+.2f, 95%% between %+.2f and %+.2f, p %.3f\n", d->percent, d->low, d->high,
                           d->p));
    }
    if (s->reliability.n > 0)
        THEN(put_reliability(out, &s->reliability));
    THEN(put_confusions(out, &s->confusions));
    return rc;
}
