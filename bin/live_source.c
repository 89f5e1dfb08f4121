/* SPDX-License-Identifier: Apache-2.0
 * live_source.c - a microphone, or a file that is played as if it were one.
 *
 * Samples are rounded to the 16 bits in which recordings are saved, so that a saved recording is what was decoded. */
#include "bin/live_source.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bin/decoding.h"
#include "frontend/audio_file.h"
#include "frontend/mic.h"
#include "frontend/rate.h"

enum { WAIT_MS = 100 };

struct live_source {
    struct mic *mic;
    struct audio_file *file;
    const char *path;
    int rate_hz;
    double speed, started_s, read_s;
};

/* A file is played at its own rate; standard input, which cannot be opened twice, at 16 kHz. */
static int open_file(struct live_source *s, const char *raw, struct message *msg)
{
    int rc = audio_file_open(&s->file, s->path, raw, AUDIO_RATE_HZ, msg);
    s->rate_hz = AUDIO_RATE_HZ;
    if (rc < 0 || strcmp(s->path, "-") == 0 || audio_file_rate_hz(s->file) == AUDIO_RATE_HZ)
        return rc;
    s->rate_hz = audio_file_rate_hz(s->file);
    audio_file_close(s->file);
    s->file = NULL;
    return audio_file_open(&s->file, s->path, raw, s->rate_hz, msg);
}

int live_source_open(struct live_source **out, const char *path, const char *raw, double speed, const char *device,
                     struct message *msg)
{
    struct live_source *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->path = path;
    s->speed = speed;
    s->started_s = -1;
    int rc = path != NULL ? open_file(s, raw, msg) : mic_open(&s->mic, device, msg);
    if (rc < 0) {
        live_source_close(s);
        return rc;
    }
    if (s->mic != NULL)
        s->rate_hz = mic_rate_hz(s->mic);
    *out = s;
    return LINNET_OK;
}

int live_source_set_channel(struct live_source *s, const char *channel, struct message *msg)
{
    return s->file != NULL ? audio_file_set_channel(s->file, channel, msg) : LINNET_OK;
}

int live_source_start(struct live_source *s, struct message *msg)
{
    return s->mic != NULL ? mic_start(s->mic, msg) : LINNET_OK;
}

void live_source_close(struct live_source *s)
{
    if (s == NULL)
        return;
    mic_close(s->mic);
    audio_file_close(s->file);
    mem_free(s);
}

static void round_samples(float *samples, long n)
{
    for (long i = 0; i < n; i++) {
        float scaled = rintf(samples[i] * 32768.0f);
        samples[i] = (scaled > 32767.0f ? 32767.0f : scaled < -32768.0f ? -32768.0f : scaled) / 32768.0f;
    }
}

/* Sleeps until all samples read so far have been played. */
static void keep_pace(struct live_source *s, long n)
{
    if (s->started_s < 0)
        s->started_s = clock_s();
    s->read_s += (double)n / s->rate_hz;
    while (s->speed > 0 && decoding_signal() == 0) {
        double wait = s->started_s + s->read_s / s->speed - clock_s();
        if (wait <= 0)
            return;
        struct timespec t = {(time_t)wait, (long)((wait - floor(wait)) * 1e9)};
        nanosleep(&t, NULL);
    }
}

/* After a signal, what was captured before it. */
static long read_mic(struct mic *m, float *samples, size_t max, struct message *msg)
{
    long n = 0;
    while (n == 0 && decoding_signal() == 0)
        n = mic_read(m, samples, max, WAIT_MS, msg);
    if (n != 0)
        return n;
    mic_stop(m);
    return mic_read(m, samples, max, 0, msg);
}

long live_source_read(struct live_source *s, float *samples, size_t max, struct message *msg)
{
    long n = 0;
    if (s->file != NULL && decoding_signal() == 0)
        n = audio_file_read(s->file, samples, max, msg);
    if (s->file != NULL)
        decoding_warn(NULL, audio_file_warning(s->file));
    if (s->mic != NULL)
        n = read_mic(s->mic, samples, max, msg);
    round_samples(samples, n);
    if (n > 0 && s->file != NULL)
        keep_pace(s, n);
    return n;
}

int live_source_rate_hz(const struct live_source *s) { return s->rate_hz; }

const char *live_source_name(const struct live_source *s) { return s->mic != NULL ? mic_name(s->mic) : s->path; }

int live_source_is_paced(const struct live_source *s) { return s->mic != NULL || s->speed > 0; }

uint64_t live_source_dropped(struct live_source *s) { return s->mic != NULL ? mic_dropped(s->mic) : 0; }
