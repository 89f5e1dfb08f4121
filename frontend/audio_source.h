/* SPDX-License-Identifier: Apache-2.0
 * audio_source.h - frames of a recording as they are stored: which library reads it, and where its bytes come from.
 *
 * libsndfile reads what it reads rightly (audio_sndfile.h), FFmpeg's libraries the rest where they are there
 * (audio_ffmpeg.h).  Both sit behind one table of functions. */
#ifndef LINNET_FRONTEND_AUDIO_SOURCE_H
#define LINNET_FRONTEND_AUDIO_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define AUDIO_SOURCE_MAX_CHANNELS 256

struct audio_source;

/* What a library does.  Errors are written without the recording's name and place. */
struct audio_reader {
    /* Writes n frames [n, n_channels] unless the end comes first, and returns how many; 0 at the end, or an error where
     * it is not the end that was meant. */
    long (*read)(struct audio_source *s, float *frames, size_t n, struct message *msg);
    int (*seek)(struct audio_source *s, int64_t frame, struct message *msg); /* the next frame that is read */
    void (*close)(struct audio_source *s);
};

struct audio_source {
    const struct audio_reader *reader;
    void *state; /* the reader's */
    int rate_hz, n_channels;
    int is_pipe;           /* samples come as they are written; no seeking */
    int is_float;          /* samples are stored as floating point: their scale may be any */
    int64_t n_frames;      /* -1: not known */
    int is_estimate;       /* n_frames may be somewhat more or less than there are */
    int64_t n_promised;    /* frames that the header tells of, of which some may be missing; 0: it does not */
    struct message note;   /* what is odd about the recording, "": nothing */
    struct message ending; /* what is missing after the last frame, "": nothing that is known */
};

/* path and fd as audio_input_open, raw as audio_file_open.  Zeroed may be closed. */
int audio_source_open(struct audio_source *out, const char *path, int fd, const char *raw,
                      struct message *msg) LINNET_MUST_CHECK;
void audio_source_close(struct audio_source *s);

#endif
