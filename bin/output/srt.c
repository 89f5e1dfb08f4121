/* SPDX-License-Identifier: Apache-2.0
 * srt.c - SubRip subtitles. */
#include "bin/output/cues.h"

static int segment(struct output *o, const linnet_event *event)
{
    static const struct cue_style style = {.is_numbered = 1, .has_hours = 1, .point = ','};
    return cues_append(o, event, &style);
}

const struct output_format srt_output = {.name = "srt", .segment = segment};
