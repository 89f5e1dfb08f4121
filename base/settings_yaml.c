/* SPDX-License-Identifier: Apache-2.0
 * settings_yaml.c - a recipe.yaml into settings.
 *
 * One document: a map of maps down to scalars or lists of scalars.  The names on the way make up the key.  Anchors,
 * aliases and tags have no use here and are refused. */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/settings.h"

#define MAX_FILE_BYTES 65536
#define MAX_DEPTH 4

struct reading {
    struct settings *settings;
    const char *path;
    yaml_parser_t parser;
    struct message *msg;
};

static int next(struct reading *y, yaml_event_t *event)
{
    if (yaml_parser_parse(&y->parser, event))
        return 0;
    return fail(y->msg, LINNET_E_FORMAT, "%s:%zu: %s", y->path, y->parser.problem_mark.line + 1,
                y->parser.problem != NULL ? y->parser.problem : "not YAML");
}

static int wrong(struct reading *y, const yaml_event_t *event, const char *what)
{
    return fail(y->msg, LINNET_E_FORMAT, "%s:%zu: %s", y->path, event->start_mark.line + 1, what);
}

static int set(struct reading *y, const yaml_event_t *event, const char *key, const char *value)
{
    char where[4200];
    int rc = settings_set_key(y->settings, key, value, y->msg);
    snprintf(where, sizeof where, "%s:%zu", y->path, event->start_mark.line + 1);
    return rc < 0 ? fail_in(y->msg, rc, where) : 0;
}

static const char *scalar(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    int is_null =
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
    return is_null ? "" : text;
}

/* The rest of a list, as the text "a,b,c". */
static int read_list(struct reading *y, const char *key)
{
    struct buffer text = {.max = MAX_FILE_BYTES};
    yaml_event_t event;
    int rc = 0, done = 0;
    while (!done && rc == 0) {
        rc = next(y, &event);
        if (rc < 0)
            break;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            done = 1;
            rc = set(y, &event, key, buffer_text(&text));
        } else if (event.type == YAML_SCALAR_EVENT) {
            rc = buffer_printf(&text, "%s%s", text.n > 0 ? "," : "", scalar(&event));
        } else {
            rc = wrong(y, &event, "a list holds only plain values");
        }
        yaml_event_delete(&event);
    }
    buffer_free(&text);
    return rc;
}

static int read_map(struct reading *y, const char *prefix, int depth);

/* The value that belongs to key. */
static int read_value(struct reading *y, const char *key, int depth)
{
    yaml_event_t event;
    int rc = next(y, &event);
    if (rc < 0)
        return rc;
    if (event.type == YAML_SCALAR_EVENT)
        rc = set(y, &event, key, scalar(&event));
    else if (event.type == YAML_SEQUENCE_START_EVENT)
        rc = read_list(y, key);
    else if (event.type == YAML_MAPPING_START_EVENT && depth < MAX_DEPTH)
        rc = read_map(y, key, depth + 1);
    else
        rc = wrong(y, &event, "not a value that a setting can have");
    yaml_event_delete(&event);
    return rc;
}

/* The rest of a map. */
static int read_map(struct reading *y, const char *prefix, int depth)
{
    for (;;) {
        yaml_event_t event;
        char key[128];
        int rc = next(y, &event);
        if (rc < 0)
            return rc;
        int done = event.type == YAML_MAPPING_END_EVENT;
        if (!done && event.type != YAML_SCALAR_EVENT)
            rc = wrong(y, &event, "expected the name of a setting");
        else if (!done && snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "",
                                   (const char *)event.data.scalar.value) >= (int)sizeof key)
            rc = wrong(y, &event, "unknown setting with a long name");
        yaml_event_delete(&event);
        if (rc == 0 && !done)
            rc = read_value(y, key, depth);
        if (rc < 0 || done)
            return rc;
    }
}

static int read_document(struct reading *y)
{
    for (int level = 0;;) {
        yaml_event_t event;
        int rc = next(y, &event);
        if (rc < 0)
            return rc;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && level++ > 0)
            rc = wrong(y, &event, "more than one document");
        else if (type == YAML_MAPPING_START_EVENT)
            rc = read_map(y, "", 0);
        else if (type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT ||
                 (type == YAML_SCALAR_EVENT && event.data.scalar.length > 0))
            rc = wrong(y, &event, "a recipe is a map of settings");
        yaml_event_delete(&event);
        if (rc < 0 || type == YAML_STREAM_END_EVENT)
            return rc;
    }
}

int settings_read(struct settings *s, const char *path, struct message *msg)
{
    struct buffer text = {0};
    struct reading y = {.settings = s, .path = path, .msg = msg};
    int rc = file_read(path, MAX_FILE_BYTES, &text, msg);
    if (rc == 0 && !yaml_parser_initialize(&y.parser))
        rc = fail_memory(msg);
    if (rc == 0) {
        yaml_parser_set_input_string(&y.parser, (const unsigned char *)buffer_text(&text), text.n);
        rc = read_document(&y);
        yaml_parser_delete(&y.parser);
    }
    buffer_free(&text);
    return rc;
}
