/* SPDX-License-Identifier: Apache-2.0
 * options.c - parsing a subcommand's options by its table. */
#include "bin/options.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/parse.h"
#include "bin/habits.h"

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
    int n; /* arguments so far, at the front of argv */
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

/* Adds the start of an item and its rest as one. */
static int add_to_list(struct option_list *list, const char *start, const char *rest)
{
    size_t n_start = strlen(start), n_rest = strlen(rest);
    char **items = mem_resize(list->items, (size_t)list->n, (size_t)list->n + 1, sizeof *items);
    char *item = mem_array(n_start + n_rest + 1, 1);
    list->items = items != NULL ? items : list->items;
    if (items == NULL || item == NULL) {
        mem_free(item);
        fprintf(stderr, "linnet: out of memory\n");
        return EXIT_WORK_FAILED;
    }
    memcpy(item, start, n_start);
    memcpy(item + n_start, rest, n_rest);
    items[list->n++] = item;
    return 0;
}

static int not_one_of(const struct command *c, const struct option_spec *s, const char *value)
{
    const char *hint = habit_of_value(s->name);
    if (hint == NULL)
        return options_mistake(c->name, "--%s=%s: not one of %s", s->name, value, s->choices);
    fprintf(stderr, "linnet %s: --%s=%s: not one of %s; %s\n", c->name, s->name, value, s->choices, hint);
    return EXIT_WRONG_USAGE;
}

/* Whether each name between the commas is one of choices. */
static int are_choices(const char *list, const char *choices)
{
    char name[64];
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), at);
        if (n >= sizeof name || parse_choice(name, choices) < 0)
            return 0;
        at += n;
        if (*at == '\0')
            return 1;
    }
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
        return s->choices != NULL && !are_choices(value, s->choices) ? not_one_of(c, s, value)
                                                                     : add_to_list(field, "", value);
    default:
        if (s->choices != NULL && parse_choice(value, s->choices) < 0)
            return not_one_of(c, s, value);
        *(const char **)field = value;
        return 0;
    }
}

/* What stands behind the word, or NULL. */
static char *next_word(const struct parsing *p) { return p->at + 1 < p->argc ? p->argv[p->at + 1] : NULL; }

/* Whether a flag is on: by what was joined to it, or by a True or False behind it. */
static int flag_is_on(struct parsing *p, const char *name, const char *joined, int *is_on)
{
    const char *next = next_word(p);
    *is_on = 1;
    if (joined == NULL && next != NULL && (strcasecmp(next, "true") == 0 || strcasecmp(next, "false") == 0))
        joined = p->argv[++p->at];
    if (joined != NULL && parse_bool(joined, is_on) < 0)
        return options_mistake(p->command->name, "%s=%s: a flag is true or false", name, joined);
    return 0;
}

/* The value of an option that needs one: what was joined to it, else the next word. */
static int set_from(struct parsing *p, struct found f, const char *joined)
{
    char name[80];
    int is_on = 1, rc = 0;
    snprintf(name, sizeof name, "--%s", f.spec->name);
    if (f.spec->type == OPTION_FLAG)
        rc = flag_is_on(p, name, joined, &is_on);
    else if (joined == NULL && (joined = next_word(p)) == NULL)
        return options_mistake(p->command->name, "%s needs a value (%s)", name, f.spec->argument);
    else if (joined == next_word(p))
        p->at++;
    return rc != 0 || !is_on ? rc : set(p->command, f, joined);
}

/* ---- other programs' ---- */

/* Sets our option of a habit: "--name", "--name=value", or "--name=" and their value. */
static int set_ours(struct parsing *p, const char *ours, const char *value)
{
    const char *name = ours + strlen("--");
    size_t n = strcspn(name, "=");
    const char *start = name[n] == '=' ? name + n + 1 : "";
    struct found f = find(p->command->options, p->values, name, n, 0);
    if (f.spec == NULL)
        return options_mistake(p->command->name, "there is no --%.*s", (int)n, name);
    if (f.spec->type == OPTION_LIST && *start != '\0')
        return add_to_list((struct option_list *)(void *)(f.base + f.spec->offset), start, value != NULL ? value : "");
    return set(p->command, f, value != NULL ? value : start);
}

