/* SPDX-License-Identifier: Apache-2.0
 * yaml_tree.c - YAML to JSON values.
 *
 * Plain scalars are null, true, false, whole numbers and fractions where they look like it, and text otherwise; quoted
 * ones are text.  Aliases are followed; what they could blow up is limited by the number of values. */
#include "base/yaml_tree.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"
#include "base/parse.h"

#define MAX_FILE ((size_t)16 << 20)
#define MAX_VALUES 200000
#define MAX_DEPTH 32

struct reading {
    yaml_document_t document;
    const char *path;
    int n_values;
    struct message *msg;
};

static json_t *scalar(const yaml_node_t *node)
{
    static const char *const words[][2] = {{"true", "1"}, {"yes", "1"}, {"on", "1"}, {"false", "0"}, {"no", "0"},
                                           {"off", "0"},  {"null", ""}, {"~", ""},   {"", ""}};
    const char *text = (const char *)node->data.scalar.value;
    long long whole;
    double fraction;
    if (strlen(text) != node->data.scalar.length)
        return NULL;
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return json_string(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i][0]) == 0)
            return words[i][1][0] == '\0' ? json_null() : json_boolean(words[i][1][0] == '1');
    if (parse_int(text, INT64_MIN, INT64_MAX, &whole) == 0)
        return json_integer(whole);
    if (parse_number(text, -1e300, 1e300, &fraction) == 0)
        return json_real(fraction);
    return json_string(text);
}

static int convert(struct reading *r, int i_node, int depth, json_t **out);

static int convert_map(struct reading *r, const yaml_node_t *node, int depth, json_t *map)
{
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->document, p->key);
        const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
        json_t *value = NULL;
        if (name == NULL || json_object_get(map, name) != NULL)
            return fail(r->msg, LINNET_E_FORMAT, "%s:%zu: a key that is %s", r->path, key->start_mark.line + 1,
                        name == NULL ? "no text" : "there already");
        int rc = convert(r, p->value, depth + 1, &value);
        if (rc < 0)
            return rc;
        if (json_object_set_new(map, name, value) < 0)
            return fail(r->msg, LINNET_E_FORMAT, "%s:%zu: a key that is not UTF-8", r->path, key->start_mark.line + 1);
    }
    return 0;
}

static int convert_list(struct reading *r, const yaml_node_t *node, int depth, json_t *list)
{
    for (const yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
        json_t *value = NULL;
        int rc = convert(r, *i, depth + 1, &value);
        if (rc < 0)
            return rc;
        if (json_array_append_new(list, value) < 0)
            return fail_memory(r->msg);
    }
    return 0;
}

static int convert(struct reading *r, int i_node, int depth, json_t **out)
{
    const yaml_node_t *node = yaml_document_get_node(&r->document, i_node);
    if (++r->n_values > MAX_VALUES || depth > MAX_DEPTH)
        return fail(r->msg, LINNET_E_FORMAT, "%s: too much in it, or nested too deep", r->path);
    json_t *value = node->type == YAML_SCALAR_NODE    ? scalar(node)
                    : node->type == YAML_MAPPING_NODE ? json_object()
                                                      : json_array();
    if (value == NULL)
        return fail(r->msg, LINNET_E_FORMAT, "%s:%zu: text that cannot be used", r->path, node->start_mark.line + 1);
    int rc = node->type == YAML_MAPPING_NODE    ? convert_map(r, node, depth, value)
             : node->type == YAML_SEQUENCE_NODE ? convert_list(r, node, depth, value)
                                                : 0;
    if (rc < 0) {
        json_decref(value);
        return rc;
    }
    *out = value;
    return 0;
}

int yaml_tree_read(const char *path, json_t **root, struct message *msg)
{
    struct reading r = {.path = path, .msg = msg};
    struct buffer text = {0};
    yaml_parser_t parser;
    int rc = file_read(path, MAX_FILE, &text, msg);
    if (rc < 0)
        return rc;
    if (!yaml_parser_initialize(&parser)) {
        buffer_free(&text);
        return fail_memory(msg);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)buffer_text(&text), text.n);
    if (!yaml_parser_load(&parser, &r.document)) {
        rc = fail(msg, LINNET_E_FORMAT, "%s:%zu: %s", path, parser.problem_mark.line + 1,
                  parser.problem != NULL ? parser.problem : "not YAML");
    } else {
        rc = yaml_document_get_root_node(&r.document) != NULL ? convert(&r, 1, 0, root)
                                                              : fail(msg, LINNET_E_FORMAT, "%s: is empty", path);
        yaml_document_delete(&r.document);
    }
    yaml_parser_delete(&parser);
    buffer_free(&text);
    return rc;
}
