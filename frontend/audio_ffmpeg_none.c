/* SPDX-License-Identifier: Apache-2.0
 * audio_ffmpeg_none.c - in the place of audio_ffmpeg.c where FFmpeg's libraries are not there. */
#include "frontend/audio_ffmpeg.h"

int audio_ffmpeg_is_there(void) { return 0; }

int audio_ffmpeg_open(struct audio_source *out, int fd, struct message *msg)
{
    (void)out, (void)fd;
    return fail(msg, LINNET_E_UNSUPPORTED, "this linnet was built without FFmpeg's libraries");
}
