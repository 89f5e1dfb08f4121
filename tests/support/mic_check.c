/* SPDX-License-Identifier: Apache-2.0
 * The microphone against a sound server whose default source is a tone of 440 Hz: started by mic.sh, which tells the
 * server's process in MIC_SERVER.  Skipped where the audio system finds no device or PortAudio is not there. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "frontend/mic.h"
#include "tests/support/unit.h"

struct found {
    int n, n_default;
};

static void count(void *arg, const struct mic_device *device)
{
    struct found *found = arg;
    found->n++;
    found->n_default += device->is_default;
    CU_ASSERT(device->rate_hz > 0 && device->n_channels > 0 && device->name != NULL && *device->system != '\0');
}

static void devices_are_listed(void)
{
    struct found found = {0};
    CU_ASSERT_EQUAL(mic_list(count, &found, NULL), found.n);
    CU_ASSERT_EQUAL(found.n_default, 1);
}

static void wrong_names_are_refused(void)
{
    struct message msg = {0};
    struct mic *m = (void *)1;
    CU_ASSERT_EQUAL(mic_open(&m, "no such microphone", &msg), LINNET_E_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "no such microphone"));
    CU_ASSERT_EQUAL(mic_open(&m, "1000", &msg), LINNET_E_DEVICE);
    CU_ASSERT_PTR_EQUAL(m, (void *)1);
}

/* Reads n samples; returns how many came before an error. */
static size_t read_some(struct mic *m, float *x, size_t n)
{
    size_t n_read = 0;
    for (int i = 0; i < 100 && n_read < n; i++) {
        long k = mic_read(m, x + n_read, n - n_read, 100, NULL);
        if (k < 0)
            break;
        n_read += (size_t)k;
    }
    return n_read;
}

/* The share of the energy of x that is at 440 Hz. */
static double share_of_tone(const float *x, size_t n, int rate_hz)
{
    double re = 0.0, im = 0.0, energy = 0.0;
    for (size_t i = 0; i < n; i++) {
        double phase = 6.283185307179586 * 440.0 * (double)i / rate_hz;
        re += x[i] * cos(phase);
        im += x[i] * sin(phase);
        energy += (double)x[i] * (double)x[i];
    }
    return 2.0 * (re * re + im * im) / ((double)n * energy);
}

static void sound_arrives_until_the_device_is_lost(void)
{
    static float x[192000];
    struct message msg = {0};
    struct mic *m;
    CU_ASSERT_EQUAL_FATAL(mic_open(&m, NULL, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(mic_start(m, &msg), 0);
    size_t n = (size_t)mic_rate_hz(m);
    CU_ASSERT_FATAL(n <= 192000);
    CU_ASSERT_EQUAL_FATAL(read_some(m, x, n), n);
    CU_ASSERT(share_of_tone(x + n / 2, n / 2, mic_rate_hz(m)) > 0.9);
    CU_ASSERT(mic_level(m) > 0.01f);
    CU_ASSERT_EQUAL(mic_dropped(m), 0);
    CU_ASSERT_EQUAL(mic_read(m, x, 0, 0, &msg), 0);
    kill((pid_t)atoi(getenv("MIC_SERVER")), SIGTERM);
    long status = 0;
    for (int i = 0; i < 100 && status >= 0; i++)
        status = mic_read(m, x, 4000, 100, &msg);
    CU_ASSERT_EQUAL(status, LINNET_E_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, mic_name(m)));
    mic_close(m);
}

static const struct unit_test tests[] = {
    {"devices are listed", devices_are_listed},
    {"wrong names are refused", wrong_names_are_refused},
    {"sound arrives until the device is lost", sound_arrives_until_the_device_is_lost},
};

static void ignore(void *arg, const struct mic_device *device) { (void)arg, (void)device; }

int main(void)
{
    const char *server = getenv("MIC_SERVER");
    if (server == NULL || atoi(server) < 2 || mic_list(ignore, NULL, NULL) < 1)
        return UNIT_SKIP;
    return unit_main("mic", tests, sizeof tests / sizeof tests[0]);
}
