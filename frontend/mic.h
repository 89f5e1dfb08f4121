/* SPDX-License-Identifier: Apache-2.0
 * mic.h - samples from a microphone (PortAudio), one channel in [-1, 1] at the device's own rate.
 *
 * Samples are captured on the audio system's thread and buffered, half a minute of them; what does not fit is counted,
 * never silently lost.  A build without PortAudio has these functions too: they return LINNET_E_UNSUPPORTED.
 *
 * Opening, starting or listing devices closes standard error for a moment, because the audio libraries write there
 * whatever they do not find: not while another thread writes to it. */
#ifndef LINNET_FRONTEND_MIC_H
#define LINNET_FRONTEND_MIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct mic;

struct mic_device {
    int index;
    const char *name, *system; /* system: the sound system it belongs to, such as ALSA */
    int n_channels, rate_hz;
    int is_default;
};

/* Calls each(arg, device) for every input device; the device is valid during the call.  Returns how many. */
int mic_list(void (*each)(void *arg, const struct mic_device *device), void *arg,
             struct message *msg) LINNET_MUST_CHECK;

/* device: NULL for the default one, its index, or a part of its name (any case) that no other has.  Nothing is captured
 * until mic_start. */
int mic_open(struct mic **out, const char *device, struct message *msg) LINNET_MUST_CHECK;
int mic_start(struct mic *m, struct message *msg) LINNET_MUST_CHECK;
void mic_stop(struct mic *m); /* captures no more; what was captured can still be read */
void mic_close(struct mic *m);

/* Waits until max samples are there or timeout_ms have passed, and gives what there is: 0 or more, after mic_stop
 * without waiting.  LINNET_E_DEVICE once the device has stopped or has been silent (no samples at all) for 3 s, and
 * everything before that was given. */
long mic_read(struct mic *m, float *samples, size_t max, int timeout_ms, struct message *msg) LINNET_MUST_CHECK;

const char *mic_name(const struct mic *m);
int mic_rate_hz(const struct mic *m);
uint64_t mic_dropped(struct mic *m); /* samples that did not fit, so far */
float mic_level(struct mic *m);      /* the largest magnitude since the last call */

#endif
