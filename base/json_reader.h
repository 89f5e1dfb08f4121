/* SPDX-License-Identifier: Apache-2.0
 * json_reader.h - JSON read in order, without building a tree: for the megabytes of a vocabulary.
 *
 * The caller says what it expects next; the first thing that is not there sets `bad` and everything after it fails.
 *
 *     if (json_enter(&r, '{') == 0)
 *         while (json_key(&r, &key, &n) > 0)
 *             ... read or skip the value ...                                                                        */
#ifndef LINNET_BASE_JSON_READER_H
#define LINNET_BASE_JSON_READER_H

#include "base/buffer.h"

struct json_reader {
    const char *start, *at, *end;
    struct buffer text; /* of the last string that had escapes */
    int bad;            /* LINNET_E_FORMAT: not what was expected, at `at`; LINNET_E_MEMORY; 0: all well */
    int first;          /* right after a bracket: no comma comes */
};

void json_reader_open(struct json_reader *r, const char *bytes, size_t n); /* bytes are kept, not copied */
void json_reader_close(struct json_reader *r);

char json_peek(struct json_reader *r);            /* first byte of the next value, 0 at the end */
int json_enter(struct json_reader *r, char open); /* '{' or '['; 0, or -1 and bad */

/* 1 when another item follows, 0 after the closing bracket (which is taken), -1 when bad.  A key's text and a string's
 * are valid until the next string is read; they may hold NUL and are not checked for UTF-8. */
int json_item(struct json_reader *r);
int json_key(struct json_reader *r, const char **key, size_t *n);
int json_text(struct json_reader *r, const char **text, size_t *n); /* 0 or -1 */
int json_int(struct json_reader *r, long long *value);              /* 0 or -1 */
int json_skip(struct json_reader *r);                               /* any value; 0 or -1 */

#endif
