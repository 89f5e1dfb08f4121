/* SPDX-License-Identifier: Apache-2.0
 * run_recipe.h - recipe.yaml in an output folder of `linnet decode`: with which settings its results were made, and of
 * which share they are. */
#ifndef LINNET_BIN_RUN_RECIPE_H
#define LINNET_BIN_RUN_RECIPE_H

#include "base/settings.h"
#include "bin/share.h"

struct run_recipe {
    struct settings *settings; /* as the stream sees them; those that decide nothing are set to their defaults */
    const struct share *share;
    int streaming;
};

/* Writes it, or checks that the one that is there says the same. */
LINNET_MUST_CHECK int run_recipe_check(const struct run_recipe *r, const char *folder, int is_new, struct message *msg);

#endif
