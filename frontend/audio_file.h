/* SPDX-License-Identifier: Apache-2.0
 * audio_file.h - samples from a file, a pipe or standard input.
 *
 * Any container that libsndfile reads (WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF, CAF, AU, W64, RF64 and more) or
 * FFmpeg's libraries where they are there (MP4, M4A, WebM, WMA, AMR, the sound of video files and more), or raw
 * samples described by a text such as "s16le:44100:2".  Channels are mixed (mix.h), the rate is changed to the one that
 * was asked for, samples are in [-1, 1] (floating-point files may go a little beyond).
 *
 * All samples before a damage, or where a file was cut off, are returned before its error is. */
#ifndef LINNET_FRONTEND_AUDIO_FILE_H
#define LINNET_FRONTEND_AUDIO_FILE_H

#include <stddef.h>

#include "base/status.h"
#include "frontend/rate.h"

struct audio_file;

/* path: "-" is standard input.  raw: NULL, or ENCODING[:RATE[:CHANNELS]] with 16000 and 1 for what is left out and an
 * encoding of s8 u8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be ulaw alaw. */
int audio_file_open(struct audio_file **out, const char *path, const char *raw, int rate_hz,
                    struct message *msg) LINNET_MUST_CHECK;

/* What is open already, from where it stands; name is for messages.  The caller closes fd, and no sooner than this. */
int audio_file_open_fd(struct audio_file **out, int fd, const char *name, int rate_hz,
                       struct message *msg) LINNET_MUST_CHECK;
void audio_file_close(struct audio_file *f);

/* Which channel is read, in the words of audio.channel (mix.h); the mix of all where this is not called.  Before the
 * first read or seek. */
int audio_file_set_channel(struct audio_file *f, const char *channel, struct message *msg) LINNET_MUST_CHECK;

/* Writes samples, max of them unless the end (or damage) comes first, and returns how many; 0 at the end.  Once all
 * that is good was given, a damaged file returns its error, every time. */
long audio_file_read(struct audio_file *f, float *samples, size_t max, struct message *msg) LINNET_MUST_CHECK;

double audio_file_duration_s(const struct audio_file *f); /* -1: not known (a pipe, some damaged files) */

/* The next sample read is the one at time_s.  Not for pipes. */
int audio_file_seek_s(struct audio_file *f, double time_s, struct message *msg) LINNET_MUST_CHECK;

/* What is odd about the recording, for its user: "", or a line with its name.  Known after the first read, but for what
 * comes later in a pipe. */
const char *audio_file_warning(const struct audio_file *f);

const char *audio_file_name(const struct audio_file *f); /* for messages: the path, or "standard input" */
int audio_file_rate_hz(const struct audio_file *f);      /* of the file, before resampling */
int audio_file_channels(const struct audio_file *f);     /* of the file, before mixing */

#endif
