/* SPDX-License-Identifier: Apache-2.0
 * segmental_recipe.h - the segmental search as settings want it, with the model's boundary network and lengths. */
#ifndef LINNET_DECODERS_SEGMENTAL_RECIPE_H
#define LINNET_DECODERS_SEGMENTAL_RECIPE_H

#include "base/settings.h"
#include "decoders/hybrid_model.h"
#include "decoders/segmental/length_model.h"
#include "decoders/segmental/search.h"

struct segmental_length_options {
    struct length_model_options model;
    char *file; /* of counts; "": the model's own */
};

/* Of struct segmental_options, of which blank, n_beam and the parts of a model are not settings; and of the lengths. */
extern const struct settings_table segmental_settings, segmental_length_settings;

/* Zeroed may be closed. */
struct segmental_recipe {
    struct segmental *search;
    struct length_model *lengths;
};

LINNET_MUST_CHECK int segmental_recipe_open(struct segmental_recipe *s, const struct hybrid_model *m,
                                            const struct settings *settings, int n_beam, struct message *msg);
void segmental_recipe_close(struct segmental_recipe *s);

#endif
