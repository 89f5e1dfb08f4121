/* SPDX-License-Identifier: Apache-2.0
 * usage.c - a subcommand's help, its section of the manual page, and its words for shell completion. */
#include <string.h>

#include "bin/options.h"

#define HELP_COLUMN 30
#define LINE_WIDTH 100

/* "-n, --name=ARG" */
static int heading(const struct option_spec *s, char *out, size_t size)
{
    char letter[8] = "    ";
    if (s->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", s->letter);
    return snprintf(out, size, "%s--%s%s%s", letter, s->name, s->argument != NULL ? "=" : "",
                    s->argument != NULL ? s->argument : "");
}

/* "help (choices)" */
static void explanation(const struct option_spec *s, char *out, size_t size)
{
    if (s->choices != NULL)
        snprintf(out, size, "%s (%s)", s->help, s->choices);
    else
        snprintf(out, size, "%s", s->help);
}

/* Words of text from column HELP_COLUMN on, broken before LINE_WIDTH. */
static void wrapped(const char *text, FILE *out)
{
    size_t column = HELP_COLUMN;
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + n > LINE_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, n, out);
        column += n;
        text += n + strspn(text + n, " ");
    }
    fputc('\n', out);
}

static void option_lines(const struct option_spec *table, FILE *out)
{
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++) {
        if (s->type == OPTION_GROUP) {
            option_lines(s->group, out);
            continue;
        }
        char left[80], help[1000];
        int n = heading(s, left, sizeof left);
        fprintf(out, "  %s", left);
        fprintf(out, n + 4 > HELP_COLUMN ? "\n%*s" : "%*s", n + 4 > HELP_COLUMN ? HELP_COLUMN : HELP_COLUMN - n - 2,
                "");
        explanation(s, help, sizeof help);
        wrapped(help, out);
    }
}

void options_usage(const struct command *c, FILE *out)
{
    fprintf(out, "Usage: linnet %s%s%s%s\n%s\n", c->name, c->options != NULL ? " [options]" : "",
            c->arguments[0] != '\0' ? " " : "", c->arguments, c->summary);
    if (c->text != NULL)
        fprintf(out, "\n%s\n", c->text);
    fprintf(out, "\nOptions:\n");
    option_lines(c->options, out);
    fprintf(out, "  -h, --help%*sprint this\n", HELP_COLUMN - 12, "");
}

void options_roff(const char *text, FILE *out)
{
    int at_start = 1;
    for (; *text != '\0'; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '|')
            fputs("|\\:", out); /* a line may break there */
        else
            fputc(*text, out);
        at_start = *text == '\n';
    }
}

static void manual_lines(const struct option_spec *table, FILE *out)
{
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++) {
        if (s->type == OPTION_GROUP) {
            manual_lines(s->group, out);
            continue;
        }
        char left[80], help[1000];
        heading(s, left, sizeof left);
        explanation(s, help, sizeof help);
        fputs(".TP\n.B ", out);
        options_roff(left + strspn(left, " "), out);
        fputc('\n', out);
        options_roff(help, out);
        fputc('\n', out);
    }
}

void options_manual(const struct command *c, FILE *out)
{
    fputs(".SS \"linnet ", out);
    options_roff(c->name, out);
    fprintf(out, "%s%s", c->options != NULL ? " [options]" : "", c->arguments[0] != '\0' ? " " : "");
    options_roff(c->arguments, out);
    fputs("\"\n", out);
    options_roff(c->summary, out);
    fputs(".\n", out);
    if (c->text != NULL) {
        fputs(".PP\n.nf\n", out);
        options_roff(c->text, out);
        fputs("\n.fi\n", out);
    }
    manual_lines(c->options, out);
}

static void words(const struct option_spec *table, FILE *out)
{
    for (const struct option_spec *s = table; s != NULL && s->type != OPTION_END; s++)
        if (s->type == OPTION_GROUP)
            words(s->group, out);
        else
            fprintf(out, " --%s%s%s", s->name, s->type == OPTION_FLAG ? "" : "=", s->choices != NULL ? s->choices : "");
}

void options_completion(const struct command *c, FILE *out)
{
    fprintf(out, "%s", c->name);
    words(c->options, out);
    fputs(" --help\n", out);
}
