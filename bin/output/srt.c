/* SPDX-License-Identifier: Apache-2.0
 * srt.c - SubRip subtitles. */
#include "bin/output/cues.h"

static int begin(struct output *o)
{
    static const struct cue_style style = {.is_numbered = 1, .has_hours = 1, .point = ','};
    return cues_begin(o, &style);
}

const struct output_format srt_output = {
    .name = "srt", .is_of_one = 1, .has_cues = 1, .begin = begin, .segment = cues_add, .end = cues_end};
