/* SPDX-License-Identifier: Apache-2.0
 * rehearsal.c - the voice is a formant synthesizer's: a source of pulses and noise through three resonators, which
 * glide from vowel to vowel, one for each syllable.  It says nothing, but detectors of voice hear one, and decoders
 * find about as many tokens as in speech. */
#include "serve/rehearsal.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"

enum { RATE_HZ = 16000, SECONDS = 10, BLOCKS_PER_S = 10, N_FORMANTS = 3, PHRASE = 10 };

#define PAUSE_S 1.2 /* between phrases: ends an utterance */
#define MOST_S 3    /* of a model's rehearsal: slow ones do fewer seconds of audio */

/* ---- the voice ---- */

struct resonator {
    double y1, y2;
};

static double resonate(struct resonator *r, double x, double hz, double width_hz)
{
    double radius = exp(-M_PI * width_hz / RATE_HZ);
    double y = (1 - radius) * x + 2 * radius * cos(2 * M_PI * hz / RATE_HZ) * r->y1 - radius * radius * r->y2;
    r->y2 = r->y1;
    r->y1 = y;
    return y;
}

/* In [-1, 1), always the same. */
static double noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)*state / 2147483648.0 - 1;
}

/* A syllable: a consonant, silence or noise, and a vowel. */
struct syllable {
    const double *vowel_hz; /* [N_FORMANTS] */
    double noise_hz, pitch_hz;
    size_t n, n_consonant; /* samples */
    int is_pause;
};

static struct syllable next_syllable(uint32_t *state, int i_syllable)
{
    static const double vowels[][N_FORMANTS] = {{730, 1090, 2440}, {270, 2290, 3010}, {300, 870, 2240},
                                                {530, 1840, 2480}, {570, 840, 2410},  {660, 1720, 2410}};
    enum { N_VOWELS = sizeof vowels / sizeof vowels[0] };
    double a = noise(state), b = noise(state), c = noise(state);
    int in_phrase = i_syllable % PHRASE, is_pause = in_phrase == PHRASE - 1;
    return (struct syllable){.vowel_hz = vowels[(size_t)((a + 1) / 2 * N_VOWELS) % N_VOWELS],
                             .noise_hz = c < 0 ? 0 : 2000 + 3000 * c,
                             .pitch_hz = 140 - 4 * in_phrase + 10 * a,
                             .n = (size_t)((is_pause ? PAUSE_S : 0.19 + 0.07 * b) * RATE_HZ),
                             .n_consonant = (size_t)((0.06 + 0.02 * c) * RATE_HZ),
                             .is_pause = is_pause};
}

void rehearsal_voice(float *samples, size_t n)
{
    static const double widths_hz[N_FORMANTS] = {80, 100, 150};
    struct resonator r[N_FORMANTS] = {{0, 0}}, hiss = {0, 0};
    struct syllable s = {.n = 0};
    uint32_t state = 1;
    double phase = 0, tract_hz[N_FORMANTS] = {500, 1500, 2500};
    for (size_t i = 0, at = 0, i_syllable = 0; i < n; i++, at++) {
        if (at == s.n) {
            s = next_syllable(&state, (int)i_syllable++);
            at = 0;
        }
        int is_voiced = !s.is_pause && at >= s.n_consonant, is_hiss = !s.is_pause && !is_voiced && s.noise_hz > 0;
        double x = 0.01 * noise(&state);
        phase += s.pitch_hz / RATE_HZ;
        x += is_voiced && phase >= 1 ? 1 : 0;
        phase -= phase >= 1;
        double y = resonate(&hiss, is_hiss ? 0.1 * noise(&state) : 0, s.noise_hz, 800);
        for (int k = 0; k < N_FORMANTS; k++) {
            tract_hz[k] += (s.vowel_hz[k] - tract_hz[k]) * 0.002;
            y += resonate(&r[k], x, tract_hz[k], widths_hz[k]);
        }
        samples[i] = (float)(2 * y);
    }
}

/* ---- decoding it ---- */

/* A thread that decodes the voice. */
struct actor {
    pthread_t thread;
    struct serve_model *model;
    const float *voice;
    double costs_s[SECONDS]; /* [n] of its seconds of audio */
    int n, rc;
    struct message msg;
};

static int drain(linnet_stream *stream)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(stream, &e)) > 0)
        ;
    return rc;
}

static int decode_second(linnet_stream *stream, const float *samples, int is_last)
{
    int rc = LINNET_OK;
    for (int i = 0; i < BLOCKS_PER_S && rc >= 0; i++)
        if ((rc = linnet_stream_feed(stream, samples + i * (RATE_HZ / BLOCKS_PER_S), RATE_HZ / BLOCKS_PER_S)) >= 0)
            rc = drain(stream);
    if (rc >= 0 && is_last && (rc = linnet_stream_finish(stream)) >= 0)
        rc = drain(stream);
    return rc;
}

static void *act(void *arg)
{
    struct actor *a = arg;
    const struct serve_request request = {.model = a->model};
    linnet_stream *stream = NULL;
    double started_s = clock_s();
    pool_alone(1);
    a->rc = serve_models_open_stream(&stream, &request, 1, &a->msg);
    while (a->rc >= 0 && a->n < SECONDS && (a->n == 0 || clock_s() - started_s < MOST_S)) {
        double start_s = clock_thread_s();
        a->rc = decode_second(stream, a->voice + (size_t)a->n * RATE_HZ, a->n == SECONDS - 1);
        a->costs_s[a->n++] = clock_thread_s() - start_s;
    }
    if (a->rc < 0 && stream != NULL)
        fail(&a->msg, a->rc, "%s", linnet_stream_error(stream));
    linnet_stream_close(stream);
    return NULL;
}

static int rehearse(struct serve_model *model, struct actor *actors, int n, struct message *msg)
{
    int n_started = 0, rc = LINNET_OK;
    for (; n_started < n; n_started++) {
        actors[n_started] = (struct actor){.model = model, .voice = actors[n_started].voice};
        if (pthread_create(&actors[n_started].thread, NULL, act, &actors[n_started]) != 0)
            break;
    }
    for (int i = 0; i < n_started; i++) {
        const struct actor *a = &actors[i];
        pthread_join(a->thread, NULL);
        for (int k = a->n / 2; k < a->n && a->rc >= 0; k++) /* at first there is little context */
            cost_add(&model->cost, a->costs_s[k]);
        rc = a->rc < 0 ? fail(msg, a->rc, "%s: %s", model->name, a->msg.text) : rc;
    }
    return n_started > 0 ? rc : fail(msg, LINNET_E_MEMORY, "no thread can be started");
}

int rehearsal_run(struct serve_models *models, int n_threads, struct message *msg)
{
    float *voice = mem_array((size_t)SECONDS * RATE_HZ, sizeof *voice);
    struct actor *actors = mem_array((size_t)n_threads, sizeof *actors);
    int rc = voice == NULL || actors == NULL ? fail_memory(msg) : LINNET_OK;
    if (rc >= 0)
        rehearsal_voice(voice, (size_t)SECONDS * RATE_HZ);
    for (int i = 0; i < n_threads && rc >= 0; i++)
        actors[i].voice = voice;
    for (int i = 0; i < models->n && rc >= 0; i++)
        rc = rehearse(&models->at[i], actors, n_threads, msg);
    mem_free(actors);
    mem_free(voice);
    return rc;
}
