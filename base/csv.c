/* SPDX-License-Identifier: Apache-2.0
 * csv.c - a line at a time. */
#include "base/csv.h"

#include <string.h>

#include "base/mem.h"

static int begin_field(struct csv *c)
{
    int rc = MEM_GROW(c->starts, c->room, c->n + 1);
    if (rc >= 0)
        c->starts[c->n++] = c->text.n;
    return rc;
}

/* Whether the field has nothing but spaces so far, which are dropped then. */
static int is_at_start(struct csv *c)
{
    size_t start = c->starts[c->n - 1];
    for (size_t i = start; i < c->text.n; i++)
        if (c->text.data[i] != ' ')
            return 0;
    buffer_cut(&c->text, start);
    return 1;
}

/* Takes the character at *i, and a second quote after a first. */
static int take(struct csv *c, const char *line, size_t n, size_t *i)
{
    char at = line[*i];
    if (c->is_quoted && at == '"' && *i + 1 < n && line[*i + 1] == '"') {
        ++*i;
    } else if (c->is_quoted && at == '"') {
        c->is_quoted = 0;
        return 0;
    } else if (!c->is_quoted && at == '"' && is_at_start(c)) {
        c->is_quoted = 1;
        return 0;
    } else if (!c->is_quoted && at == c->separator) {
        int rc = buffer_append(&c->text, "", 1);
        return rc < 0 ? rc : begin_field(c);
    }
    return buffer_append(&c->text, &at, 1);
}

int csv_take(struct csv *c, const char *line, size_t n)
{
    int rc;
    if (c->is_quoted) {
        rc = buffer_append(&c->text, "\n", 1);
    } else {
        csv_reset(c);
        rc = begin_field(c);
    }
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = take(c, line, n, &i);
    if (rc >= 0 && !c->is_quoted)
        rc = buffer_append(&c->text, "", 1);
    return rc < 0 ? rc : !c->is_quoted;
}

const char *csv_field(const struct csv *c, int i) { return i < c->n ? c->text.data + c->starts[i] : ""; }

void csv_reset(struct csv *c)
{
    c->is_quoted = c->n = 0;
    buffer_cut(&c->text, 0);
}

void csv_close(struct csv *c)
{
    buffer_free(&c->text);
    mem_free(c->starts);
    *c = (struct csv){0};
}