/* A word that is no option of a command that recognises.  Returns 0 or an exit code, or -1 where it is none of other
 * programs either. */
static int parse_habit(struct parsing *p, const char *word, char *joined)
{
    int takes_value = 0, is_on = 1, rc;
    char *value = joined != NULL ? joined : next_word(p);
    struct found model = find(p->command->options, p->values, "model", strlen("model"), 0);
    const struct habit *h = model.spec != NULL ? habit_find(word, value, &takes_value) : NULL;
    if (h == NULL)
        return -1;
    if (h->ours == NULL) {
        fprintf(stderr, "linnet %s: %s: %s\n", p->command->name, word, h->advice);
        return EXIT_WRONG_USAGE;
    }
    if (!takes_value) {
        rc = flag_is_on(p, word, joined, &is_on);
        return rc != 0 || !is_on || h->ours[0] == '\0' ? rc : set_ours(p, h->ours, NULL);
    }
    if (value == NULL)
        return options_mistake(p->command->name, "%s needs a value", word);
    p->at += joined == NULL;
    if (strcmp(h->ours, "=") == 0)
        p->argv[p->n++] = value;
    else if (h->ours[0] != '\0')
        return set_ours(p, h->ours, h->ours[strlen(h->ours) - 1] == '=' ? value : NULL);
    return 0;
}

/* ---- words ---- */

static int parse_long(struct parsing *p, char *word)
{
    char name[64] = "--";
    char *equals = strchr(word, '=');
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    if (n >= sizeof name)
        return unknown(p->command, word + 2, n - 2);
    for (size_t i = 2; i < n; i++)
        name[i] = word[i] == '_' ? '-' : word[i];
    name[n] = '\0';
    char *joined = equals != NULL ? equals + 1 : NULL;
    struct found f = find(p->command->options, p->values, name + 2, n - 2, 0);
    if (f.spec != NULL)
        return set_from(p, f, joined);
    int rc = parse_habit(p, name, joined);
    return rc < 0 ? unknown(p->command, name + 2, n - 2) : rc;
}

/* One word of short options: flags, and last one with a value; or a word of another program that begins so. */
static int parse_short(struct parsing *p, const char *word)
{
    const char *letters = word + 1;
    int is_ours = letters[1] == '\0' && find(p->command->options, p->values, NULL, 0, letters[0]).spec != NULL;
    int rc = is_ours ? -1 : parse_habit(p, word, NULL);
    if (rc >= 0)
        return rc;
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
    int rc = 0, only_arguments = 0;
    for (; rc == 0 && p.at < argc; p.at++) {
        char *word = argv[p.at];
        if (only_arguments || word[0] != '-' || word[1] == '\0') {
            argv[p.n++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_arguments = 1;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            options_usage(c, stdout);
            *exit_code = EXIT_DONE;
            return -1;
        } else {
            rc = word[1] == '-' ? parse_long(&p, word) : parse_short(&p, word);
        }
    }
    if (rc == 0)
        rc = wrong_count(c, p.n);
    if (rc == 0)
        return p.n;
    *exit_code = rc;
    return -1;
}

static void free_list(struct option_list *list)
{
    for (int i = 0; i < list->n; i++)
        mem_free(list->items[i]);
    mem_free(list->items);
}

static void free_lists(const struct option_spec *table, char *base)
{
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++)
        if (s->type == OPTION_GROUP)
            free_lists(s->group, base + s->offset);
        else if (s->type == OPTION_LIST)
            free_list((struct option_list *)(void *)(base + s->offset));
}

void options_free(const struct command *c, void *values) { free_lists(c->options, values); }
