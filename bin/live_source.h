/* SPDX-License-Identifier: Apache-2.0
 * live_source.h - where live audio comes from: a microphone, or a file played at a chosen speed. */
#ifndef LINNET_BIN_LIVE_SOURCE_H
#define LINNET_BIN_LIVE_SOURCE_H

#include <stdint.h>

#include "base/status.h"

struct live_source;

/* path: a file to play, NULL: the microphone `device` (see mic.h).  raw: as in audio_file.h.  speed: times real time,
 * 0: without waiting. */
LINNET_MUST_CHECK int live_source_open(struct live_source **out, const char *path, const char *raw, double speed,
                                       const char *device, struct message *msg);

/* Which channel of a file is read, in the words of audio.channel. */
LINNET_MUST_CHECK int live_source_set_channel(struct live_source *s, const char *channel, struct message *msg);
/* A microphone captures from here on. */
LINNET_MUST_CHECK int live_source_start(struct live_source *s, struct message *msg);
void live_source_close(struct live_source *s);

/* Waits for audio: how many samples came, at most max; 0 at the end of a file or once a signal was caught (see
 * decoding.h), from a microphone when what it had captured by then has come.  A microphone never ends: it fails when it
 * is lost. */
LINNET_MUST_CHECK long live_source_read(struct live_source *s, float *samples, size_t max, struct message *msg);

int live_source_rate_hz(const struct live_source *s);
const char *live_source_name(const struct live_source *s);
int live_source_is_paced(const struct live_source *s); /* audio comes in real time, or at another speed */
uint64_t live_source_dropped(struct live_source *s);   /* samples that came faster than they were taken */

#endif
