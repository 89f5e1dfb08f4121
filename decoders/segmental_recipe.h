/* SPDX-License-Identifier: Apache-2.0
 * segmental_recipe.h - the segmental search as a recipe wants it, with the model's boundary network and lengths. */
#ifndef LINNET_DECODERS_SEGMENTAL_RECIPE_H
#define LINNET_DECODERS_SEGMENTAL_RECIPE_H

#include "decoders/hybrid_model.h"
#include "base/recipe.h"
#include "decoders/segmental/search.h"

/* Zeroed may be closed. */
struct segmental_recipe {
    struct segmental *search;
    struct length_model *lengths;
};

LINNET_MUST_CHECK int segmental_recipe_open(struct segmental_recipe *s, const struct hybrid_model *m,
                                            const struct recipe *recipe, int n_beam, struct message *msg);
void segmental_recipe_close(struct segmental_recipe *s);

#endif
