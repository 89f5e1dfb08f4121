/* SPDX-License-Identifier: Apache-2.0
 * tsv.c - a table with start and end in milliseconds, as OpenAI's Whisper writes it. */
#include "bin/output.h"
#include "bin/output/text.h"

static int begin(struct output *o) { return buffer_puts(&o->out, "start\tend\ttext\n"); }

static int segment(struct output *o, const linnet_event *event)
{
    int rc = buffer_printf(&o->out, "%lld\t%lld\t", text_milliseconds(event->start_s), text_milliseconds(event->end_s));
    if (rc == 0)
        rc = text_append(&o->out, event->text);
    return rc == 0 ? buffer_puts(&o->out, "\n") : rc;
}

const struct output_format tsv_output = {.name = "tsv", .begin = begin, .segment = segment};
