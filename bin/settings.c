/* SPDX-License-Identifier: Apache-2.0
 * settings.c - `linnet settings`: the tables of settings, as text or for the manual page. */
#include "bin/settings.h"

#include "bin/options.h"
#include "models/model.h"

static void print(const struct setting *k, int is_roff, FILE *out)
{
    static const char *const types[] = {"text", "whole number", "number", "true|false", "numbers"};
    const char *indent = is_roff ? "" : "    ", *type = k->type == SETTING_CHOICE ? k->choices : types[k->type];
    char range[80] = "", text[2000];
    if (k->type == SETTING_INT || k->type == SETTING_NUMBER || k->type == SETTING_LIST)
        snprintf(range, sizeof range, " from %g to %g", k->low, k->high);
    snprintf(text, sizeof text, "%s\n%s%s.\n%s%s%s, default %s\n", k->key, indent, k->help, indent, type, range,
             k->initial[0] != '\0' ? k->initial : "empty");
    fputs(is_roff ? ".TP\n.B " : "", out);
    if (is_roff)
        options_roff(text, out);
    else
        fputs(text, out);
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
                print(k, is_roff, out);
    }
    settings_close(&s);
    return rc < 0 ? rc : EXIT_DONE;
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    (void)values, (void)n_arguments, (void)arguments;
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
