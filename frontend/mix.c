/* SPDX-License-Identifier: Apache-2.0
 * mix.c - channels to one, at the scale [-1, 1]. */
#include "frontend/mix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE 1e6f   /* after scaling: far beyond any scale in use; its square still fits a float */
#define MAX_STORED 1e10f /* 32-bit integers, and room */
#define USUAL 8.0f       /* how far recordings go beyond 1 that are only loud */
#define LARGE_SHARE 0.01 /* of samples beyond that: fewer are clicks */
#define CANCELLED 0.1    /* of the energy that unrelated channels would leave: 10 dB */
#define EQUALLY_LOUD 0.8 /* 1 dB: then the first is taken */

static const struct setting settings[] = {
    {"audio.channel", SETTING_TEXT, offsetof(struct mix_options, channel), "mix", 0, 0, NULL,
     "channel to decode: left, right, a number from 1, or mix: their mean, the loudest where they cancel each other"},
    {0}};

const struct settings_table mix_settings = {"Recordings", sizeof(struct mix_options), settings};

static int parse_channel(const char *text, int *channel)
{
    char *end = NULL;
    long number = 0;
    if (text == NULL || strcmp(text, "mix") == 0)
        number = 0;
    else if (strcmp(text, "left") == 0)
        number = 1;
    else if (strcmp(text, "right") == 0)
        number = 2;
    else if (text[0] < '1' || text[0] > '9' || (number = strtol(text, &end, 10), *end != '\0') ||
             number > MIX_MAX_CHANNELS)
        return 0;
    *channel = (int)number - 1;
    return 1;
}

int mix_init(struct mix *m, const char *channel, int n_channels, int is_float, struct message *msg)
{
    int wanted;
    if (!parse_channel(channel, &wanted))
        return fail(msg, LINNET_E_ARGUMENT, "audio.channel: '%s' is not mix, left, right or a number from 1", channel);
    if (wanted >= n_channels)
        return fail(msg, LINNET_E_ARGUMENT, "audio.channel: there is no channel %d of %d", wanted + 1, n_channels);
    *m = (struct mix){.n_channels = n_channels, .wanted = wanted, .channel = wanted, .scale = 1.0f};
    m->may_scale = is_float;
    return LINNET_OK;
}

int mix_is_undecided(const struct mix *m) { return m->may_scale || (m->wanted < 0 && m->n_channels > 1); }

void mix_show(struct mix *m, const float *frames, size_t n)
{
    for (size_t i = 0; i < n; i++, frames += m->n_channels) {
        double sum = 0.0;
        for (int c = 0; c < m->n_channels; c++) {
            float size = fabsf(frames[c]);
            if (!(size <= MAX_STORED)) /* true for NaN */
                return;
            m->peak = fmaxf(m->peak, size);
            m->n_large += size > USUAL;
            m->n_sounds += size > 0.0f;
            m->energy[c] += (double)size * size;
            sum += frames[c];
        }
        m->mean_energy += sum * sum;
    }
}

/* The mean's energy, set against that of channels with nothing in common: their sum over n^2. */
static int is_cancelled(const struct mix *m, int *loudest)
{
    double all = 0.0;
    *loudest = 0;
    for (int c = 0; c < m->n_channels; c++) {
        all += m->energy[c];
        if (m->energy[c] * EQUALLY_LOUD > m->energy[*loudest])
            *loudest = c;
    }
    return m->mean_energy < CANCELLED * all;
}

void mix_decide(struct mix *m)
{
    int loudest;
    char scaled[80] = "", alone[120] = "";
    m->channel = m->wanted;
    if (m->wanted < 0 && m->n_channels > 1 && is_cancelled(m, &loudest)) {
        m->channel = loudest;
        snprintf(alone, sizeof alone, "its channels cancel each other: channel %d alone is decoded (audio.channel)",
                 loudest + 1);
    }
    if (m->may_scale && (double)m->n_large > LARGE_SHARE * (double)m->n_sounds) {
        m->scale = exp2f(-ceilf(log2f(m->peak)));
        snprintf(scaled, sizeof scaled, "samples up to %g are divided by %g", (double)m->peak, 1.0 / m->scale);
    }
    fail(&m->note, 0, "%s%s%s", scaled, scaled[0] != '\0' && alone[0] != '\0' ? "; " : "", alone);
}

size_t mix_run(const struct mix *m, const float *frames, size_t n, float *mono)
{
    const float *frame = frames;
    for (size_t i = 0; i < n; i++, frame += m->n_channels) {
        float sum = 0.0f;
        for (int c = 0; c < m->n_channels; c++) {
            if (!(fabsf(frame[c]) * m->scale <= MAX_VALUE)) /* true for NaN */
                return i;
            sum += frame[c];
        }
        mono[i] = m->channel >= 0 ? frame[m->channel] : sum / (float)m->n_channels;
        mono[i] *= m->scale;
    }
    return n;
}
