/* SPDX-License-Identifier: Apache-2.0
 * wav_writer.h - writes a recording as 16-bit WAV, one channel.
 *
 * The file appears under its name only when it is complete: until wav_writer_close it is NAME.PID.part beside it.
 * 16-bit samples that were read by audio_file at their own rate are written back bit for bit. */
#ifndef LINNET_FRONTEND_WAV_WRITER_H
#define LINNET_FRONTEND_WAV_WRITER_H

#include <stddef.h>

#include "base/status.h"

struct wav_writer;

int wav_writer_open(struct wav_writer **out, const char *path, int rate_hz, struct message *msg) LINNET_MUST_CHECK;
int wav_writer_write(struct wav_writer *w, const float *samples, size_t n, struct message *msg) LINNET_MUST_CHECK;
int wav_writer_close(struct wav_writer *w,
                     struct message *msg) LINNET_MUST_CHECK; /* completes the file; frees w always */
void wav_writer_discard(struct wav_writer *w);               /* instead of close: leaves no file; NULL is fine */

#endif
