/* SPDX-License-Identifier: Apache-2.0
 * lrc.c - lyrics as whisper.cpp writes them: a line for each segment, with its start in hundredths of a second. */
#include "bin/output.h"
#include "bin/output/text.h"

static int begin(struct output *o) { return buffer_puts(&o->out, "[by:linnet]\n"); }

static int segment(struct output *o, const linnet_event *event)
{
    long long hundredths = text_milliseconds(event->start_s) / 10;
    if (text_is_blank(event->text))
        return 0;
    int rc =
        buffer_printf(&o->out, "[%02lld:%02lld.%02lld]", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
    if (rc == 0)
        rc = text_append(&o->out, event->text);
    return rc == 0 ? buffer_puts(&o->out, "\n") : rc;
}

const struct output_format lrc_output = {.name = "lrc", .is_of_one = 1, .begin = begin, .segment = segment};
