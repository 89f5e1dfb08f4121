/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/score_json.h"

#include <math.h>

#include "base/json_writer.h"
#include "base/mem.h"

static int put_number(struct buffer *out, const char *before, double value, int decimals)
{
    int rc = buffer_puts(out, before);
    THEN(json_write_number(out, value, decimals));
    return rc;
}

/* Without the closing brace. */
static int put_edits(struct buffer *out, const char *before, const struct edits *e)
{
    int rc = buffer_puts(out, before);
    THEN(put_number(out, "{\"percent\": ", score_percent(e), 4));
    THEN(buffer_printf(out, ", \"errors\": %lld, \"total\": %lld, \"ins\": %lld, \"del\": %lld, \"sub\": %lld",
                       edits_errors(e), e->n_reference, e->n_insertions, e->n_deletions, e->n_substitutions));
    return rc;
}

static int put_score(struct buffer *out, const struct score *s)
{
    int rc = put_edits(out, "\"wer\": ", &s->words);
    THEN(put_edits(out, "}, \"cer\": ", &s->letters));
    THEN(put_number(out, "}, \"ser\": {\"percent\": ", scoring_wrong_percent(s), 4));
    THEN(buffer_printf(out, ", \"errors\": %d, \"total\": %d}, \"missing\": %d, \"extra\": %d", s->n_wrong, s->n,
                       s->n_missing, s->n_extra));
    return rc;
}

static int put_groups(struct buffer *out, const struct scoring *s, const struct scoring_groups *grouping)
{
    struct scoring_group *groups = NULL;
    int n = grouping->make(s, &groups), rc = n < 0 ? n : buffer_printf(out, ", \"by_%s\": {", grouping->name);
    for (int i = 0; rc == 0 && i < n; i++) {
        rc = buffer_puts(out, i > 0 ? ", " : "");
        THEN(json_write_text(out, groups[i].name));
        THEN(put_edits(out, ": ", &groups[i].words));
        THEN(buffer_printf(out, ", \"utterances\": %d}", groups[i].n));
    }
    mem_free(groups);
    THEN(buffer_puts(out, "}"));
    return rc;
}

static int put_difference(struct buffer *out, const struct scoring *s)
{
    const struct score_difference *d = &s->difference;
    int rc = buffer_puts(out, ", \"against\": {");
    THEN(put_score(out, &s->other));
    THEN(put_number(out, "}, \"difference\": {\"percent\": ", d->percent, 4));
    THEN(put_number(out, ", \"low\": ", d->low, 4));
    THEN(put_number(out, ", \"high\": ", d->high, 4));
    THEN(put_number(out, ", \"p\": ", d->p, 4));
    THEN(buffer_puts(out, "}"));
    return rc;
}

static int put_reliability(struct buffer *out, const struct reliability *r)
{
    int rc = buffer_printf(out, ", \"confidence\": {\"n\": %lld", r->n);
    THEN(put_number(out, ", \"ece\": ", reliability_ece(r), 6));
    THEN(put_number(out, ", \"nce\": ", reliability_nce(r), 6));
    THEN(buffer_puts(out, ", \"bins\": ["));
    for (int i = 0; rc == 0 && i < RELIABILITY_BINS; i++) {
        const struct reliability_bin *b = &r->bins[i];
        double n = b->n > 0 ? (double)b->n : NAN;
        rc = put_number(out, i > 0 ? ", {\"low\": " : "{\"low\": ", (double)i / RELIABILITY_BINS, 6);
        THEN(put_number(out, ", \"high\": ", (i + 1.0) / RELIABILITY_BINS, 6));
        THEN(buffer_printf(out, ", \"n\": %lld", b->n));
        THEN(put_number(out, ", \"confidence\": ", b->sum / n, 6));
        THEN(put_number(out, ", \"accuracy\": ", (double)b->n_right / n, 6));
        THEN(buffer_puts(out, "}"));
    }
    THEN(buffer_puts(out, "]}"));
    return rc;
}

static int put_confusions(struct buffer *out, const struct confusions *c)
{
    int rc = buffer_puts(out, ", \"confusions\": [");
    for (int i = 0; rc == 0 && i < c->n; i++) {
        const struct confusion *k = &c->at[i];
        rc = buffer_printf(out, "%s[\"%s\", ", i > 0 ? ", " : "", scoring_step_name(k->step));
        THEN(k->step == EDITS_INSERTION ? buffer_puts(out, "null") : json_write_text(out, k->reference));
        THEN(buffer_puts(out, ", "));
        THEN(k->step == EDITS_DELETION ? buffer_puts(out, "null") : json_write_text(out, k->hypothesis));
        THEN(buffer_printf(out, ", %lld]", k->n));
    }
    THEN(buffer_puts(out, "]"));
    return rc;
}

static int put_word(struct buffer *out, const struct edits_token *word)
{
    int rc = buffer_puts(out, ", ");
    THEN(word != NULL ? json_write_string(out, word->text, word->n) : buffer_puts(out, "null"));
    return rc;
}

int score_json_align(struct buffer *out, const struct score_alignment *a)
{
    struct score_walk walk = {0};
    struct score_pair pair;
    int rc = buffer_puts(out, out->n > 0 ? ", {\"id\": " : "{\"id\": ");
    THEN(json_write_text(out, a->utterance->id));
    THEN(put_edits(out, ", \"wer\": ", &a->utterance->words));
    THEN(buffer_puts(out, "}, \"alignment\": ["));
    for (int i = 0; rc == 0 && score_next(&walk, a, &pair); i++) {
        rc = buffer_printf(out, "%s[\"%s\"", i > 0 ? ", " : "", scoring_step_name(pair.step));
        THEN(put_word(out, pair.reference));
        THEN(put_word(out, pair.hypothesis));
        THEN(buffer_puts(out, "]"));
    }
    THEN(buffer_puts(out, "]}"));
    return rc;
}

int score_json_write(struct buffer *out, const struct scoring *s)
{
    struct scoring_groups groups[SCORING_GROUPINGS];
    int rc = buffer_puts(out, "{");
    THEN(put_score(out, &s->score));
    scoring_groupings(s, groups);
    for (int i = 0; i < SCORING_GROUPINGS; i++)
        if (groups[i].make != NULL)
            THEN(put_groups(out, s, &groups[i]));
    if (s->options->against != NULL)
        THEN(put_difference(out, s));
    if (s->reliability.n > 0)
        THEN(put_reliability(out, &s->reliability));
    if (s->options->n_confusions > 0)
        THEN(put_confusions(out, &s->confusions));
    if (s->options->align) {
        THEN(buffer_puts(out, ", \"utterances\": ["));
        THEN(buffer_append(out, buffer_text(&s->alignments), s->alignments.n));
        THEN(buffer_puts(out, "]"));
    }
    THEN(buffer_puts(out, "}\n"));
    return rc;
}
