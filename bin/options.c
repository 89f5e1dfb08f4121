/* SPDX-License-Identifier: Apache-2.0
 * options.c - parsing a subcommand's options by its table. */
#include "bin/options.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

/* An option found by name, and the struct that its offset counts from. */
struct found {
    const struct option_spec *spec;
    char *base;
};

struct parsing {
    const struct command *command;
    char *values;
    char **argv;
    int argc, at;
};

int options_mistake(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "linnet %s: ", command);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry 'linnet %s --help'.\n", command);
    va_end(args);
    return EXIT_WRONG_USAGE;
}

/* By long name (n bytes), or by letter when name is NULL. */
static struct found find(const struct option_spec *table, char *base, const char *name, size_t n, char letter)
{
    struct found none = {NULL, NULL};
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++) {
        if (s->type == OPTION_GROUP) {
            struct found inner = find(s->group, base + s->offset, name, n, letter);
            if (inner.spec != NULL)
                return inner;
        } else if (name != NULL ? strncmp(s->name, name, n) == 0 && s->name[n] == '\0' : s->letter == letter) {
            return (struct found){s, base};
        }
    }
    return none;
}

static void offer(struct parse_nearest *nearest, const struct option_spec *table)
{
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++)
        if (s->type == OPTION_GROUP)
            offer(nearest, s->group);
        else
            parse_offer(nearest, s->name);
}

static int unknown(const struct command *c, const char *name, size_t n)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.*s", (int)(n < 63 ? n : 63), name);
    struct parse_nearest nearest = {.wanted = wanted};
    offer(&nearest, c->options);
    parse_offer(&nearest, "help");
    if (nearest.best == NULL)
        return options_mistake(c->name, "unknown option '--%s'", wanted);
    return options_mistake(c->name, "unknown option '--%s'; did you mean '--%s'?", wanted, nearest.best);
}

static int add_to_list(struct option_list *list, const char *value)
{
    const char **items = mem_resize(list->items, (size_t)list->n, (size_t)list->n + 1, sizeof *items);
    if (items == NULL) {
        fprintf(stderr, "linnet: out of memory\n");
        return EXIT_WORK_FAILED;
    }
    items[list->n++] = value;
    list->items = items;
    return 0;
}

/* Stores a value; 0, or an exit code when it is not one. */
static int set(const struct command *c, struct found f, const char *value)
{
    const struct option_spec *s = f.spec;
    void *field = f.base + s->offset;
    long long whole;
    switch (s->type) {
    case OPTION_FLAG:
        *(int *)field = 1;
        return 0;
    case OPTION_INT:
        if (parse_int(value, (long long)s->low, (long long)s->high, &whole) < 0)
            return options_mistake(c->name, "--%s=%s: not a whole number from %.0f to %.0f", s->name, value, s->low,
                                   s->high);
        *(int *)field = (int)whole;
        return 0;
    case OPTION_NUMBER:
        if (parse_number(value, s->low, s->high, field) < 0)
            return options_mistake(c->name, "--%s=%s: not a number from %g to %g", s->name, value, s->low, s->high);
        return 0;
    case OPTION_LIST:
        return add_to_list(field, value);
    default:
        if (s->choices != NULL && parse_choice(value, s->choices) < 0)
            return options_mistake(c->name, "--%s=%s: not one of %s", s->name, value, s->choices);
        *(const char **)field = value;
        return 0;
    }
}

/* The value of an option that needs one: what was joined to it, else the next word. */
static int set_from(struct parsing *p, struct found f, const char *joined)
{
    if (joined == NULL && f.spec->type != OPTION_FLAG) {
        if (p->at + 1 >= p->argc)
            return options_mistake(p->command->name, "--%s needs a value (%s)", f.spec->name, f.spec->argument);
        joined = p->argv[++p->at];
    }
    return set(p->command, f, joined);
}

static int parse_long(struct parsing *p, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    struct found f = find(p->command->options, p->values, word, n, 0);
    if (f.spec == NULL)
        return unknown(p->command, word, n);
    if (equals != NULL && f.spec->type == OPTION_FLAG)
        return options_mistake(p->command->name, "--%s takes no value", f.spec->name);
    return set_from(p, f, equals != NULL ? equals + 1 : NULL);
}

/* One word of short options: flags, and last one with a value. */
static int parse_short(struct parsing *p, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        struct found f = find(p->command->options, p->values, NULL, 0, *letters);
        if (f.spec == NULL)
            return options_mistake(p->command->name, "unknown option '-%c'", *letters);
        if (f.spec->type != OPTION_FLAG)
            return set_from(p, f, letters[1] != '\0' ? letters + 1 : NULL);
        set(p->command, f, NULL);
    }
    return 0;
}

static int wrong_count(const struct command *c, int n)
{
    if (n < c->min_arguments)
        return options_mistake(c->name, "too few arguments: %s", c->arguments);
    if (c->max_arguments >= 0 && n > c->max_arguments)
        return options_mistake(c->name, "too many arguments: %s", c->arguments[0] != '\0' ? c->arguments : "none");
    return 0;
}

int options_parse(const struct command *c, int argc, char **argv, void *values, int *exit_code)
{
    struct parsing p = {.command = c, .values = values, .argv = argv, .argc = argc};
    int n = 0, rc = 0, only_arguments = 0;
    for (; rc == 0 && p.at < argc; p.at++) {
        char *word = argv[p.at];
        if (only_arguments || word[0] != '-' || word[1] == '\0') {
            argv[n++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_arguments = 1;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            options_usage(c, stdout);
            *exit_code = EXIT_DONE;
            return -1;
        } else {
            rc = word[1] == '-' ? parse_long(&p, word + 2) : parse_short(&p, word + 1);
        }
    }
    if (rc == 0)
        rc = wrong_count(c, n);
    if (rc == 0)
        return n;
    *exit_code = rc;
    return -1;
}

static void free_lists(const struct option_spec *table, char *base)
{
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++)
        if (s->type == OPTION_GROUP)
            free_lists(s->group, base + s->offset);
        else if (s->type == OPTION_LIST)
            mem_free(((struct option_list *)(void *)(base + s->offset))->items);
}

void options_free(const struct command *c, void *values) { free_lists(c->options, values); }
