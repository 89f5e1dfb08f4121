/* SPDX-License-Identifier: Apache-2.0
 * csv.h - records of a table in text, as RFC 4180 has them: CSV, TSV, or with any other separator.
 *
 * A field in double quotes may hold separators, ends of lines, and quotes, which are doubled.  Beyond the standard a
 * quote inside a field without quotes is itself, and so is what follows a closing one.  Lines come from lines.h, which
 * takes any end of line; in a field it is LF. */
#ifndef LINNET_BASE_CSV_H
#define LINNET_BASE_CSV_H

#include "base/buffer.h"

/* Zeroed but for the separator. */
struct csv {
    char separator;
    int is_quoted;      /* the record goes on, in quotes */
    struct buffer text; /* its fields, a NUL after each */
    size_t *starts;     /* [n] where each begins there */
    int n, room;
};

/* Takes a line, with which a record begins or goes on.  1: the record is whole; 0: its next line is wanted; or
 * LINNET_E_MEMORY. */
int csv_take(struct csv *c, const char *line, size_t n) __attribute__((warn_unused_result));
const char *csv_field(const struct csv *c, int i); /* of a whole record; "" beyond the last */
void csv_reset(struct csv *c);                     /* the next line begins a record */
void csv_close(struct csv *c);

#endif
