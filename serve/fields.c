/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/fields.h"

#include "base/utf8.h"

int fields_read(json_t **object, const char *text, size_t n, struct message *msg)
{
    json_error_t error;
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (o == NULL)
        return fail(msg, LINNET_E_FORMAT, "no JSON: %s", error.text);
    if (!json_is_object(o)) {
        json_decref(o);
        return fail(msg, LINNET_E_FORMAT, "a JSON object is expected");
    }
    *object = o;
    return LINNET_OK;
}

/* The field, or NULL where it is missing or null. */
static const json_t *get(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

int fields_text(const json_t *object, const char *key, const char **value, struct message *msg)
{
    const json_t *field = get(object, key);
    if (field != NULL && !json_is_string(field))
        return fail(msg, LINNET_E_ARGUMENT, "%s: a string is expected", key);
    *value = field != NULL ? json_string_value(field) : *value;
    return LINNET_OK;
}

int fields_int(const json_t *object, const char *key, int low, int high, int *value, struct message *msg)
{
    const json_t *field = get(object, key);
    json_int_t number = json_integer_value(field);
    if (field != NULL && (!json_is_integer(field) || number < low || number > high))
        return fail(msg, LINNET_E_ARGUMENT, "%s: an integer from %d to %d is expected", key, low, high);
    *value = field != NULL ? (int)number : *value;
    return LINNET_OK;
}

int fields_flag(const json_t *object, const char *key, int *value, struct message *msg)
{
    const json_t *field = get(object, key);
    if (field != NULL && !json_is_boolean(field))
        return fail(msg, LINNET_E_ARGUMENT, "%s: true or false is expected", key);
    *value = field != NULL ? json_is_true(field) : *value;
    return LINNET_OK;
}

int fields_object(const json_t *object, const char *key, const json_t **value, struct message *msg)
{
    const json_t *field = get(object, key);
    if (field != NULL && !json_is_object(field))
        return fail(msg, LINNET_E_ARGUMENT, "%s: an object is expected", key);
    *value = field != NULL ? field : *value;
    return LINNET_OK;
}

json_t *fields_string(const char *text, size_t n)
{
    struct buffer clean = {0};
    json_t *string = NULL;
    if (utf8_append(&clean, text, n) >= 0)
        string = json_stringn(buffer_text(&clean), clean.n);
    buffer_free(&clean);
    return string;
}
