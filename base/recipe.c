/* SPDX-License-Identifier: Apache-2.0
 * recipe.c - the table of settings: setting, defaults, writing. */
#include "base/recipe.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

#define MAX_LIST 1000
#define KEY(type, field, key, initial, low, high, choices, help)                                                       \
    {key, RECIPE_##type, offsetof(struct recipe, field), initial, low, high, choices, help},

static const struct recipe_key keys[] = {RECIPE_KEYS(KEY)};

#define N_KEYS ((int)(sizeof keys / sizeof keys[0]))

const struct recipe_key *recipe_key_at(int index)
{
    return index >= 0 && index < N_KEYS ? &keys[index] : NULL;
}

static const struct recipe_key *find(const char *key, struct message *msg)
{
    struct parse_nearest nearest = {.wanted = key};
    for (int i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].key, key) == 0)
            return &keys[i];
        parse_offer(&nearest, keys[i].key);
    }
    if (nearest.best != NULL)
        fail(msg, LINNET_E_ARGUMENT, "unknown setting '%.60s'; did you mean '%s'?", key, nearest.best);
    else
        fail(msg, LINNET_E_ARGUMENT, "unknown setting '%.60s'", key);
    return NULL;
}

static int set_text(const struct recipe_key *k, char **field, const char *value, struct message *msg)
{
    if (k->choices != NULL && parse_choice(value, k->choices) < 0)
        return fail(msg, LINNET_E_ARGUMENT, "%s: '%.60s' is not one of %s", k->key, value, k->choices);
    char *copy = mem_string(value);
    if (copy == NULL)
        return fail_memory(msg);
    mem_free(*field);
    *field = copy;
    return 0;
}

static int not_in_range(const struct recipe_key *k, const char *value, struct message *msg)
{
    return fail(msg, LINNET_E_ARGUMENT, "%s: '%.60s' is not a %snumber from %g to %g", k->key, value,
                k->type == RECIPE_INT ? "whole " : "", k->low, k->high);
}

/* Numbers with commas, spaces or both between them. */
static int set_list(const struct recipe_key *k, struct recipe_list *field, const char *value, struct message *msg)
{
    struct recipe_list list = {mem_array(MAX_LIST, sizeof(double)), 0};
    if (list.at == NULL)
        return fail_memory(msg);
    for (const char *at = value + strspn(value, " ,"); *at != '\0'; at += strspn(at, " ,")) {
        char number[40];
        size_t n = strcspn(at, " ,");
        snprintf(number, sizeof number, "%.*s", (int)(n < 39 ? n : 39), at);
        if (n >= sizeof number || list.n == MAX_LIST || parse_number(number, k->low, k->high, &list.at[list.n]) < 0) {
            mem_free(list.at);
            return list.n == MAX_LIST ? fail(msg, LINNET_E_ARGUMENT, "%s: more than %d numbers", k->key, MAX_LIST)
                                      : not_in_range(k, number, msg);
        }
        list.n++;
        at += n;
    }
    mem_free(field->at);
    *field = list;
    return 0;
}

static int set(struct recipe *r, const struct recipe_key *k, const char *value, struct message *msg)
{
    void *field = (char *)r + k->offset;
    long long whole;
    switch (k->type) {
    case RECIPE_TEXT:
        return set_text(k, field, value, msg);
    case RECIPE_INT:
        if (parse_int(value, (long long)k->low, (long long)k->high, &whole) < 0)
            return not_in_range(k, value, msg);
        *(int *)field = (int)whole;
        return 0;
    case RECIPE_NUMBER:
        return parse_number(value, k->low, k->high, field) < 0 ? not_in_range(k, value, msg) : 0;
    case RECIPE_BOOL:
        if (parse_bool(value, field) < 0)
            return fail(msg, LINNET_E_ARGUMENT, "%s: '%.60s' is neither true nor false", k->key, value);
        return 0;
    case RECIPE_LIST:
        return set_list(k, field, value, msg);
    }
    return LINNET_E_ARGUMENT;
}

int recipe_set_key(struct recipe *r, const char *key, const char *value, struct message *msg)
{
    const struct recipe_key *k = find(key, msg);
    return k != NULL ? set(r, k, value, msg) : LINNET_E_ARGUMENT;
}

