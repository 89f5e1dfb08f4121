/* SPDX-License-Identifier: Apache-2.0
 * audio_header.h - what the header of an uncompressed recording says of its samples: where they are and how many.
 *
 * Recorders that were killed, and programs that write to a pipe, leave sizes of zero or of all ones; a file that was
 * cut off has fewer bytes than its header says.  libsndfile tells of neither. */
#ifndef LINNET_FRONTEND_AUDIO_HEADER_H
#define LINNET_FRONTEND_AUDIO_HEADER_H

#include <sndfile.h>

#include "frontend/audio_input.h"

struct audio_header {
    int riff_tag;      /* of the coding in a RIFF file (1: PCM); 0 in others */
    SF_INFO plain;     /* as libsndfile takes bare samples; format 0: samples are coded, or of another container */
    int frame_bytes;   /* of plain samples */
    int64_t data_at;   /* byte where the samples begin */
    int64_t data_size; /* bytes of samples as they are written there; -1: all ones */
};

/* What programs write who cannot know the size of what they write is all ones, 0, or this and somewhat more. */
#define AUDIO_HEADER_UNKNOWN 0x7fff0000

/* Takes the header of a RIFF (RIFX, RF64), AU, AIFF, W64 or CAF file; the input stands before the samples then.
 * 0: no such file, or its header cannot be read. */
int audio_header_take(struct audio_header *h, struct audio_input *in);

#endif
