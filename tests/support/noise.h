/* SPDX-License-Identifier: Apache-2.0
 * noise.h - numbers that look random and are the same in every run. */
#ifndef LINNET_TESTS_SUPPORT_NOISE_H
#define LINNET_TESTS_SUPPORT_NOISE_H

#include <stdint.h>

/* Of 24 bits. */
static inline uint32_t noise_bits(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* -1 .. 1 */
static inline float noise(void) { return (float)noise_bits() / (float)(1 << 23) - 1.0f; }

static inline void noise_fill(float *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = noise();
}

#endif