int recipe_set(struct recipe *r, const char *setting, struct message *msg)
{
    char key[128];
    const char *equals = strchr(setting, '=');
    if (equals == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "'%.60s' is not key=value", setting);
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting < 127 ? equals - setting : 127), setting);
    return recipe_set_key(r, key, equals + 1, msg);
}

int recipe_open(struct recipe *r, struct message *msg)
{
    memset(r, 0, sizeof *r);
    for (int i = 0; i < N_KEYS; i++) {
        int rc = set(r, &keys[i], keys[i].initial, msg);
        if (rc < 0) {
            recipe_close(r);
            return rc;
        }
    }
    return 0;
}

void recipe_close(struct recipe *r)
{
    for (int i = 0; i < N_KEYS; i++) {
        void *field = (char *)r + keys[i].offset;
        if (keys[i].type == RECIPE_TEXT)
            mem_free(*(char **)field);
        else if (keys[i].type == RECIPE_LIST)
            mem_free(((struct recipe_list *)field)->at);
    }
    memset(r, 0, sizeof *r);
}

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
static int write_quoted(const char *text, struct buffer *out)
{
    int rc = buffer_puts(out, "\"");
    for (; rc == 0 && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            rc = buffer_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            rc = buffer_printf(out, "\\x%02X", c);
        else
            rc = buffer_append(out, text, 1);
    }
    return rc == 0 ? buffer_puts(out, "\"") : rc;
}

static int write_value(const struct recipe *r, const struct recipe_key *k, struct buffer *out)
{
    const void *field = (const char *)r + k->offset;
    const struct recipe_list *list = field;
    int rc;
    switch (k->type) {
    case RECIPE_TEXT:
        return write_quoted(*(char *const *)field, out);
    case RECIPE_INT:
        return buffer_printf(out, "%d", *(const int *)field);
    case RECIPE_BOOL:
        return buffer_puts(out, *(const int *)field ? "true" : "false");
    case RECIPE_NUMBER:
        return write_number(*(const double *)field, out);
    case RECIPE_LIST:
        rc = buffer_puts(out, "[");
        for (int i = 0; rc == 0 && i < list->n; i++) {
            rc = i > 0 ? buffer_puts(out, ", ") : 0;
            if (rc == 0)
                rc = write_number(list->at[i], out);
        }
        return rc == 0 ? buffer_puts(out, "]") : rc;
    }
    return LINNET_E_ARGUMENT;
}

static int same(const struct recipe *a, const struct recipe *b, const struct recipe_key *k)
{
    const void *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;
    const struct recipe_list *m = x, *n = y;
    switch (k->type) {
    case RECIPE_TEXT:
        return strcmp(*(char *const *)x, *(char *const *)y) == 0;
    case RECIPE_NUMBER:
        return !(*(const double *)x < *(const double *)y) && !(*(const double *)x > *(const double *)y);
    case RECIPE_LIST:
        return m->n == n->n && memcmp(m->at, n->at, (size_t)m->n * sizeof *m->at) == 0;
    default:
        return *(const int *)x == *(const int *)y;
    }
}

/* "section:" where a new one starts, then the key without it. */
static int write_key(const struct recipe_key *k, char section[64], struct buffer *out)
{
    const char *dot = strchr(k->key, '.');
    size_t n = dot != NULL ? (size_t)(dot - k->key) : 0;
    int rc = 0;
    if (n > 0 && (strlen(section) != n || strncmp(section, k->key, n) != 0))
        rc = buffer_printf(out, "%.*s:\n", (int)n, k->key);
    snprintf(section, 64, "%.*s", (int)n, k->key);
    return rc == 0 ? buffer_printf(out, "%s%s: ", n > 0 ? "  " : "", n > 0 ? dot + 1 : k->key) : rc;
}

int recipe_write(const struct recipe *r, int all, struct buffer *out)
{
    struct recipe initial;
    char section[64] = "";
    int rc = recipe_open(&initial, NULL);
    if (rc < 0)
        return rc;
    for (int i = 0; rc == 0 && i < N_KEYS; i++) {
        if (!all && same(r, &initial, &keys[i]))
            continue;
        rc = write_key(&keys[i], section, out);
        if (rc == 0)
            rc = write_value(r, &keys[i], out);
        if (rc == 0)
            rc = buffer_puts(out, "\n");
    }
    recipe_close(&initial);
    return rc;
}
