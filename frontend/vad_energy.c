/* SPDX-License-Identifier: Apache-2.0
 * vad_energy.c - the voice detector that needs no weights.
 *
 * Every 10 ms the power of 20 mel bands (100 to 7000 Hz), smoothed a little in time, is compared with the smallest that
 * the band had in the last 0.7 s (minimum statistics, after Martin 2001, with the block-wise search for the
 * minimum).  What a band has more than NOISE_DB above its minimum is its excess; the mean excess over the bands is the
 * score. Steady sounds stay near their minimum in every band however loud they are; speech has gaps in each band every
 * few syllables, and so have music, clicks and whatever else comes and goes.  Frames near digital silence are left out
 * of the minimum: a recording that is muted now and then would otherwise take its own room for speech. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/mel_bank.h"
#include "frontend/spectrum.h"
#include "frontend/vad_turns.h"

#define LENGTH 512 /* samples of a frame */
#define HOP 160
#define N_BANDS 20
#define LOW_HZ 100.0
#define HIGH_HZ 7000.0

#define SMOOTHING 0.6f       /* weight of the past in the smoothed power */
#define N_BLOCKS 6           /* of the search for the minimum... */
#define BLOCK_FRAMES 12      /* ...each so many frames: 0.7 s in all */
#define NOISE_DB 4.0f        /* smoothed noise over its minimum in that time */
#define MAX_EXCESS_DB 20.0f  /* of one band: a tone in one band is not speech */
#define SILENCE_DBFS (-85.0) /* white noise of that level is as good as digital silence */

struct energy {
    struct spectrum spectrum;
    struct mel_bank bank;
    float window[LENGTH];
    float silence[N_BANDS]; /* power of the bands at SILENCE_DBFS */
    float smoothed[N_BANDS];
    float minima[N_BLOCKS][N_BANDS];   /* of the smoothed power, in a ring; the block at i_block is open */
    int n_in_block, i_block, n_minima; /* frames in the open block; blocks filled, the open one included */
    int is_started;
};

/* The window, and what white noise of SILENCE_DBFS has in each band. */
static void fill_tables(struct energy *e)
{
    double energy = 0.0;
    for (int i = 0; i < LENGTH; i++) {
        e->window[i] = (float)(0.5 - 0.5 * cos(2.0 * acos(-1.0) * i / LENGTH));
        energy += (double)e->window[i] * (double)e->window[i];
    }
    for (int b = 0; b < N_BANDS; b++) {
        double weight = 0.0;
        for (size_t k = 0; k < e->bank.filters[b].n; k++)
            weight += (double)e->bank.filters[b].weights[k];
        e->silence[b] = (float)(weight * energy * pow(10.0, SILENCE_DBFS / 10.0));
    }
}

static void energy_close(void *state)
{
    struct energy *e = state;
    if (e == NULL)
        return;
    spectrum_close(&e->spectrum);
    mel_bank_close(&e->bank);
    mem_free(e);
}

static int energy_open(void **state, const struct vad_options *o, struct message *msg)
{
    (void)o;
    struct energy *e = mem_array(1, sizeof *e);
    if (e == NULL)
        return fail_memory(msg);
    int rc = spectrum_open(&e->spectrum, LENGTH, msg);
    if (rc < 0 || (rc = mel_bank_open_kaldi(&e->bank, N_BANDS, LENGTH, VAD_RATE_HZ, LOW_HZ, HIGH_HZ, msg)) < 0) {
        energy_close(e);
        return rc;
    }
    fill_tables(e);
    *state = e;
    return LINNET_OK;
}

static void energy_reset(void *state)
{
    struct energy *e = state;
    e->n_in_block = e->i_block = e->n_minima = 0;
    e->is_started = 0;
}

/* Puts the smoothed powers into the open block of the minima. */
static void track_minima(struct energy *e)
{
    if (e->n_minima == 0 || e->n_in_block == BLOCK_FRAMES) {
        e->i_block = e->n_minima == 0 ? 0 : (e->i_block + 1) % N_BLOCKS;
        e->n_minima += e->n_minima < N_BLOCKS;
        e->n_in_block = 0;
        memcpy(e->minima[e->i_block], e->smoothed, sizeof e->smoothed);
    }
    e->n_in_block++;
    float *open = e->minima[e->i_block];
    for (int b = 0; b < N_BANDS; b++)
        open[b] = e->smoothed[b] < open[b] ? e->smoothed[b] : open[b];
}

/* The smaller of power now and smoothed power counts, so that a click does not ring on. */
static float mean_excess_db(const struct energy *e, const float *power)
{
    float sum = 0.0f;
    for (int b = 0; b < N_BANDS; b++) {
        float now = power[b] < e->smoothed[b] ? power[b] : e->smoothed[b], floor = e->smoothed[b];
        for (int i = 0; i < e->n_minima; i++)
            floor = e->minima[i][b] < floor ? e->minima[i][b] : floor;
        floor = floor > e->silence[b] ? floor : e->silence[b];
        float db = 10.0f * log10f((now + 1e-30f) / floor) - NOISE_DB;
        sum += db < 0.0f ? 0.0f : db < MAX_EXCESS_DB ? db : MAX_EXCESS_DB;
    }
    return sum / N_BANDS;
}

static float energy_score(void *state, const float *frame)
{
    struct energy *e = state;
    float power[N_BANDS];
    int n_silent = 0;
    for (int i = 0; i < LENGTH; i++)
        e->spectrum.in[i] = frame[i] * e->window[i];
    spectrum_step(&e->spectrum);
    mel_bank_step(&e->bank, e->spectrum.power, power);
    for (int b = 0; b < N_BANDS; b++) {
        n_silent += power[b] <= e->silence[b];
        e->smoothed[b] = e->is_started ? SMOOTHING * e->smoothed[b] + (1.0f - SMOOTHING) * power[b] : power[b];
    }
    e->is_started = n_silent < N_BANDS; /* the first sound after silence is not smoothed with it */
    if (!e->is_started)
        return 0.0f;
    track_minima(e);
    return mean_excess_db(e, power);
}

static struct vad_limits energy_limits(const struct vad_options *o)
{
    return (struct vad_limits){(float)o->threshold_db, (float)o->threshold_db};
}

const struct vad_kind vad_energy = {
    .length = LENGTH,
    .hop = HOP,
    .n_sound = LENGTH / 2,
    .open = energy_open,
    .close = energy_close,
    .reset = energy_reset,
    .score = energy_score,
    .limits = energy_limits,
};
