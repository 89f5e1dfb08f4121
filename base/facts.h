/* SPDX-License-Identifier: Apache-2.0
 * facts.h - a list of named facts, written as text ("name  value" a line) or as one JSON object. */
#ifndef LINNET_BASE_FACTS_H
#define LINNET_BASE_FACTS_H

#include "base/buffer.h"

/* Zeroed but for is_json is empty.  The first failure stays in rc; later facts are left out. */
struct facts {
    struct buffer out;
    int is_json, rc;
    int n_items; /* of the list that is open */
};

void facts_text(struct facts *f, const char *name, const char *value);
void facts_number(struct facts *f, const char *name, double value, int decimals);

/* A list: begin, any number of items, end.  An item is written as it stands in JSON, and without quotes as text. */
void facts_list_begin(struct facts *f, const char *name);
void facts_list_text(struct facts *f, const char *item);
void facts_list_pair(struct facts *f, int a, int b); /* [a, b], or a:b */
void facts_list_end(struct facts *f);

/* No more facts: 0, or what went wrong.  The text is in out; free it with buffer_free. */
int facts_finish(struct facts *f) __attribute__((warn_unused_result));

#endif
