/* SPDX-License-Identifier: Apache-2.0
 * vad.c - where a stream holds speech.
 *
 * Every 10 ms the power of 20 mel bands (100 to 7000 Hz), smoothed a little in time, is compared with the smallest that
 * the band had in the last 0.7 s (minimum statistics, after Martin 2001, with the block-wise search for the
 * minimum).  What a band has more than NOISE_DB above its minimum is its excess; the mean excess over the bands
 * decides. Steady sounds stay near their minimum in every band however loud they are; speech has gaps in each band
 * every few syllables.  Frames near digital silence are left out of the minimum: a recording that is muted now and then
 * would otherwise take its own room for speech.
 *
 * A start needs some such frames close together, an end a long run of others; the margins before and after are
 * options.  Nothing here depends on how the stream is cut into feeds. */
#include "frontend/vad.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/framer.h"
#include "frontend/mel_bank.h"
#include "frontend/spectrum.h"

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

struct vad {
    struct framer framer;
    struct spectrum spectrum;
    struct mel_bank bank;
    float window[LENGTH];
    float silence[N_BANDS]; /* power of the bands at SILENCE_DBFS */
    float smoothed[N_BANDS];
    float minima[N_BLOCKS][N_BANDS];   /* of the smoothed power, in a ring; the block at i_block is open */
    int n_in_block, i_block, n_minima; /* frames in the open block; blocks filled, the open one included */
    float excess_db;

    uint64_t start_bits;                 /* the last frames, bit 0 the newest: above the threshold */
    int n_start, n_start_window, n_hold; /* frames */
    uint64_t pre_roll_samples;
    float threshold_db;
    uint64_t n_frames, n_samples; /* so far */
    uint64_t last_sound;          /* frame */
    uint64_t last_change;         /* sample */
    int is_speech, is_started;
};

#define FIELD(name) offsetof(struct vad_options, name)

static const struct setting settings[] = {
    {"vad.threshold_db", SETTING_NUMBER, FIELD(threshold_db), "2.2", 0, 60, NULL,
     "mean excess over the noise floor, in dB, that counts as speech; lower: more sensitive"},
    {"vad.start_ms", SETTING_INT, FIELD(start_ms), "60", 10, 1000, NULL,
     "sound that starts speech, in ms: what is shorter, as a click, does not"},
    {"vad.hold_ms", SETTING_INT, FIELD(hold_ms), "400", 0, 10000, NULL, "silence after which speech has ended, in ms"},
    {"vad.pre_roll_ms", SETTING_INT, FIELD(pre_roll_ms), "300", 0, 5000, NULL,
     "audio before the first sound that is taken as speech too, in ms"},
    {0}};

const struct settings_table vad_settings = {"Voice activity detection", sizeof(struct vad_options), settings};

static int check_options(const struct vad_options *o, struct message *msg)
{
    if (!(o->threshold_db > 0.0 && o->threshold_db < 20.0) || o->start_ms < 10 || o->start_ms > 400 ||
        o->hold_ms < 20 || o->hold_ms > 60000 || o->pre_roll_ms < 0 || o->pre_roll_ms > 60000)
        return fail(msg, LINNET_E_ARGUMENT,
                    "voice activity: threshold %g dB, start %d ms, hold %d ms or pre-roll %d ms is out of range",
                    o->threshold_db, o->start_ms, o->hold_ms, o->pre_roll_ms);
    return LINNET_OK;
}

/* The window, and what white noise of SILENCE_DBFS has in each band. */
static void fill_tables(struct vad *v)
{
    double energy = 0.0;
    for (int i = 0; i < LENGTH; i++) {
        v->window[i] = (float)(0.5 - 0.5 * cos(2.0 * acos(-1.0) * i / LENGTH));
        energy += (double)v->window[i] * (double)v->window[i];
    }
    for (int b = 0; b < N_BANDS; b++) {
        double weight = 0.0;
        for (size_t k = 0; k < v->bank.filters[b].n; k++)
            weight += (double)v->bank.filters[b].weights[k];
        v->silence[b] = (float)(weight * energy * pow(10.0, SILENCE_DBFS / 10.0));
    }
}

int vad_open(struct vad **out, const struct vad_options *o, struct message *msg)
{
    int rc = check_options(o, msg);
    if (rc < 0)
        return rc;
    struct vad *v = mem_array(1, sizeof *v);
    if (v == NULL)
        return fail_memory(msg);
    rc = framer_open(&v->framer, LENGTH, HOP, msg);
    if (rc < 0 || (rc = spectrum_open(&v->spectrum, LENGTH, msg)) < 0 ||
        (rc = mel_bank_open_kaldi(&v->bank, N_BANDS, LENGTH, VAD_RATE_HZ, LOW_HZ, HIGH_HZ, msg)) < 0) {
        vad_close(v);
        return rc;
    }
    fill_tables(v);
    v->threshold_db = (float)o->threshold_db;
    v->n_start = (o->start_ms + 9) / 10;
    v->n_start_window = (v->n_start * 3 + 1) / 2;
    v->n_hold = (o->hold_ms + 9) / 10;
    v->pre_roll_samples = (uint64_t)o->pre_roll_ms * VAD_RATE_HZ / 1000;
    *out = v;
    return LINNET_OK;
}

void vad_close(struct vad *v)
{
    if (v == NULL)
        return;
    framer_close(&v->framer);
    spectrum_close(&v->spectrum);
    mel_bank_close(&v->bank);
    mem_free(v);
}

