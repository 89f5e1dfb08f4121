/* SPDX-License-Identifier: Apache-2.0
 * settings.c - tables of settings: defaults, finding a key, taking a value. */
#include "base/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

#define MAX_LIST 1000

/* ---- one value ---- */

static int set_text(char **field, const char *value, struct message *msg)
{
    char *copy = mem_string(value);
    if (copy == NULL)
        return fail_memory(msg);
    mem_free(*field);
    *field = copy;
    return LINNET_OK;
}

static int not_in_range(const struct setting *k, const char *value, struct message *msg)
{
    return fail(msg, LINNET_E_ARGUMENT, "%s: '%.60s' is not a %snumber from %g to %g", k->key, value,
                k->type == SETTING_INT ? "whole " : "", k->low, k->high);
}

/* Numbers with commas, spaces or both between them. */
static int set_list(const struct setting *k, struct settings_list *field, const char *value, struct message *msg)
{
    struct settings_list list = {mem_array(MAX_LIST, sizeof(double)), 0};
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
    return LINNET_OK;
}

static int set_int(const struct setting *k, int *field, const char *value, struct message *msg)
{
    long long whole;
    if (parse_int(value, (long long)k->low, (long long)k->high, &whole) < 0)
        return not_in_range(k, value, msg);
    *field = (int)whole;
    return LINNET_OK;
}

static int set_choice(const struct setting *k, int *field, const char *value, struct message *msg)
{
    int i = parse_choice(value, k->choices);
    if (i < 0)
        return fail(msg, LINNET_E_ARGUMENT, "%s: '%.60s' is not one of %s", k->key, value, k->choices);
    *field = i;
    return LINNET_OK;
}

static int set(const struct setting *k, void *values, const char *value, struct message *msg)
{
    void *field = (char *)values + k->offset;
    switch (k->type) {
    case SETTING_TEXT:
        return set_text(field, value, msg);
    case SETTING_INT:
        return set_int(k, field, value, msg);
    case SETTING_NUMBER:
        return parse_number(value, k->low, k->high, field) < 0 ? not_in_range(k, value, msg) : LINNET_OK;
    case SETTING_BOOL:
        if (parse_bool(value, field) < 0)
            return fail(msg, LINNET_E_ARGUMENT, "%s: '%.60s' is neither true nor false", k->key, value);
        return LINNET_OK;
    case SETTING_LIST:
        return set_list(k, field, value, msg);
    case SETTING_CHOICE:
        return set_choice(k, field, value, msg);
    case SETTING_GONE:
        if (strcmp(value, k->initial) != 0)
            return fail(msg, LINNET_E_ARGUMENT, "%s=%.60s is no longer a setting: %s", k->key, value, k->help);
        return LINNET_OK;
    }
    return LINNET_E_ARGUMENT;
}

/* ---- all of them ---- */

/* The setting of this name, and the struct that it is a field of. */
static const struct setting *find(const struct settings *s, const char *key, void **values, struct message *msg)
{
    struct parse_nearest nearest = {.wanted = key};
    for (int i = 0; i < s->n; i++)
        for (const struct setting *k = s->tables[i]->at; k->key != NULL; k++) {
            *values = s->values[i];
            if (strcmp(k->key, key) == 0)
                return k;
            if (k->type != SETTING_GONE)
                parse_offer(&nearest, k->key);
        }
    if (nearest.best != NULL)
        fail(msg, LINNET_E_ARGUMENT, "unknown setting '%.60s'; did you mean '%s'?", key, nearest.best);
    else
        fail(msg, LINNET_E_ARGUMENT, "unknown setting '%.60s'", key);
    return NULL;
}

int settings_set_key(struct settings *s, const char *key, const char *value, struct message *msg)
{
    void *values;
    const struct setting *k = find(s, key, &values, msg);
    return k != NULL ? set(k, values, value, msg) : LINNET_E_ARGUMENT;
}

int settings_set(struct settings *s, const char *setting, struct message *msg)
{
    char key[128];
    const char *equals = strchr(setting, '=');
    if (equals == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "'%.60s' is not key=value", setting);
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting < 127 ? equals - setting : 127), setting);
    return settings_set_key(s, key, equals + 1, msg);
}

static int position(const struct settings *s, const struct settings_table *table)
{
    int i = 0;
    while (i < s->n && s->tables[i] != table)
        i++;
    return i;
}

const void *settings_of(const struct settings *s, const struct settings_table *table)
{
    int i = position(s, table);
    return i < s->n ? s->values[i] : NULL;
}

static int add(struct settings *s, const struct settings_table *table, struct message *msg)
{
    size_t n = (size_t)s->n;
    const struct settings_table **tables = mem_resize(s->tables, n, n + 2, sizeof *tables);
    s->tables = tables != NULL ? tables : s->tables;
    void **values = mem_resize(s->values, n, n + 1, sizeof *values), *fresh = mem_array(1, table->size);
    s->values = values != NULL ? values : s->values;
    if (tables == NULL || values == NULL || fresh == NULL) {
        mem_free(fresh);
        return fail_memory(msg);
    }
    tables[n] = table;
    values[n] = fresh;
    s->n++;
    int rc = LINNET_OK;
    for (const struct setting *k = table->at; k->key != NULL && rc >= 0; k++)
        rc = set(k, fresh, k->initial, msg);
    return rc;
}

int settings_add(struct settings *s, const struct settings_table *const *tables, struct message *msg)
{
    int rc = LINNET_OK;
    for (; tables != NULL && *tables != NULL && rc >= 0; tables++)
        if (position(s, *tables) == s->n)
            rc = add(s, *tables, msg);
    return rc;
}

int settings_open(struct settings *s, const struct settings_table *const *tables, struct message *msg)
{
    *s = (struct settings){0};
    int rc = settings_add(s, tables, msg);
    if (rc < 0)
        settings_close(s);
    return rc;
}

static void release(const struct setting *k, void *values)
{
    void *field = (char *)values + k->offset;
    if (k->type == SETTING_TEXT)
        mem_free(*(char **)field);
    else if (k->type == SETTING_LIST)
        mem_free(((struct settings_list *)field)->at);
}

void settings_close(struct settings *s)
{
    for (int i = 0; i < s->n; i++) {
        for (const struct setting *k = s->tables[i]->at; k->key != NULL; k++)
            release(k, s->values[i]);
        mem_free(s->values[i]);
    }
    mem_free(s->tables);
    mem_free(s->values);
    *s = (struct settings){0};
}
