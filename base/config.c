/* SPDX-License-Identifier: Apache-2.0
 * config.c - a model's config.json. */
#include "base/config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

int config_open(struct config *c, const char *dir, struct message *msg)
{
    json_error_t error;
    *c = (struct config){.msg = msg};
    int rc = file_in(c->path, dir, "config.json", msg);
    if (rc < 0)
        return rc;
    FILE *f = fopen(c->path, "rb");
    if (f == NULL)
        return fail(msg, LINNET_E_IO, "%s: not a model directory: no config.json can be read", dir);
    c->root = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
    fclose(f);
    c->at = c->root;
    if (c->root == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s:%d: %s", c->path, error.line, error.text);
    return json_is_object(c->root) ? LINNET_OK : fail(msg, LINNET_E_FORMAT, "%s: not a JSON object", c->path);
}

void config_close(struct config *c)
{
    json_decref(c->root);
    *c = (struct config){0};
}

int config_has(const struct config *c, const char *key) { return json_object_get(c->at, key) != NULL; }

struct config config_in(const struct config *c, const char *key)
{
    struct config inner = {.at = json_object_get(c->at, key), .msg = c->msg, .rc = c->rc};
    memcpy(inner.path, c->path, sizeof inner.path);
    if (inner.rc >= 0 && !json_is_object(inner.at))
        inner.rc = fail(c->msg, LINNET_E_MODEL, "%s: no object '%s'", c->path, key);
    return inner;
}

double config_number(struct config *c, const char *key, double low, double high)
{
    const json_t *value = json_object_get(c->at, key);
    double v = json_number_value(value);
    if (c->rc < 0)
        return low;
    if (!json_is_number(value))
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: no number '%s'", c->path, key);
    else if (!(v >= low && v <= high))
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: %s is %g, possible are %g to %g", c->path, key, v, low, high);
    return c->rc < 0 ? low : v;
}

int config_int(struct config *c, const char *key, int low, int high)
{
    double v = config_number(c, key, low, high);
    if (c->rc >= 0 && !json_is_integer(json_object_get(c->at, key)))
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: %s is %g, not a whole number", c->path, key, v);
    return c->rc < 0 ? low : (int)v;
}

int config_bool(struct config *c, const char *key)
{
    const json_t *value = json_object_get(c->at, key);
    if (c->rc >= 0 && !json_is_boolean(value))
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: '%s' is neither true nor false", c->path, key);
    return json_is_true(value);
}

const char *config_text(struct config *c, const char *key)
{
    const char *text = json_string_value(json_object_get(c->at, key));
    if (c->rc >= 0 && text == NULL)
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: no text '%s'", c->path, key);
    return text != NULL ? text : "";
}

int config_choice(struct config *c, const char *key, const char *choices)
{
    const char *text = config_text(c, key);
    int i = parse_choice(text, choices);
    if (c->rc >= 0 && i < 0)
        c->rc = fail(c->msg, LINNET_E_MODEL, "%s: %s '%.60s' is not supported", c->path, key, text);
    return i < 0 ? 0 : i;
}