void vad_reset(struct vad *v)
{
    framer_reset(&v->framer);
    v->n_in_block = v->i_block = v->n_minima = 0;
    v->excess_db = 0.0f;
    v->start_bits = v->n_frames = v->n_samples = v->last_sound = v->last_change = 0;
    v->is_speech = v->is_started = 0;
}

size_t vad_max_changes(const struct vad *v, size_t n)
{
    return framer_frames(&v->framer, n); /* a frame makes one change at most */
}

/* Puts the smoothed powers into the open block of the minima. */
static void track_minima(struct vad *v)
{
    if (v->n_minima == 0 || v->n_in_block == BLOCK_FRAMES) {
        v->i_block = v->n_minima == 0 ? 0 : (v->i_block + 1) % N_BLOCKS;
        v->n_minima += v->n_minima < N_BLOCKS;
        v->n_in_block = 0;
        memcpy(v->minima[v->i_block], v->smoothed, sizeof v->smoothed);
    }
    v->n_in_block++;
    float *open = v->minima[v->i_block];
    for (int b = 0; b < N_BANDS; b++)
        open[b] = v->smoothed[b] < open[b] ? v->smoothed[b] : open[b];
}

/* The smaller of power now and smoothed power counts, so that a click does not ring on. */
static float mean_excess_db(const struct vad *v, const float *power)
{
    float sum = 0.0f;
    for (int b = 0; b < N_BANDS; b++) {
        float now = power[b] < v->smoothed[b] ? power[b] : v->smoothed[b], floor = v->smoothed[b];
        for (int i = 0; i < v->n_minima; i++)
            floor = v->minima[i][b] < floor ? v->minima[i][b] : floor;
        floor = floor > v->silence[b] ? floor : v->silence[b];
        float db = 10.0f * log10f((now + 1e-30f) / floor) - NOISE_DB;
        sum += db < 0.0f ? 0.0f : db < MAX_EXCESS_DB ? db : MAX_EXCESS_DB;
    }
    return sum / N_BANDS;
}

static void measure(struct vad *v, const float *frame)
{
    float power[N_BANDS];
    int n_silent = 0;
    for (int i = 0; i < LENGTH; i++)
        v->spectrum.in[i] = frame[i] * v->window[i];
    spectrum_step(&v->spectrum);
    mel_bank_step(&v->bank, v->spectrum.power, power);
    for (int b = 0; b < N_BANDS; b++) {
        n_silent += power[b] <= v->silence[b];
        v->smoothed[b] = v->is_started ? SMOOTHING * v->smoothed[b] + (1.0f - SMOOTHING) * power[b] : power[b];
    }
    v->is_started = n_silent < N_BANDS; /* the first sound after silence is not smoothed with it */
    if (!v->is_started) {
        v->excess_db = 0.0f;
        return;
    }
    track_minima(v);
    v->excess_db = mean_excess_db(v, power);
}

/* Moves from silence to speech and back.  Returns 1 and the change, or 0. */
static int decide(struct vad *v, struct vad_change *change)
{
    uint64_t frame = v->n_frames++;
    int sounds = v->excess_db > v->threshold_db;
    v->start_bits = v->start_bits << 1 | (unsigned)sounds;
    if (sounds)
        v->last_sound = frame;
    uint64_t recent = v->start_bits & ((UINT64_C(1) << v->n_start_window) - 1), sound;
    if (!v->is_speech && __builtin_popcountll(recent) >= v->n_start) {
        sound = (frame - (uint64_t)(63 - __builtin_clzll(recent))) * HOP;
        uint64_t at = sound > v->pre_roll_samples ? sound - v->pre_roll_samples : 0;
        v->last_change = at > v->last_change ? at : v->last_change;
    } else if (v->is_speech && frame - v->last_sound >= (uint64_t)v->n_hold) {
        sound = vad_sound_end(v);
        v->last_change = (v->last_sound + (uint64_t)v->n_hold) * HOP + LENGTH / 2;
        v->start_bits = 0;
    } else {
        return 0;
    }
    v->is_speech = !v->is_speech;
    *change = (struct vad_change){v->last_change, sound, v->is_speech};
    return 1;
}

size_t vad_feed(struct vad *v, const float *samples, size_t n, struct vad_change *changes)
{
    size_t n_changes = 0;
    v->n_samples += n;
    while (n > 0) {
        size_t n_taken = framer_put(&v->framer, samples, n);
        samples += n_taken;
        n -= n_taken;
        for (const float *frame; (frame = framer_next(&v->framer)) != NULL;) {
            measure(v, frame);
            n_changes += (size_t)decide(v, &changes[n_changes]);
        }
    }
    return n_changes;
}

size_t vad_finish(struct vad *v, struct vad_change *change)
{
    if (!v->is_speech)
        return 0;
    v->is_speech = 0;
    v->last_change = v->n_samples;
    *change = (struct vad_change){v->n_samples, vad_sound_end(v), 0};
    return 1;
}

int vad_is_speech(const struct vad *v) { return v->is_speech; }

/* A frame hears what is in its middle. */
uint64_t vad_sound_end(const struct vad *v)
{
    uint64_t end = v->last_sound * HOP + LENGTH / 2;
    return end < v->n_samples ? end : v->n_samples;
}

uint64_t vad_decided(const struct vad *v)
{
    uint64_t back = v->is_speech ? 0 : (uint64_t)v->n_start_window * HOP + v->pre_roll_samples, now = v->n_frames * HOP;
    uint64_t decided = now > back ? now - back : 0;
    return decided > v->last_change ? decided : v->last_change;
}
