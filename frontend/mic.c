/* SPDX-License-Identifier: Apache-2.0
 * mic.c - samples from a microphone, through PortAudio.
 *
 * The callback runs on a thread that must not wait: it mixes to one channel in a small block, writes that to the ring
 * and keeps two counters.  The reader sleeps a few milliseconds at a time instead of being woken, for the same reason.
 * A device that is pulled out makes some sound systems stop the stream and others just go quiet: both are told from
 * silence, in which samples go on arriving.
 *
 * When PulseAudio's server dies, its client library can lock itself up for ever (pa_memimport_free waits for a block
 * that the callback's thread has, and that thread waits for the lock).  Closing is therefore another thread's work: if
 * that does not come back, what it has is left to it and the program goes on. */
#include "frontend/mic.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <portaudio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "frontend/ring.h"

#define RING_S 30
#define POLL_MS 5
#define LOST_S 3.0  /* without a sample: the device is gone */
#define STUCK_S 3.0 /* closing: the sound system is locked up */
#define MIX_BLOCK 256

struct mic {
    PaStream *stream;
    char *name;
    int is_initialized;   /* Pa_Terminate is due */
    atomic_int is_closed; /* and was done */
    atomic_int is_stopped;
    int n_channels, rate_hz;
    struct ring ring;
    atomic_uint_least64_t n_captured, n_dropped; /* samples that the callback got; that did not fit */
    atomic_uint level;                           /* bits of a float that is not negative: ordered as integers are */
    uint64_t n_seen;                             /* n_captured when the reader last looked */
    double seen_s;                               /* when it last changed */
};

static void pause_ms(int ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000L};
    nanosleep(&pause, NULL);
}

/* Sends standard error to nowhere; returns what to give to unmute. */
static int mute_stderr(void)
{
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kept >= 0 && nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0)
        close(nowhere);
    return kept;
}

static void unmute_stderr(int kept)
{
    if (kept >= 0) {
        dup2(kept, STDERR_FILENO);
        close(kept);
    }
}

static int initialize(struct message *msg)
{
    int kept = mute_stderr();
    PaError error = Pa_Initialize();
    unmute_stderr(kept);
    return error == paNoError ? LINNET_OK : fail(msg, LINNET_E_DEVICE, "microphone: %s", Pa_GetErrorText(error));
}

/* The input device with this index, or 0. */
static int describe(int index, struct mic_device *device)
{
    const PaDeviceInfo *info = Pa_GetDeviceInfo(index);
    if (info == NULL || info->maxInputChannels < 1 || info->name == NULL)
        return 0;
    const PaHostApiInfo *system = Pa_GetHostApiInfo(info->hostApi);
    *device = (struct mic_device){index,
                                  info->name,
                                  system != NULL ? system->name : "",
                                  info->maxInputChannels,
                                  (int)lrint(info->defaultSampleRate),
                                  index == Pa_GetDefaultInputDevice()};
    return 1;
}

int mic_list(void (*each)(void *arg, const struct mic_device *device), void *arg, struct message *msg)
{
    int rc = initialize(msg), n = 0;
    if (rc < 0)
        return rc;
    for (int i = 0; i < Pa_GetDeviceCount(); i++) {
        struct mic_device device;
        if (describe(i, &device)) {
            each(arg, &device);
            n++;
        }
    }
    Pa_Terminate();
    return n;
}

/* Finds the device that the text names. */
static int choose(const char *text, struct mic_device *device, struct message *msg)
{
    long long index;
    if (text == NULL || *text == '\0') {
        if (describe(Pa_GetDefaultInputDevice(), device))
            return LINNET_OK;
        return fail(msg, LINNET_E_DEVICE, "no microphone: there is no default input device");
    }
    if (parse_int(text, 0, 1 << 20, &index) == 0) {
        if (describe((int)index, device))
            return LINNET_OK;
        return fail(msg, LINNET_E_DEVICE, "no microphone: %s is not the number of an input device", text);
    }
    int n_found = 0;
    for (int i = 0; i < Pa_GetDeviceCount(); i++) {
        struct mic_device found;
        if (!describe(i, &found) || strcasestr(found.name, text) == NULL)
            continue;
        *device = found;
        n_found++;
        if (strcasecmp(found.name, text) == 0) { /* the whole name beats names that contain it */
            n_found = 1;
            break;
        }
    }
    if (n_found == 1)
        return LINNET_OK;
    return fail(msg, LINNET_E_DEVICE,
                n_found == 0 ? "no microphone has \"%s\" in its name" : "\"%s\" names several microphones", text);
}

static void keep_level(struct mic *m, float level)
{
    unsigned bits, old = atomic_load_explicit(&m->level, memory_order_relaxed);
    memcpy(&bits, &level, sizeof bits);
    while (bits > old && !atomic_compare_exchange_weak(&m->level, &old, bits))
        ;
}

static int capture(const void *input, void *output, unsigned long n_frames, const PaStreamCallbackTimeInfo *time,
                   PaStreamCallbackFlags flags, void *arg)
{
    (void)output, (void)time, (void)flags;
    struct mic *m = arg;
    const float *frames = input;
    if (atomic_load(&m->is_stopped))
        return paComplete;
    float mono[MIX_BLOCK], level = 0.0f;
    size_t n_channels = (size_t)m->n_channels, n_dropped = 0;
    for (size_t n_left = frames != NULL ? n_frames : 0; n_left > 0;) {
        size_t n = n_left < MIX_BLOCK ? n_left : MIX_BLOCK;
        for (size_t i = 0; i < n; i++) {
            float sum = 0.0f;
            for (size_t c = 0; c < n_channels; c++)
                sum += *frames++;
            mono[i] = sum / (float)n_channels;
            level = fabsf(mono[i]) > level ? fabsf(mono[i]) : level;
        }
        n_dropped += n - ring_write(&m->ring, mono, n);
        n_left -= n;
    }
    keep_level(m, level);
    atomic_fetch_add_explicit(&m->n_dropped, n_dropped, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->n_captured, n_frames, memory_order_release);
    return paContinue;
}

