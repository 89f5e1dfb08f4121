/* SPDX-License-Identifier: Apache-2.0
 * fields.h - the JSON that clients send, of which nothing is trusted, and strings for that which they are sent. */
#ifndef LINNET_SERVE_FIELDS_H
#define LINNET_SERVE_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

LINNET_MUST_CHECK int fields_read(json_t **object, const char *text, size_t n, struct message *msg);

/* A field; where it is missing or null, *value stays as it is. */
LINNET_MUST_CHECK int fields_text(const json_t *object, const char *key, const char **value, struct message *msg);
LINNET_MUST_CHECK int fields_int(const json_t *object, const char *key, int low, int high, int *value,
                                 struct message *msg);
LINNET_MUST_CHECK int fields_flag(const json_t *object, const char *key, int *value, struct message *msg);
LINNET_MUST_CHECK int fields_object(const json_t *object, const char *key, const json_t **value, struct message *msg);

/* A string of text [n] that may have broken UTF-8, which is replaced: an error quotes what came.  NULL: no memory. */
json_t *fields_string(const char *text, size_t n);

#endif
