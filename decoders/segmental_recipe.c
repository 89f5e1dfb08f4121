/* SPDX-License-Identifier: Apache-2.0
 * segmental_recipe.c - settings of the segmental search. */
#include "decoders/segmental_recipe.h"

#include "base/parse.h"

static int lengths_open(struct segmental_recipe *s, const struct hybrid_model *m, const struct recipe *r,
                        struct message *msg)
{
    const struct length_model_options options = {
        (enum length_model_kind)parse_choice(r->segmental_length_model, "none|static|global|label"),
        r->segmental_length_variance, r->segmental_length_smoothing};
    struct length_counts read = {0};
    const struct length_counts *counts = &m->lengths;
    int rc = LINNET_OK;
    if (options.kind == LENGTH_MODEL_NONE)
        return LINNET_OK;
    if (r->segmental_length_file[0] != '\0') {
        rc = length_counts_read(&read, r->segmental_length_file, m->n_vocabulary, msg);
        counts = &read;
    } else if (m->lengths.n_labels == 0) {
        rc = fail(
            msg, LINNET_E_ARGUMENT,
            "segmental.length_model is '%s', but the model has no lengths.txt and segmental.length_file is not set "
            "(linnet align makes it)",
            r->segmental_length_model);
    }
    if (rc >= 0)
        rc = length_model_open(&s->lengths, &options, counts, msg);
    length_counts_close(&read);
    return rc;
}

int segmental_recipe_open(struct segmental_recipe *s, const struct hybrid_model *m, const struct recipe *r, int n_beam,
                          struct message *msg)
{
    *s = (struct segmental_recipe){0};
    if (m->left == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "the model has no attention decoder: ctc_prefix_beam and ctc_greedy need none");
    int rc = lengths_open(s, m, r, msg);
    if (rc < 0)
        return rc;
    const struct segmental_options options = {
        .blank = m->blank,
        .n_beam = n_beam,
        .score_beam = r->segmental_score_beam,
        .left = r->segmental_left,
        .right = r->segmental_right,
        .longest_segment = r->segmental_longest,
        .history = r->segmental_history,
        .recombination = (enum segmental_recombination)parse_choice(r->segmental_recombination, "none|max|sum"),
        .label_scale = r->segmental_label_scale,
        .boundary_scale = r->segmental_boundary_scale,
        .length_scale = r->segmental_length_scale,
        .lengths = s->lengths,
        .boundary = m->boundary};
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