static int check(const struct mic *m, PaError error, struct message *msg)
{
    if (error == paNoError)
        return LINNET_OK;
    const char *why = error == paUnanticipatedHostError ? Pa_GetLastHostErrorInfo()->errorText : Pa_GetErrorText(error);
    return fail(msg, LINNET_E_DEVICE, "%s: %s", m->name, why);
}

/* Opens the stream with one channel, or with two where the device does not have one alone. */
static int open_stream(struct mic *m, const struct mic_device *device, struct message *msg)
{
    const PaDeviceInfo *info = Pa_GetDeviceInfo(device->index);
    PaStreamParameters wanted = {.device = device->index,
                                 .channelCount = 1,
                                 .sampleFormat = paFloat32,
                                 .suggestedLatency = info->defaultHighInputLatency};
    int kept = mute_stderr();
    PaError error = Pa_IsFormatSupported(&wanted, NULL, device->rate_hz);
    if (error == paInvalidChannelCount && device->n_channels >= 2)
        wanted.channelCount = 2;
    m->n_channels = wanted.channelCount;
    error =
        Pa_OpenStream(&m->stream, &wanted, NULL, device->rate_hz, paFramesPerBufferUnspecified, paNoFlag, capture, m);
    unmute_stderr(kept);
    return check(m, error, msg);
}

int mic_open(struct mic **out, const char *device_text, struct message *msg)
{
    struct mic_device device;
    struct mic *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(msg);
    int rc = initialize(msg);
    m->is_initialized = rc == 0;
    if (rc < 0 || (rc = choose(device_text, &device, msg)) < 0)
        goto fail;
    m->rate_hz = device.rate_hz;
    m->name = mem_string(device.name);
    rc = m->name == NULL ? fail_memory(msg) : ring_open(&m->ring, (size_t)device.rate_hz * RING_S, msg);
    if (rc < 0 || (rc = open_stream(m, &device, msg)) < 0)
        goto fail;
    *out = m;
    return LINNET_OK;
fail:
    mic_close(m);
    return rc;
}

int mic_start(struct mic *m, struct message *msg)
{
    int kept = mute_stderr();
    PaError error = Pa_StartStream(m->stream);
    unmute_stderr(kept);
    m->seen_s = clock_s();
    return check(m, error, msg);
}

void mic_stop(struct mic *m) { atomic_store(&m->is_stopped, 1); }

static void *close_portaudio(void *arg)
{
    struct mic *m = arg;
    if (m->stream != NULL) {
        Pa_AbortStream(m->stream);
        Pa_CloseStream(m->stream);
    }
    Pa_Terminate();
    atomic_store(&m->is_closed, 1);
    return NULL;
}

/* Returns whether PortAudio closed in time. */
static int close_in_time(struct mic *m)
{
    pthread_t thread;
    double end_s = clock_s() + STUCK_S;
    int kept = mute_stderr();
    if (pthread_create(&thread, NULL, close_portaudio, m) != 0) {
        close_portaudio(m);
    } else {
        while (!atomic_load(&m->is_closed) && clock_s() < end_s)
            pause_ms(1);
        if (atomic_load(&m->is_closed))
            pthread_join(thread, NULL);
    }
    unmute_stderr(kept);
    return atomic_load(&m->is_closed);
}

void mic_close(struct mic *m)
{
    if (m == NULL || (m->is_initialized && !close_in_time(m)))
        return;
    ring_close(&m->ring);
    mem_free(m->name);
    mem_free(m);
}

/* Nothing will come any more. */
static int is_lost(struct mic *m)
{
    uint64_t n = atomic_load_explicit(&m->n_captured, memory_order_acquire);
    double now_s = clock_s();
    if (n != m->n_seen) {
        m->n_seen = n;
        m->seen_s = now_s;
    }
    return now_s - m->seen_s > LOST_S || Pa_IsStreamActive(m->stream) != 1;
}

long mic_read(struct mic *m, float *samples, size_t max, int timeout_ms, struct message *msg)
{
    if (atomic_load(&m->is_stopped))
        return (long)ring_read(&m->ring, samples, max);
    double end_s = clock_s() + timeout_ms * 1e-3;
    int lost = is_lost(m);
    while (!lost && ring_held(&m->ring) < max && clock_s() < end_s) {
        pause_ms(POLL_MS);
        lost = is_lost(m);
    }
    size_t n = ring_read(&m->ring, samples, max);
    if (n == 0 && max > 0 && lost)
        return fail(msg, LINNET_E_DEVICE, "%s: the device has stopped giving sound", m->name);
    return (long)n;
}

const char *mic_name(const struct mic *m) { return m->name; }

int mic_rate_hz(const struct mic *m) { return m->rate_hz; }

uint64_t mic_dropped(struct mic *m) { return atomic_load_explicit(&m->n_dropped, memory_order_relaxed); }

float mic_level(struct mic *m)
{
    unsigned bits = atomic_exchange(&m->level, 0);
    float level;
    memcpy(&level, &bits, sizeof level);
    return level;
}
