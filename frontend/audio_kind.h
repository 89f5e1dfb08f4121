/* SPDX-License-Identifier: Apache-2.0
 * audio_kind.h - what a file is by its first bytes, for messages about what cannot be read. */
#ifndef LINNET_FRONTEND_AUDIO_KIND_H
#define LINNET_FRONTEND_AUDIO_KIND_H

#include <stddef.h>

enum { AUDIO_KIND_BYTES = 64 };

/* A name such as "MP4 or M4A", or NULL; bytes [n] are the file's first, AUDIO_KIND_BYTES of them where it has so many.
 * *is_audio: whether there can be sound in it. */
const char *audio_kind_name(const unsigned char *bytes, size_t n, int *is_audio);

#endif
