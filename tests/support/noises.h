/* SPDX-License-Identifier: Apache-2.0
 * noises.h - sounds that come and go as speech does and are none, made up; 16 kHz, added to what is there.
 *
 * bursts: tones of one frequency each; ring: two tones through a bell at 20 Hz, 1 s of every 3; keys: clicks of damped
 * noise, press and release; music: a melody of plucked strings over chords, with a drum; breath: noise through two
 * resonances, in and out; rain: noise and drops; crowd: forty voices, vowels on gliding pitches, far away. */
#ifndef LINNET_TESTS_SUPPORT_NOISES_H
#define LINNET_TESTS_SUPPORT_NOISES_H

#include "tests/support/sounds.h"

/* 0 .. 1 */
static inline float noises_share(void)
{
    static uint32_t state = 7;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 16777216.0f;
}

/* A resonance: poles at hz with that bandwidth, about 1 at its peak. */
struct noises_filter {
    float a, b, gain, y1, y2;
};

static inline struct noises_filter noises_resonance(double hz, double width_hz)
{
    double r = exp(-3.141592653589793 * width_hz / SOUNDS_RATE), w = 6.283185307179586 * hz / SOUNDS_RATE;
    return (struct noises_filter){(float)(2 * r * cos(w)), (float)(-r * r), (float)((1 - r) * 2 * sin(w)), 0, 0};
}

static inline float noises_filtered(struct noises_filter *f, float x)
{
    float y = f->gain * x + f->a * f->y1 + f->b * f->y2;
    f->y2 = f->y1;
    f->y1 = y;
    return y;
}

static inline float noises_sine(double hz, size_t i)
{
    return (float)sin(6.283185307179586 * fmod(hz * (double)i / SOUNDS_RATE, 1.0));
}

/* Sound of n_on samples of every n, with edges of 5 ms. */
static inline float noises_burst(size_t i, size_t n_on, size_t n)
{
    size_t at = i % n, left = n_on - at;
    if (at >= n_on)
        return 0.0f;
    return fminf(1.0f, (float)(at < left ? at : left) / 80.0f);
}

static inline void noises_bursts(float *x, size_t n)
{
    static const double tones_hz[] = {400, 1000, 697, 440, 2300, 250};
    for (size_t i = 0; i < n; i++)
        x[i] += 0.3f * noises_burst(i, 4800, 10000) * noises_sine(tones_hz[i / 20000 % 6], i);
}

static inline void noises_ring(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float bell = 0.6f + 0.4f * noises_sine(20, i);
        x[i] += 0.2f * noises_burst(i, 16000, 48000) * bell * (noises_sine(440, i) + noises_sine(480, i));
    }
}

static inline void noises_click(float *x, size_t n, float level)
{
    struct noises_filter body = noises_resonance(1500 + 2500 * (double)noises_share(), 900);
    for (size_t i = 0; i < n && i < 400; i++)
        x[i] += level * expf(-(float)i / 60.0f) * noises_filtered(&body, sounds_random());
}

static inline void noises_keys(float *x, size_t n)
{
    sounds_noise(x, n, 0.0005f);
    for (size_t at = 3000; at + 1 < n;) {
        size_t up = at + 1000 + (size_t)(600 * noises_share());
        noises_click(x + at, n - at, 0.4f);
        if (up < n)
            noises_click(x + up, n - up, 0.2f);
        at += 1800 + (size_t)(noises_share() < 0.15f ? 16000 : 3000 * noises_share());
    }
}

static inline void noises_pluck(float *x, size_t n, double hz, float level)
{
    for (size_t i = 0; i < n && i < 24000; i++)
        for (int h = 1; h <= 8; h++)
            x[i] += level / (float)h * expf(-(float)i * (float)(h + 1) / 16000.0f) * noises_sine(hz * h, i);
}

static inline void noises_music(float *x, size_t n)
{
    static const int melody[] = {0, 4, 7, 12, 11, 7, 9, 5, 4, 2, 0, 7}, roots[] = {0, 5, 7, 0};
    enum { BEAT = 4800 };
    for (size_t at = 0, i = 0; at < n; at += BEAT, i++) {
        int root = roots[i / 8 % 4];
        noises_pluck(x + at, n - at, 440 * pow(2, melody[i * 5 % 12] / 12.0), 0.12f);
        for (int k = 0; i % 4 == 0 && k < 3; k++)
            noises_pluck(x + at, n - at, 110 * pow(2, (root + (k > 1 ? 7 : 4 * k)) / 12.0), 0.12f);
        for (size_t k = 0; i % 2 == 1 && k < 2000 && at + k < n; k++)
            x[at + k] += 0.05f * expf(-(float)k / 400.0f) * sounds_random();
    }
}

static inline void noises_breath(float *x, size_t n)
{
    enum { CYCLE = 56000, IN = 20000, OUT = 26000 };
    struct noises_filter in[] = {noises_resonance(1700, 900), noises_resonance(4200, 1800)},
                         out[] = {noises_resonance(900, 700), noises_resonance(2600, 1500)};
    for (size_t i = 0; i < n; i++) {
        size_t at = i % CYCLE;
        float share = at < IN ? (float)at / IN : at < IN + OUT ? (float)(at - IN) / OUT : 0.0f, noise = sounds_random();
        struct noises_filter *f = at < IN ? in : out;
        x[i] += 0.06f * share * (1.0f - share) * 4.0f * (noises_filtered(&f[0], noise) + noises_filtered(&f[1], noise));
        x[i] += 0.0003f * noise;
    }
}

static inline void noises_rain(float *x, size_t n)
{
    sounds_noise(x, n, 0.02f);
    for (size_t at = 0; at < n; at += 40 + (size_t)(400 * noises_share()))
        noises_click(x + at, n - at, 0.15f * noises_share());
}

/* A voice of which every vowel has a pitch that glides and two resonances; pulses, 150 to 350 ms. */
static inline void noises_voice(float *x, size_t n, float level)
{
    double pitch_hz = 90 + 150 * (double)noises_share(), phase = 0;
    for (size_t at = (size_t)(8000 * noises_share()); at < n;) {
        size_t length = 2400 + (size_t)(3200 * noises_share());
        struct noises_filter low = noises_resonance(300 + 500 * (double)noises_share(), 90),
                             high = noises_resonance(1000 + 1300 * (double)noises_share(), 140);
        double hz = pitch_hz * (0.85 + 0.3 * (double)noises_share());
        for (size_t i = 0; i < length && at + i < n; i++) {
            float share = (float)i / (float)length, pulse = 0.0f;
            phase += hz * (1.1 - 0.2 * (double)share) / SOUNDS_RATE;
            if (phase >= 1)
                phase -= 1, pulse = 8.0f;
            float source = pulse + 0.1f * sounds_random();
            float y = noises_filtered(&low, source) + 0.6f * noises_filtered(&high, source);
            x[at + i] += level * 4.0f * share * (1.0f - share) * y;
        }
        at += length + (size_t)(noises_share() < 0.2f ? 9000 * noises_share() : 1200 * noises_share());
    }
}

static inline void noises_crowd(float *x, size_t n)
{
    for (int i = 0; i < 40; i++)
        noises_voice(x, n, 0.02f);
    sounds_noise(x, n, 0.002f);
}

static const struct noises {
    const char *name;
    void (*add)(float *x, size_t n);
} noises[] = {{"bursts", noises_bursts}, {"ring", noises_ring}, {"keys", noises_keys},  {"music", noises_music},
              {"breath", noises_breath}, {"rain", noises_rain}, {"crowd", noises_crowd}};
enum { N_NOISES = sizeof noises / sizeof noises[0] };

#endif
