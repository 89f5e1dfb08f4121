/* SPDX-License-Identifier: Apache-2.0
 * cut_off.h - how a recording that FFmpeg reads shows that it was cut off, for which FFmpeg has no error code. */
#ifndef LINNET_FRONTEND_CUT_OFF_H
#define LINNET_FRONTEND_CUT_OFF_H

#include <stdint.h>

struct cut_off {
    const int64_t *position; /* frames that were read so far */
    const char *complaint;   /* what FFmpeg said of a missing part, NULL: nothing; and where */
    int64_t at;
};

/* From now on, what FFmpeg writes to its log on this thread is heard here and not written; NULL: no more. */
void cut_off_listen(struct cut_off *c);

/* A frame [n] of MPEG audio is shorter than its header says. */
int cut_off_mpeg(const uint8_t *bytes, int n);

/* A transport stream of this many bytes ends within a packet; 0 for other containers. */
int cut_off_transport(const char *container, int64_t n_bytes);

#endif
