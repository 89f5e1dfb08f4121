/* SPDX-License-Identifier: Apache-2.0
 * settings.c - `linnet settings`: the table of what a recipe can set. */
#include "bin/settings.h"

#include "bin/options.h"
#include "base/recipe.h"

static const char *kind_of(const struct recipe_key *k)
{
    static const char *const types[] = {"text", "whole number", "number", "true|false", "numbers"};
    return k->choices != NULL ? k->choices : types[k->type];
}

static int has_range(const struct recipe_key *k)
{
    return k->type == RECIPE_INT || k->type == RECIPE_NUMBER || k->type == RECIPE_LIST;
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    (void)msg;
    (void)values;
    (void)n_arguments;
    (void)arguments;
    const struct recipe_key *k;
    for (int i = 0; (k = recipe_key_at(i)) != NULL; i++) {
        printf("%s\n    %s.\n    %s", k->key, k->help, kind_of(k));
        if (has_range(k))
            printf(" from %g to %g", k->low, k->high);
        printf(", default %s\n", k->initial[0] != '\0' ? k->initial : "empty");
    }
    return EXIT_DONE;
}

void settings_manual(FILE *out)
{
    const struct recipe_key *k;
    for (int i = 0; (k = recipe_key_at(i)) != NULL; i++) {
        fputs(".TP\n.B ", out);
        options_roff(k->key, out);
        fputs("\n", out);
        options_roff(k->help, out);
        fputs(".\n", out);
        options_roff(kind_of(k), out);
        if (has_range(k)) {
            char range[80];
            snprintf(range, sizeof range, " from %g to %g", k->low, k->high);
            options_roff(range, out);
        }
        fputs(", default ", out);
        options_roff(k->initial[0] != '\0' ? k->initial : "empty", out);
        fputs("\n", out);
    }
}

const struct command settings_command = {
    .name = "settings",
    .summary = "list what a recipe and --set can set",
    .arguments = "",
    .text = "A recipe.yaml names settings in nested maps, --set in dots:\n"
            "    decoder: {name: whisper, beam: 5}      --set decoder.beam=5",
    .run = run,
};
