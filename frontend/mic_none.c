/* SPDX-License-Identifier: Apache-2.0
 * mic_none.c - the microphone of a build without PortAudio. */
#include "frontend/mic.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* nothing here needs any */

static int unsupported(struct message *msg)
{
    return fail(msg, LINNET_E_UNSUPPORTED, "no microphone: this program was built without PortAudio");
}

int mic_list(void (*each)(void *arg, const struct mic_device *device), void *arg, struct message *msg)
{
    return unsupported(msg);
}

int mic_open(struct mic **out, const char *device, struct message *msg) { return unsupported(msg); }

int mic_start(struct mic *m, struct message *msg) { return unsupported(msg); }

void mic_stop(struct mic *m) {}

void mic_close(struct mic *m) {}

long mic_read(struct mic *m, float *samples, size_t max, int timeout_ms, struct message *msg)
{
    return unsupported(msg);
}

const char *mic_name(const struct mic *m) { return ""; }

int mic_rate_hz(const struct mic *m) { return 0; }

uint64_t mic_dropped(struct mic *m) { return 0; }

float mic_level(struct mic *m) { return 0.0f; }
