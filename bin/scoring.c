/* SPDX-License-Identifier: Apache-2.0
 * scoring.c - classes of utterances. */
#include "bin/scoring.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct scoring_group *)a)->name, ((const struct scoring_group *)b)->name);
}

/* In order of names; an utterance without a speaker belongs to "?". */
int scoring_by_speaker(const struct scoring *s, struct scoring_group **groups)
{
    struct scoring_group *all = mem_array((size_t)s->score.n, sizeof *all);
    int n = 0;
    if (all == NULL)
        return LINNET_E_MEMORY;
    for (int i = 0; i < s->score.n; i++) {
        const char *name = transcripts_text(&s->speakers, s->score.utterances[i].id);
        all[i] = (struct scoring_group){name != NULL ? name : "?", s->score.utterances[i].words, 1};
    }
    qsort(all, (size_t)s->score.n, sizeof *all, by_name);
    for (int i = 0; i < s->score.n; i++) {
        if (n > 0 && by_name(&all[n - 1], &all[i]) == 0) {
            edits_add(&all[n - 1].words, &all[i].words);
            all[n - 1].n++;
        } else {
            all[n++] = all[i];
        }
    }
    *groups = all;
    return n;
}

/* Of 1-5 words and so on; empty ones are left out. */
int scoring_by_length(const struct scoring *s, struct scoring_group **groups)
{
    enum { N_LENGTHS = 6 };
    static const struct {
        const char *name;
        long long longest;
    } classes[N_LENGTHS] = {{"0", 0}, {"1-5", 5}, {"6-10", 10}, {"11-20", 20}, {"21-40", 40}, {"41+", 1LL << 60}};
    struct scoring_group *all = mem_array(N_LENGTHS, sizeof *all);
    int n = 0;
    if (all == NULL)
        return LINNET_E_MEMORY;
    for (int i = 0; i < s->score.n; i++) {
        int k = 0;
        while (s->score.utterances[i].words.n_reference > classes[k].longest)
            k++;
        all[k].name = classes[k].name;
        edits_add(&all[k].words, &s->score.utterances[i].words);
        all[k].n++;
    }
    for (int k = 0; k < N_LENGTHS; k++)
        if (all[k].n > 0)
            all[n++] = all[k];
    *groups = all;
    return n;
}

void scoring_groupings(const struct scoring *s, struct scoring_groups groups[SCORING_GROUPINGS])
{
    groups[0] = (struct scoring_groups){"speaker", s->options->by_speaker != NULL ? scoring_by_speaker : NULL};
    groups[1] = (struct scoring_groups){"length", s->options->by_length ? scoring_by_length : NULL};
}

double scoring_wrong_percent(const struct score *s) { return s->n > 0 ? 100.0 * s->n_wrong / s->n : 0; }

const char *scoring_step_name(enum edits_step step)
{
    static const char *const names[] = {"ok", "sub", "del", "ins"};
    return names[step];
}
