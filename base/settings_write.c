/* SPDX-License-Identifier: Apache-2.0
 * settings_write.c - settings to YAML.
 *
 * What comes before a key's first dot is its section.  Each is written once, in the order in which they first occur,
 * with all its settings, whichever tables they are in: YAML has no key twice. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/settings.h"

struct writing {
    const struct settings *settings, *initial; /* initial: NULL to write those at their default too */
    struct buffer *out;
};

/* ---- one value ---- */

static int write_number(double value, struct buffer *out)
{
    char text[40];
    double back;
    for (int digits = 1; digits <= 17; digits++) { /* the shortest that reads as the same number */
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (parse_number(text, value, value, &back) == 0)
            break;
    }
    return buffer_puts(out, text);
}

/* In double quotes, so that no text means something else in YAML. */
static int write_quoted(const char *text, size_t n, struct buffer *out)
{
    int rc = buffer_puts(out, "\"");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            rc = buffer_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            rc = buffer_printf(out, "\\x%02X", c);
        else
            rc = buffer_append(out, text + i, 1);
    }
    return rc == 0 ? buffer_puts(out, "\"") : rc;
}

static int write_choice(const char *choices, int i, struct buffer *out)
{
    for (; i > 0; i--)
        choices += strcspn(choices, "|") + 1;
    return write_quoted(choices, strcspn(choices, "|"), out);
}

static int write_list(const struct settings_list *list, struct buffer *out)
{
    int rc = buffer_puts(out, "[");
    for (int i = 0; rc == 0 && i < list->n; i++) {
        rc = i > 0 ? buffer_puts(out, ", ") : 0;
        if (rc == 0)
            rc = write_number(list->at[i], out);
    }
    return rc == 0 ? buffer_puts(out, "]") : rc;
}

static int write_value(const struct setting *k, const void *field, struct buffer *out)
{
    switch (k->type) {
    case SETTING_TEXT:
        return write_quoted(*(char *const *)field, strlen(*(char *const *)field), out);
    case SETTING_INT:
        return buffer_printf(out, "%d", *(const int *)field);
    case SETTING_BOOL:
        return buffer_puts(out, *(const int *)field ? "true" : "false");
    case SETTING_NUMBER:
        return write_number(*(const double *)field, out);
    case SETTING_LIST:
        return write_list(field, out);
    case SETTING_CHOICE:
        return write_choice(k->choices, *(const int *)field, out);
    case SETTING_GONE:
        break;
    }
    return LINNET_E_ARGUMENT;
}

static int same(const struct setting *k, const void *x, const void *y)
{
    const struct settings_list *m = x, *n = y;
    switch (k->type) {
    case SETTING_TEXT:
        return strcmp(*(char *const *)x, *(char *const *)y) == 0;
    case SETTING_NUMBER:
        return !(*(const double *)x < *(const double *)y) && !(*(const double *)x > *(const double *)y);
    case SETTING_LIST:
        return m->n == n->n && memcmp(m->at, n->at, (size_t)m->n * sizeof *m->at) == 0;
    default:
        return *(const int *)x == *(const int *)y;
    }
}

/* ---- all of them ---- */

static int is_key(const struct settings *s, const char *name, size_t n)
{
    for (int i = 0; i < s->n; i++)
        for (const struct setting *k = s->tables[i]->at; k->key != NULL; k++)
            if (strlen(k->key) == n && memcmp(k->key, name, n) == 0)
                return 1;
    return 0;
}

/* Bytes of the key's section, 0: it has none, or one by whose name there is a value already. */
static size_t section(const struct settings *s, const char *key)
{
    const char *dot = strchr(key, '.');
    return dot != NULL && !is_key(s, key, (size_t)(dot - key)) ? (size_t)(dot - key) : 0;
}

static int are_together(const struct settings *s, const struct setting *a, const struct setting *b)
{
    size_t n = section(s, a->key);
    return section(s, b->key) == n && strncmp(a->key, b->key, n) == 0;
}

static int is_first_of_section(const struct settings *s, const struct setting *wanted)
{
    for (int i = 0; i < s->n; i++)
        for (const struct setting *k = s->tables[i]->at; k->key != NULL; k++)
            if (are_together(s, k, wanted))
                return k == wanted;
    return 0;
}

static int is_left_out(const struct writing *w, int i_table, const struct setting *k)
{
    return k->type == SETTING_GONE || (w->initial != NULL && same(k, (char *)w->settings->values[i_table] + k->offset,
                                                                  (char *)w->initial->values[i_table] + k->offset));
}

static int write_section(const struct writing *w, const struct setting *first)
{
    const struct settings *s = w->settings;
    size_t n = section(s, first->key);
    int rc = 0, has_begun = n == 0;
    for (int i = 0; i < s->n; i++)
        for (const struct setting *k = s->tables[i]->at; k->key != NULL && rc == 0; k++) {
            if (!are_together(s, k, first) || is_left_out(w, i, k))
                continue;
            if (!has_begun)
                rc = buffer_printf(w->out, "%.*s:\n", (int)n, k->key);
            has_begun = 1;
            const char *indent = n > 0 ? "  " : "", *name = n > 0 ? k->key + n + 1 : k->key;
            if (rc == 0 && (rc = buffer_printf(w->out, "%s%s: ", indent, name)) == 0 &&
                (rc = write_value(k, (char *)s->values[i] + k->offset, w->out)) == 0)
                rc = buffer_puts(w->out, "\n");
        }
    return rc;
}

int settings_write(const struct settings *s, int all, struct buffer *out)
{
    struct settings initial = {0};
    struct writing w = {s, all ? NULL : &initial, out};
    int rc = all ? 0 : settings_open(&initial, s->tables, NULL);
    for (int i = 0; i < s->n; i++)
        for (const struct setting *k = s->tables[i]->at; k->key != NULL && rc == 0; k++)
            if (is_first_of_section(s, k))
                rc = write_section(&w, k);
    settings_close(&initial);
    return rc;
}
