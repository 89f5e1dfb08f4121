/* SPDX-License-Identifier: Apache-2.0
 * cues.h - the cues of subtitles, in which SRT and WebVTT differ little. */
#ifndef LINNET_BIN_OUTPUT_CUES_H
#define LINNET_BIN_OUTPUT_CUES_H

#include "bin/output.h"

struct cue_style {
    int is_numbered, has_hours; /* hours are written also where they are 0 */
    char point;                 /* between seconds and milliseconds */
};

/* Appends the cues of a segment: one, from its first word to its last where there are word times, or one for each
 * word. */
int cues_append(struct output *o, const linnet_event *event, const struct cue_style *style);

#endif
