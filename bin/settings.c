/* SPDX-License-Identifier: Apache-2.0
 * settings.c - `linnet settings`: the tables of what a recipe can set. */
#include "bin/settings.h"

#include "bin/options.h"
#include "models/model.h"

static const char *kind_of(const struct setting *k)
{
    static const char *const types[] = {"text", "whole number", "number", "true|false", "numbers"};
    return k->type == SETTING_CHOICE ? k->choices : types[k->type];
}

static int has_range(const struct setting *k)
{
    return k->type == SETTING_INT || k->type == SETTING_NUMBER || k->type == SETTING_LIST;
}

static void print(const struct setting *k, FILE *out)
{
    fprintf(out, "%s\n    %s.\n    %s", k->key, k->help, kind_of(k));
    if (has_range(k))
        fprintf(out, " from %g to %g", k->low, k->high);
    fprintf(out, ", default %s\n", k->initial[0] != '\0' ? k->initial : "empty");
}

static void print_roff(const struct setting *k, FILE *out)
{
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

static int print_all(int is_roff, FILE *out, struct message *msg)
{
    struct settings s = {0};
    int rc = model_open_settings(&s, msg);
    for (int i = 0; i < s.n; i++) {
        if (is_roff)
            fprintf(out, ".SS %s\n", s.tables[i]->title);
        else
            fprintf(out, "%s%s:\n\n", i > 0 ? "\n" : "", s.tables[i]->title);
        for (const struct setting *k = s.tables[i]->at; k->key != NULL; k++)
            if (k->type != SETTING_GONE)
                (is_roff ? print_roff : print)(k, out);
    }
    settings_close(&s);
    return rc < 0 ? rc : EXIT_DONE;
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    (void)values;
    (void)n_arguments;
    (void)arguments;
    return print_all(0, stdout, msg);
}

int settings_manual(FILE *out) { return print_all(1, out, NULL); }

const struct command settings_command = {
    .name = "settings",
    .summary = "list what a recipe and --set can set",
    .arguments = "",
    .text = "A recipe.yaml names settings in nested maps, --set in dots:\n"
            "    decoder: {name: whisper, beam: 5}      --set decoder.beam=5",
    .run = run,
};
