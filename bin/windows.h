/* SPDX-License-Identifier: Apache-2.0
 * windows.h - long recordings cut at silences into windows, each to be decoded as a recording of its own. */
#ifndef LINNET_BIN_WINDOWS_H
#define LINNET_BIN_WINDOWS_H

#include "base/status.h"
#include "frontend/vad.h"

struct window {
    int recording;
    int is_last;           /* of its recording */
    double start_s, end_s; /* in the file; end_s 0: to its end */
    double before_s;       /* of the recording, before the window */
    double length_s;       /* of a window of several, else 0 */
    double recording_s;    /* length of its recording, once they are sorted */
};

/* Zeroed is empty and may be closed. */
struct windows {
    struct window *at; /* [n] in order */
    int n, room;
};

/* Appends those of the part of a file: one, or where there are options of a voice detector and more than 30 s as many
 * as it takes.  A file that cannot be read to its end, or not twice, is one window. */
LINNET_MUST_CHECK int windows_add(struct windows *w, int recording, const char *path,
                                  const struct linnet_file_options *part, const struct vad_options *vad,
                                  struct message *msg);

/* Puts those of the longest recordings first: length_s has the length of each. */
void windows_sort(struct windows *w, const double *length_s);
void windows_close(struct windows *w);

#endif
