/* SPDX-License-Identifier: Apache-2.0
 * vtt.c - WebVTT subtitles. */
#include "bin/output/cues.h"

static int begin(struct output *o)
{
    static const struct cue_style style = {.point = '.'};
    int rc = buffer_puts(&o->out, "WEBVTT\n\n");
    return rc < 0 ? rc : cues_begin(o, &style);
}

const struct output_format vtt_output = {
    .name = "vtt", .is_of_one = 1, .has_cues = 1, .begin = begin, .segment = cues_add, .end = cues_end};
