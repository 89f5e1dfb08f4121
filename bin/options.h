/* SPDX-License-Identifier: Apache-2.0
 * options.h - a subcommand, and the table of options that it is parsed, explained and documented with.
 *
 * A subcommand is one file in bin/ that ends in a `const struct command NAME_command`, and one line in main.c.  Its
 * options are fields of a struct of its own: the table says where each lies, main fills a copy of the defaults from the
 * command line and hands it to run.  Help, the manual page and shell completion come from the same table.
 *
 *     struct score_options { const char *normalize; int align; };
 *     static const struct score_options defaults = {.normalize = "none"};
 *     static const struct option_spec options[] = {
 *         {"normalize", 'n', OPTION_TEXT, offsetof(struct score_options, normalize), "NAME",
 *          .help = "normalize both sides first", .choices = "none|lower"},
 *         {"align", 'a', OPTION_FLAG, offsetof(struct score_options, align), .help = "show alignments"},
 *         {0}};
 *     const struct command score_command = {.name = "score", ..., .options = options, .defaults = &defaults,
 *                                           .size = sizeof defaults, .min_arguments = 2, ..., .run = run};
 *
 * Forms taken: --name=value, --name value, -n value, -nvalue, flags as --name, -n and -nm; `--` ends the options and
 * `-` is an argument; options may follow arguments.  Underscores in names are read as dashes, a flag may be given as
 * --name=false or --name False, and what is no option here is looked up among those of other programs (habits.h). */
#ifndef LINNET_BIN_OPTIONS_H
#define LINNET_BIN_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

enum option_type {
    OPTION_END = 0, /* ends a table */
    OPTION_FLAG,    /* int, set to 1 */
    OPTION_TEXT,    /* const char *; with choices: one of them */
    OPTION_INT,     /* int in [low, high] */
    OPTION_NUMBER,  /* double in [low, high] */
    OPTION_LIST,    /* struct option_list: may be given several times; with choices: some, with commas between */
    OPTION_GROUP,   /* not an option but a struct with a table of its own, shared by several commands */
};

struct option_list {
    char **items; /* [n] its own */
    int n;
};

struct option_spec {
    const char *name; /* without the dashes */
    char letter;      /* of the short form, or 0 */
    enum option_type type;
    size_t offset;        /* of the field in the command's struct, or in the group's */
    const char *argument; /* what the value is called in help; NULL for flags */
    const char *help;
    double low, high;
    const char *choices;             /* "txt|json", or NULL: any text */
    const struct option_spec *group; /* of OPTION_GROUP */
};

struct command {
    const char *name, *summary; /* one line */
    const char *arguments;      /* as in the usage line: "REF HYP" */
    const char *text;           /* more to say in help and manual, lines of at most 80; or NULL */
    const struct option_spec *options;
    const void *defaults;             /* of the options' struct; NULL: zeros */
    size_t size;                      /* of that struct */
    int min_arguments, max_arguments; /* max < 0: any number */
    /* Returns the exit code, EXIT_* below; or a negative LINNET_E_* and why, which main prints: EXIT_WORK_FAILED. */
    int (*run)(void *values, int n_arguments, char **arguments, struct message *msg);
};

enum {
    EXIT_DONE = 0,
    EXIT_WORK_FAILED = 1, /* some input failed; the others were done */
    EXIT_WRONG_USAGE = 2,
};

/* Parses argv[0 .. argc) (what follows the command's name) into values, a copy of c->defaults, and moves the arguments
 * to the front of argv.  Returns their number, or -1 with *exit_code set: a mistake was reported on stderr, or help was
 * asked for and printed. */
int options_parse(const struct command *c, int argc, char **argv, void *values, int *exit_code);
void options_free(const struct command *c, void *values); /* what lists hold */

/* Reports wrong usage of the command on stderr, and how to get help; returns EXIT_WRONG_USAGE. */
int options_mistake(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

void options_usage(const struct command *c, FILE *out);
void options_manual(const struct command *c, FILE *out);     /* as a section of the manual page, in man(7) */
void options_completion(const struct command *c, FILE *out); /* the long names and their choices, on one line */

/* Text for man(7): hyphens that stay hyphens, backslashes, and dots and quotes at the start of a line are
 * escaped, and lines may break after bars. */
void options_roff(const char *text, FILE *out);

#endif
