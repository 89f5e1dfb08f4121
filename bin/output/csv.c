/* SPDX-License-Identifier: Apache-2.0
 * csv.c - a table as whisper.cpp writes it: start and end in milliseconds, the text in quotes. */
#include <string.h>

#include "bin/output.h"
#include "bin/output/text.h"

static int begin(struct output *o) { return buffer_puts(&o->out, "start,end,text\n"); }

/* Doubles the quotes of what is in the buffer from `from` on. */
static int double_quotes(struct buffer *b, size_t from)
{
    for (size_t i = from; i < b->n; i++)
        if (b->data[i] == '"') {
            int rc = buffer_puts(b, "\"");
            if (rc < 0)
                return rc;
            memmove(b->data + i + 1, b->data + i, b->n - i - 1);
            i++;
        }
    return 0;
}

static int segment(struct output *o, const linnet_event *event)
{
    struct buffer *out = &o->out;
    int rc = buffer_printf(out, "%lld,%lld,\"", text_milliseconds(event->start_s), text_milliseconds(event->end_s));
    size_t from = out->n;
    if (rc == 0)
        rc = text_append(out, event->text);
    if (rc == 0)
        rc = double_quotes(out, from);
    return rc == 0 ? buffer_puts(out, "\"\n") : rc;
}

const struct output_format csv_output = {.name = "csv", .is_of_one = 1, .begin = begin, .segment = segment};
