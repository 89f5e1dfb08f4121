/* SPDX-License-Identifier: Apache-2.0
 * cues.h - the cues of subtitles, in which SRT and WebVTT differ little.
 *
 * Cues do not overlap, and each is shown long enough to be read where there is room: longer than it was spoken, or from
 * a little earlier on. */
#ifndef LINNET_BIN_OUTPUT_CUES_H
#define LINNET_BIN_OUTPUT_CUES_H

#include "bin/output.h"

struct cue_style {
    int is_numbered, has_hours; /* hours are written also where they are 0 */
    char point;                 /* between seconds and milliseconds */
};

int cues_begin(struct output *o, const struct cue_style *style);

/* Takes the text of a segment, and writes the cues that are settled. */
int cues_add(struct output *o, const linnet_event *event);
int cues_end(struct output *o, double duration_s); /* writes the others */
void cues_close(struct cues *c);

#endif
