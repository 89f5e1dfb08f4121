/* SPDX-License-Identifier: Apache-2.0
 * segmental_recipe.c - settings of the segmental search. */
#include "decoders/segmental_recipe.h"

/* ---- the tables ---- */

#define FIELD(name) offsetof(struct segmental_options, name)

static const struct setting search[] = {
    {"segmental.left", SETTING_INT, FIELD(left), "8", -1, 100000, NULL,
     "encoder frames before its segment that a label attends to; -1: all"},
    {"segmental.right", SETTING_INT, FIELD(right), "6", -1, 100000, NULL,
     "encoder frames after its segment that a label attends to: a stream's look-ahead; -1: all"},
    {"segmental.longest", SETTING_INT, FIELD(longest_segment), "100", 0, 100000, NULL,
     "encoder frames of a segment that a label attends to, at most: of longer ones the last; 0: all"},
    {"segmental.history", SETTING_INT, FIELD(history), "100", 0, 100000, NULL,
     "labels after which the label decoder restarts without context; 0: never"},
    {"segmental.recombination", SETTING_CHOICE, FIELD(recombination), "sum", 0, 0,
     SETTING_CHOICES(SEGMENTAL_RECOMBINATIONS),
     "of hypotheses with the same labels keep all (none), the best (max), or the best with the probability of all "
     "(sum)"},
    {"segmental.score_beam", SETTING_NUMBER, FIELD(score_beam), "12", 0.01, 1e9, NULL,
     "hypotheses whose log probability is this much below the best are dropped"},
    {"segmental.label_scale", SETTING_NUMBER, FIELD(label_scale), "1", 0, 1000, NULL, "weight of label scores"},
    {"segmental.boundary_scale", SETTING_NUMBER, FIELD(boundary_scale), "1", 0, 1000, NULL,
     "weight of the scores of segment boundaries"},
    {"segmental.length_scale", SETTING_NUMBER, FIELD(length_scale), "1", 0, 1000, NULL,
     "weight of the scores of segment lengths"},
    {0}};

const struct settings_table segmental_settings = {"Segmental search", sizeof(struct segmental_options), search};

#undef FIELD
#define FIELD(name) offsetof(struct segmental_length_options, name)

static const struct setting lengths[] = {
    {"segmental.length_model", SETTING_CHOICE, FIELD(model.kind), "none", 0, 0, SETTING_CHOICES(LENGTH_MODEL_KINDS),
     "lengths of segments: any (none), around the label's mean (static), one histogram for all labels (global), or one "
     "for each (label)"},
    {"segmental.length_file", SETTING_TEXT, FIELD(file), "", 0, 0, NULL,
     "lengths that 'linnet align' counted; empty: lengths.txt of the model"},
    {"segmental.length_variance", SETTING_NUMBER, FIELD(model.variance), "0.3", 0, 1000, NULL,
     "static: how fast probability falls away from the mean length"},
    {"segmental.length_smoothing", SETTING_NUMBER, FIELD(model.smoothing), "10", 0, 1e9, NULL,
     "global, label: counts added from the more general distribution"},
    {0}};

const struct settings_table segmental_length_settings = {"Lengths of segments", sizeof(struct segmental_length_options),
                                                         lengths};

/* ---- opening ---- */

static int lengths_open(struct segmental_recipe *s, const struct hybrid_model *m,
                        const struct segmental_length_options *o, struct message *msg)
{
    struct length_counts read = {0};
    const struct length_counts *counts = &m->lengths;
    int rc = LINNET_OK;
    if (o->model.kind == LENGTH_MODEL_NONE)
        return LINNET_OK;
    if (o->file[0] != '\0') {
        rc = length_counts_read(&read, o->file, m->n_vocabulary, msg);
        counts = &read;
    } else if (m->lengths.n_labels == 0) {
        rc = fail(msg, LINNET_E_ARGUMENT,
                  "segmental.length_model: the model has no lengths.txt, and segmental.length_file is not set (linnet "
                  "align makes one)");
    }
    if (rc >= 0)
        rc = length_model_open(&s->lengths, &o->model, counts, msg);
    length_counts_close(&read);
    return rc;
}

int segmental_recipe_open(struct segmental_recipe *s, const struct hybrid_model *m, const struct settings *settings,
                          int n_beam, struct message *msg)
{
    *s = (struct segmental_recipe){0};
    if (m->left == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "the model has no attention decoder: ctc_prefix_beam and ctc_greedy need none");
    int rc = lengths_open(s, m, settings_of(settings, &segmental_length_settings), msg);
    if (rc < 0)
        return rc;
    const struct segmental_options *set = settings_of(settings, &segmental_settings);
    struct segmental_options options = *set;
    options.blank = m->blank;
    options.n_beam = n_beam;
    options.lengths = s->lengths;
    options.boundary = m->boundary;
    rc = segmental_open(&s->search, m->left, &options, msg);
    if (rc < 0)
        segmental_recipe_close(s);
    return rc;
}

void segmental_recipe_close(struct segmental_recipe *s)
{
    segmental_close(s->search);
    length_model_close(s->lengths);
    *s = (struct segmental_recipe){0};
}
