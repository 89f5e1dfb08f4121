/* SPDX-License-Identifier: Apache-2.0
 * stream.h - what the program does with streams beside the public functions: files that are open already, several
 * recordings at once. */
#ifndef LINNET_MODELS_STREAM_H
#define LINNET_MODELS_STREAM_H

#include "base/settings.h"
#include "nn/text_batch.h"

const struct settings *stream_settings(const linnet_stream *s); /* with the voice detector's file */

/* As linnet_stream_open_file, what is open already, from where it stands; the caller closes fd after the recording.
 * name stands in messages. */
LINNET_MUST_CHECK int stream_open_fd(linnet_stream *s, int fd, const char *name);

int stream_can_batch(const linnet_stream *s); /* whether its decoder can share steps with those of other streams */

/* From now on it does.  The batch must outlive the stream, whose recordings must be decoded by a thread inside.  first:
 * one of the streams (s too), with whom it shares memory and which must outlive it. */
LINNET_MUST_CHECK int stream_set_batch(linnet_stream *s, struct text_batch *batch, linnet_stream *first);

#endif
