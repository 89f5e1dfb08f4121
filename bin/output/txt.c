/* SPDX-License-Identifier: Apache-2.0
 * txt.c - plain text: a line for each segment. */
#include "bin/output.h"
#include "bin/output/text.h"

static int segment(struct output *o, const linnet_event *event)
{
    if (text_is_blank(event->text))
        return 0;
    int rc = text_append(&o->out, event->text);
    return rc == 0 ? buffer_puts(&o->out, "\n") : rc;
}

const struct output_format txt_output = {.name = "txt", .segment = segment};
