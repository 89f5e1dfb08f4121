/* SPDX-License-Identifier: Apache-2.0
 * audio_sndfile.h - a recording that libsndfile reads. */
#ifndef LINNET_FRONTEND_AUDIO_SNDFILE_H
#define LINNET_FRONTEND_AUDIO_SNDFILE_H

#include <sndfile.h>

#include "frontend/audio_source.h"

/* Where and how samples without a header are stored. */
struct audio_samples {
    SF_INFO info;   /* as libsndfile takes it */
    int64_t at;     /* byte of a file */
    int64_t n_most; /* frames that are read, where something else may follow; -1: all */
};

/* fd is at the first byte of a file, or of samples in a pipe; it stays the caller's.  plain: NULL, or samples without a
 * header. */
int audio_sndfile_open(struct audio_source *out, int fd, const struct audio_samples *plain,
                       struct message *msg) LINNET_MUST_CHECK;

/* Samples without a header, as a text such as "s16le:44100:2" describes them (audio_file.h). */
int audio_sndfile_describe(struct audio_samples *plain, const char *raw, struct message *msg) LINNET_MUST_CHECK;

#endif
