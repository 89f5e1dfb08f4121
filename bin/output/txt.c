/* SPDX-License-Identifier: Apache-2.0
 * txt.c - plain text: a line for each segment, with its times before it where they are wanted, as OpenAI's Whisper
 * prints them. */
#include "bin/output.h"
#include "bin/output/text.h"

static int add_times(struct buffer *out, const linnet_event *event)
{
    int rc;
    if ((rc = buffer_puts(out, "[")) < 0 || (rc = text_append_time(out, event->start_s, 0, '.')) < 0 ||
        (rc = buffer_puts(out, " --> ")) < 0 || (rc = text_append_time(out, event->end_s, 0, '.')) < 0)
        return rc;
    return buffer_puts(out, "] ");
}

static int segment(struct output *o, const linnet_event *event)
{
    if (text_is_blank(event->text))
        return 0;
    int rc = o->options.timestamps ? add_times(&o->out, event) : 0;
    if (rc == 0)
        rc = text_append(&o->out, event->text);
    return rc == 0 ? buffer_puts(&o->out, "\n") : rc;
}

const struct output_format txt_output = {.name = "txt", .segment = segment};
