/* SPDX-License-Identifier: Apache-2.0
 * facts.c - named facts as text or JSON. */
#include "base/facts.h"

#include "base/json_writer.h"

static void begin(struct facts *f, const char *name)
{
    if (f->rc < 0)
        return;
    if (f->is_json)
        f->rc = buffer_printf(&f->out, "%s\n \"%s\": ", f->out.n > 0 ? "," : "{", name);
    else
        f->rc = buffer_printf(&f->out, "%-18s ", name);
}

static void put(struct facts *f, const char *in_json, const char *in_text)
{
    if (f->rc >= 0)
        f->rc = buffer_puts(&f->out, f->is_json ? in_json : in_text);
}

void facts_text(struct facts *f, const char *name, const char *value)
{
    begin(f, name);
    if (f->rc >= 0)
        f->rc = f->is_json ? json_write_text(&f->out, value) : buffer_puts(&f->out, value);
    put(f, "", "\n");
}

void facts_number(struct facts *f, const char *name, double value, int decimals)
{
    begin(f, name);
    if (f->rc >= 0)
        f->rc = json_write_number(&f->out, value, decimals);
    put(f, "", "\n");
}

void facts_list_begin(struct facts *f, const char *name)
{
    begin(f, name);
    put(f, "[", "");
    f->n_items = 0;
}

void facts_list_text(struct facts *f, const char *item)
{
    if (f->n_items++ > 0)
        put(f, ", ", " ");
    if (f->rc >= 0)
        f->rc = f->is_json ? json_write_text(&f->out, item) : buffer_puts(&f->out, item);
}

void facts_list_pair(struct facts *f, int a, int b)
{
    if (f->n_items++ > 0)
        put(f, ", ", " ");
    if (f->rc >= 0)
        f->rc = buffer_printf(&f->out, f->is_json ? "[%d, %d]" : "%d:%d", a, b);
}

void facts_list_end(struct facts *f) { put(f, "]", "\n"); }

int facts_finish(struct facts *f)
{
    put(f, f->out.n > 0 ? "\n}\n" : "{}\n", "");
    return f->rc;
}
