/* SPDX-License-Identifier: Apache-2.0
 * audio_source.h - opens what libsndfile reads from: a file, a pipe, or a pipe's contents in a temporary file. */
#ifndef LINNET_FRONTEND_AUDIO_SOURCE_H
#define LINNET_FRONTEND_AUDIO_SOURCE_H

#include <sndfile.h>

#include "base/status.h"

struct audio_source {
    SNDFILE *sndfile;
    SF_INFO info;
    int is_pipe; /* samples come as they are written; no length, no seeking */
};

/* Arguments as audio_file_open. */
int audio_source_open(struct audio_source *out, const char *path, const char *raw,
                      struct message *msg) LINNET_MUST_CHECK;
void audio_source_close(struct audio_source *s);

#endif
