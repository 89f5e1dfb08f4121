/* SPDX-License-Identifier: Apache-2.0
 * audio_input.h - where the bytes of a recording come from: a file, a pipe, or a temporary file with what a pipe held.
 */
#ifndef LINNET_FRONTEND_AUDIO_INPUT_H
#define LINNET_FRONTEND_AUDIO_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

struct audio_input {
    int fd;
    int is_pipe;        /* and not a file, whose bytes may be read in any order */
    const char *name;   /* for messages */
    struct buffer head; /* bytes that were taken out of a pipe already */
};

/* path: "-" is standard input.  fd: -1, or what is read, which the caller closes; path is its name then.  A file that
 * is open already is read from where it stands. */
int audio_input_open(struct audio_input *out, const char *path, int fd, struct message *msg) LINNET_MUST_CHECK;
void audio_input_close(struct audio_input *in);

/* n bytes from byte `at` on, or as many as there are, without taking them; of a pipe the first 4.  Returns how many. */
size_t audio_input_peek(const struct audio_input *in, int64_t at, void *bytes, size_t n);

int64_t audio_input_size(const struct audio_input *in); /* of a file, in bytes */

/* Takes n bytes; 0 where there are fewer, or a pipe has given too many. */
int audio_input_take(struct audio_input *in, void *bytes, size_t n);
int audio_input_skip(struct audio_input *in, int64_t n);

void audio_input_rewind(struct audio_input *in); /* a file */

/* Copies everything from byte `from` on into a temporary file that has no name any more, which takes the place of what
 * was there. */
int audio_input_spool(struct audio_input *in, int64_t from, struct message *msg) LINNET_MUST_CHECK;

#endif
