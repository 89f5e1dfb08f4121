/* SPDX-License-Identifier: Apache-2.0
 * audio_ffmpeg.h - a recording that FFmpeg's libraries read: the best sound of any container and codec that they know.
 */
#ifndef LINNET_FRONTEND_AUDIO_FFMPEG_H
#define LINNET_FRONTEND_AUDIO_FFMPEG_H

#include "frontend/audio_source.h"

/* 0: this linnet was built without them; audio_ffmpeg_open fails then. */
int audio_ffmpeg_is_there(void);

/* fd is at the first byte of a file or a pipe; it stays the caller's. */
int audio_ffmpeg_open(struct audio_source *out, int fd, struct message *msg) LINNET_MUST_CHECK;

#endif
