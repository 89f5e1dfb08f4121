/* SPDX-License-Identifier: Apache-2.0
 * sounds.h - made-up sounds, added to what is there; 16 kHz.  Syllables are a harmonic sound on 120 Hz, 150 ms of every
 * 250 ms: like speech it has gaps. */
#ifndef LINNET_TESTS_SUPPORT_SOUNDS_H
#define LINNET_TESTS_SUPPORT_SOUNDS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define SOUNDS_RATE 16000

/* About normal, standard deviation 1. */
static inline float sounds_random(void)
{
    static uint32_t state = 1;
    float sum = 0.0f;
    for (int i = 0; i < 12; i++) {
        state = state * 1664525u + 1013904223u;
        sum += (float)(state >> 8) / 16777216.0f;
    }
    return sum - 6.0f;
}

static inline void sounds_noise(float *x, size_t n, float level)
{
    for (size_t i = 0; i < n; i++)
        x[i] += level * sounds_random();
}

static inline void sounds_hum(float *x, size_t n, float level)
{
    for (size_t i = 0; i < n; i++)
        for (int h = 1; h < 20; h++)
            x[i] += level / (float)h * (float)sin(6.283185307179586 * 50.0 * h * (double)i / SOUNDS_RATE + h);
}

static inline void sounds_syllables(float *x, size_t n, float level)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i % 4000;
        double shape = at < 2400 ? sin(3.141592653589793 * (double)at / 2400.0) : 0.0, sum = 0.0;
        for (int h = 1; shape > 0.0 && h < 40; h++)
            sum += sin(6.283185307179586 * 120.0 * h * (double)i / SOUNDS_RATE) / h;
        x[i] += level * (float)(shape * sum);
    }
}

#endif
