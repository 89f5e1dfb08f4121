/* SPDX-License-Identifier: Apache-2.0
 * main.c - the program: finds the subcommand in a table, parses its options, runs it.
 *
 * Files without a subcommand are transcribed.
 * Results go to stdout, everything else to stderr.  Exit codes: 0 done, 1 some input failed, 2 wrong usage.  A new
 * subcommand is one line in COMMANDS. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "bin/options.h"
#include "bin/settings.h"
#include "linnet.h"

/* In the order of help. */
/* clang-format off */
#define COMMANDS(X) \
    X(transcribe) \
    X(live) \
    X(serve) \
    X(decode) \
    X(merge) \
    X(align) \
    X(models) \
    X(fetch) \
    X(convert) \
    X(score) \
    X(calibrate) \
    X(forward) \
    X(info) \
    X(bench) \
    X(settings)
/* clang-format on */

#define DECLARE(name) extern const struct command name##_command;
#define ENTRY(name) &name##_command,
COMMANDS(DECLARE)
static const struct command *const commands[] = {COMMANDS(ENTRY) NULL};

static int usage(int status)
{
    FILE *out = status == EXIT_DONE ? stdout : stderr;
    fputs("Usage: linnet FILE...\n       linnet COMMAND [options] [arguments]\n"
          "Speech to text.  Without a command files are transcribed.\n\nCommands:\n",
          out);
    for (const struct command *const *c = commands; *c != NULL; c++)
        fprintf(out, "  %-12s %s\n", (*c)->name, (*c)->summary);
    fputs("\n'linnet COMMAND --help' says more about one; 'linnet --version' tells the version.\n"
          "Exit codes: 0 done, 1 some input failed, 2 wrong usage.\n",
          out);
    return status;
}

static const struct command *command_find(const char *name)
{
    for (const struct command *const *c = commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

/* Whether the first word can only be meant for `transcribe`: an option, or a file, there or not. */
static int is_file_or_option(const char *word)
{
    return word[0] == '-' || strpbrk(word, "./") != NULL || file_exists(word);
}

static int unknown_command(const char *name)
{
    struct parse_nearest nearest = {.wanted = name};
    for (const struct command *const *c = commands; *c != NULL; c++)
        parse_offer(&nearest, (*c)->name);
    fprintf(stderr, "linnet: '%s' is neither a command nor a file", name);
    if (nearest.best != NULL)
        fprintf(stderr, "; did you mean '%s'?", nearest.best);
    fputs("\nTry 'linnet --help'.\n", stderr);
    return EXIT_WRONG_USAGE;
}

static int run(const struct command *c, int argc, char **argv)
{
    int code = EXIT_WORK_FAILED;
    struct message msg = {""};
    void *values = mem_array(1, c->size);
    if (values == NULL) {
        fprintf(stderr, "linnet: out of memory\n");
        return code;
    }
    if (c->defaults != NULL)
        memcpy(values, c->defaults, c->size);
    int n = options_parse(c, argc, argv, values, &code);
    if (n >= 0 && (code = c->run(values, n, argv, &msg)) < 0) {
        fprintf(stderr, "linnet: %s\n", msg.text);
        code = EXIT_WORK_FAILED;
    }
    options_free(c, values);
    mem_free(values);
    if (fflush(stdout) != 0 || ferror(stdout)) { /* a full disk or a closed pipe */
        perror("linnet: standard output");
        return code == EXIT_DONE ? EXIT_WORK_FAILED : code;
    }
    return code;
}

static int manual(void)
{
    for (const struct command *const *c = commands; *c != NULL; c++)
        options_manual(*c, stdout);
    printf(".SH SETTINGS\nWhat a recipe and \\-\\-set can set.\n");
    return settings_manual(stdout) == EXIT_DONE ? EXIT_DONE : EXIT_WORK_FAILED;
}

static int completion(void)
{
    for (const struct command *const *c = commands; *c != NULL; c++)
        options_completion(*c, stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(EXIT_WRONG_USAGE);
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (strcmp(name, "help") == 0 && argc < 3))
        return usage(EXIT_DONE);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("linnet %s\n", linnet_version());
        return EXIT_DONE;
    }
    if (strcmp(name, "help-man") == 0) /* the manual page is made with this */
        return manual();
    if (strcmp(name, "help-words") == 0) /* shell completion asks this */
        return completion();
    const struct command *c = command_find(strcmp(name, "help") == 0 ? argv[2] : name);
    if (c == NULL && is_file_or_option(name))
        return run(command_find("transcribe"), argc - 1, argv + 1);
    if (c == NULL)
        return unknown_command(strcmp(name, "help") == 0 ? argv[2] : name);
    if (strcmp(name, "help") == 0) {
        options_usage(c, stdout);
        return EXIT_DONE;
    }
    return run(c, argc - 2, argv + 2);
}
