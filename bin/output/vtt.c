/* SPDX-License-Identifier: Apache-2.0
 * vtt.c - WebVTT subtitles. */
#include "bin/output/cues.h"

static int begin(struct output *o) { return buffer_puts(&o->out, "WEBVTT\n\n"); }

static int segment(struct output *o, const linnet_event *event)
{
    static const struct cue_style style = {.point = '.'};
    return cues_append(o, event, &style);
}

const struct output_format vtt_output = {.name = "vtt", .begin = begin, .segment = segment};
