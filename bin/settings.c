/* SPDX-License-Identifier: Apache-2.0
 * settings.c - `linnet settings`: the table of what a recipe can set. */
#include "bin/options.h"
#include "decoders/recipe.h"

static int run(void *values, int n_arguments, char **arguments)
{
    static const char *const types[] = {"text", "whole number", "number", "true|false", "numbers"};
    (void)values;
    (void)n_arguments;
    (void)arguments;
    const struct recipe_key *k;
    for (int i = 0; (k = recipe_key_at(i)) != NULL; i++) {
        printf("%s\n    %s.\n    %s", k->key, k->help, k->choices != NULL ? k->choices : types[k->type]);
        if (k->type == RECIPE_INT || k->type == RECIPE_NUMBER || k->type == RECIPE_LIST)
            printf(" from %g to %g", k->low, k->high);
        printf(", default %s\n", k->initial[0] != '\0' ? k->initial : "empty");
    }
    return EXIT_DONE;
}

const struct command settings_command = {
    .name = "settings",
    .summary = "list what a recipe and --set can set",
    .arguments = "",
    .text = "A recipe.yaml names settings in nested maps, --set in dots:\n"
            "    decoder: {name: whisper, beam: 5}      --set decoder.beam=5",
    .run = run,
};
