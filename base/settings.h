/* SPDX-License-Identifier: Apache-2.0
 * settings.h - named values that a user may set, each with its type, range, default and meaning.
 *
 * A setting is a field of the struct that its owner reads, and a line in a table beside that struct; nothing here knows
 * any of them.  Values come from a recipe.yaml (nested maps are dotted keys: `decoder: {beam: 5}` is decoder.beam) and
 * from "key=value" texts; what comes later wins.  An unknown key, or a value of the wrong type or out of range, is an
 * error.
 *
 *     struct vad_options { double threshold_db; int start_ms; };
 *     static const struct setting lines[] = {
 *         {"vad.threshold_db", SETTING_NUMBER, offsetof(struct vad_options, threshold_db), "2.2", 0, 60, NULL, "..."},
 *         {"vad.start_ms", SETTING_INT, offsetof(struct vad_options, start_ms), "60", 10, 1000, NULL, "..."},
 *         {0}};
 *     const struct settings_table vad_settings = {"Voice activity detection", sizeof(struct vad_options), lines};
 *
 *     const struct vad_options *o = settings_of(settings, &vad_settings); */
#ifndef LINNET_BASE_SETTINGS_H
#define LINNET_BASE_SETTINGS_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/status.h"

enum setting_type {
    SETTING_TEXT,   /* char * */
    SETTING_INT,    /* int in [low, high] */
    SETTING_NUMBER, /* double in [low, high] */
    SETTING_BOOL,   /* int, 0 or 1 */
    SETTING_LIST,   /* struct settings_list, each in [low, high] */
    SETTING_CHOICE, /* int or enum, the position of one of choices, from 0 */
    SETTING_GONE,   /* no field: a key of old recipes, whose initial value is ignored and any other refused with help */
};

struct settings_list {
    double *at; /* [n] */
    int n;
};

struct setting {
    const char *key; /* NULL ends a table */
    enum setting_type type;
    size_t offset;       /* of the field in the owner's struct */
    const char *initial; /* the default, as a user would write it */
    double low, high;
    const char *choices; /* "none|max|sum" */
    const char *help;
};

/* The settings of one owner. */
struct settings_table {
    const char *title;
    size_t size; /* of the owner's struct; fields without a setting are 0 */
    const struct setting *at;
};

/* An enum and the choices that stand for it, from one list: #define KINDS(X) X(KIND_NONE, "none") X(KIND_MAX, "max");
 * enum kind { KINDS(SETTING_ENUM) }; and SETTING_CHOICES(KINDS) is "none|max". */
#define SETTING_ENUM(name, text) name,
#define SETTING_BAR_TEXT(name, text) "|" text
#define SETTING_CHOICES(list) &(list(SETTING_BAR_TEXT))[1]

/* Values of some tables.  Zeroed may be closed. */
struct settings {
    const struct settings_table **tables; /* [n], and NULL */
    void **values;                        /* [n] the struct of each table */
    int n;
};

/* Gives every setting of the tables (NULL ends them) its default.  add takes more of them, and passes over those that
 * are there; it must be closed after a failure too. */
LINNET_MUST_CHECK int settings_open(struct settings *s, const struct settings_table *const *tables,
                                    struct message *msg);
LINNET_MUST_CHECK int settings_add(struct settings *s, const struct settings_table *const *tables, struct message *msg);
void settings_close(struct settings *s);

LINNET_MUST_CHECK int settings_read(struct settings *s, const char *path, struct message *msg);   /* a recipe.yaml */
LINNET_MUST_CHECK int settings_set(struct settings *s, const char *setting, struct message *msg); /* "key=value" */
LINNET_MUST_CHECK int settings_set_key(struct settings *s, const char *key, const char *value, struct message *msg);

/* Appends all settings as YAML that settings_read takes; only those that are not at their default unless all. */
LINNET_MUST_CHECK int settings_write(const struct settings *s, int all, struct buffer *out);

/* The struct of a table, which must be one of those opened. */
const void *settings_of(const struct settings *s, const struct settings_table *table);

#endif
