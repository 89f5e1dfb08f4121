/* SPDX-License-Identifier: Apache-2.0
 * vad.c - from scores of frames to where speech starts and ends.
 *
 * A start needs some frames above its limit close together, an end a long run of others; the margins before and after
 * are options.  Nothing here depends on how the stream is cut into feeds. */
#include "frontend/vad.h"

#include <string.h>

#include "base/mem.h"
#include "frontend/framer.h"

static const struct vad_kind *const kinds[] = {[VAD_SILERO] = &silero_vad, [VAD_ENERGY] = &vad_energy};

struct vad {
    const struct vad_kind *kind;
    void *state;
    struct framer framer;
    struct vad_limits limits;
    uint64_t start_bits;                 /* the last frames, bit 0 the newest: above the limit */
    int n_start, n_start_window, n_hold; /* frames */
    uint64_t pre_roll_samples;
    uint64_t n_frames, n_samples; /* so far */
    uint64_t last_sound;          /* frame */
    uint64_t last_change;         /* sample */
    int is_speech;
};

#define FIELD(name) offsetof(struct vad_options, name)

static const struct setting settings[] = {
    {"vad.kind", SETTING_CHOICE, FIELD(kind), "auto", 0, 0, SETTING_CHOICES(VAD_WANTED),
     "what finds speech: Silero VAD, or the energy of bands; auto: silero where its weights are"},
    {"vad.model", SETTING_TEXT, FIELD(model), "", 0, 0, NULL,
     "silero: file of its weights; empty: silero-vad/silero_vad_16k.safetensors in the model cache"},
    {"vad.threshold", SETTING_NUMBER, FIELD(threshold), "0.5", 0.01, 0.99, NULL,
     "silero: probability of speech that starts it; 0.15 less keeps it; lower: more sensitive"},
    {"vad.threshold_db", SETTING_NUMBER, FIELD(threshold_db), "2.2", 0, 60, NULL,
     "energy: mean excess over the noise floor, in dB, that counts as speech; lower: more sensitive"},
    {"vad.start_ms", SETTING_INT, FIELD(start_ms), "60", 10, 1000, NULL,
     "sound that starts speech, in ms: what is shorter, as a click, does not; silero: at least 128"},
    {"vad.hold_ms", SETTING_INT, FIELD(hold_ms), "400", 0, 10000, NULL, "silence after which speech has ended, in ms"},
    {"vad.pre_roll_ms", SETTING_INT, FIELD(pre_roll_ms), "300", 0, 5000, NULL,
     "audio before the first sound that is taken as speech too, in ms"},
    {0}};

const struct settings_table vad_settings = {"Voice activity detection", sizeof(struct vad_options), settings};

static int check_options(const struct vad_options *o, struct message *msg)
{
    if (!(o->threshold > 0.0 && o->threshold < 1.0) || !(o->threshold_db > 0.0 && o->threshold_db < 20.0) ||
        o->start_ms < 10 || o->start_ms > 400 || o->hold_ms < 20 || o->hold_ms > 60000 || o->pre_roll_ms < 0 ||
        o->pre_roll_ms > 60000)
        return fail(msg, LINNET_E_ARGUMENT,
                    "voice activity: threshold %g or %g dB, start %d ms, hold %d ms or pre-roll %d ms is out of range",
                    o->threshold, o->threshold_db, o->start_ms, o->hold_ms, o->pre_roll_ms);
    return LINNET_OK;
}

/* Frames that begin within the time. */
static int frames_in(const struct vad *v, int ms)
{
    return (ms * (VAD_RATE_HZ / 1000) + (int)v->kind->hop - 1) / (int)v->kind->hop;
}

int vad_open(struct vad **out, const struct vad_options *o, struct message *msg)
{
    int rc = check_options(o, msg);
    if (rc < 0)
        return rc;
    struct vad *v = mem_array(1, sizeof *v);
    if (v == NULL)
        return fail_memory(msg);
    v->kind = kinds[o->kind != VAD_AUTO ? o->kind : o->model[0] != '\0' ? VAD_SILERO : VAD_ENERGY];
    if ((rc = framer_open(&v->framer, v->kind->length, v->kind->hop, msg)) < 0 ||
        (rc = v->kind->open(&v->state, o, msg)) < 0) {
        vad_close(v);
        return rc;
    }
    v->limits = v->kind->limits(o);
    int n_start = frames_in(v, o->start_ms);
    v->n_start = n_start > v->kind->n_least ? n_start : v->kind->n_least;
    v->n_start_window = (v->n_start * 3 + 1) / 2;
    v->n_hold = frames_in(v, o->hold_ms);
    v->pre_roll_samples = (uint64_t)o->pre_roll_ms * VAD_RATE_HZ / 1000;
    vad_reset(v);
    *out = v;
    return LINNET_OK;
}

void vad_close(struct vad *v)
{
    if (v == NULL)
        return;
    framer_close(&v->framer);
    if (v->state != NULL)
        v->kind->close(v->state);
    mem_free(v);
}

void vad_reset(struct vad *v)
{
    static const float zeros[512]; /* no kind hears more before a frame */
    framer_reset(&v->framer);
    framer_put(&v->framer, zeros, v->kind->n_before);
    v->kind->reset(v->state);
    v->start_bits = v->n_frames = v->n_samples = v->last_sound = v->last_change = 0;
    v->is_speech = 0;
}

size_t vad_max_changes(const struct vad *v, size_t n)
{
    return framer_frames(&v->framer, n); /* a frame makes one change at most */
}

/* Moves from silence to speech and back.  Returns 1 and the change, or 0. */
static int decide(struct vad *v, float score, struct vad_change *change)
{
    uint64_t frame = v->n_frames++;
    int sounds = score > (v->is_speech ? v->limits.stay : v->limits.start);
    v->start_bits = v->start_bits << 1 | (unsigned)sounds;
    if (sounds)
        v->last_sound = frame;
    uint64_t recent = v->start_bits & ((UINT64_C(1) << v->n_start_window) - 1), sound;
    if (!v->is_speech && __builtin_popcountll(recent) >= v->n_start) {
        sound = (frame - (uint64_t)(63 - __builtin_clzll(recent))) * v->kind->hop;
        uint64_t at = sound > v->pre_roll_samples ? sound - v->pre_roll_samples : 0;
        v->last_change = at > v->last_change ? at : v->last_change;
    } else if (v->is_speech && frame - v->last_sound >= (uint64_t)v->n_hold) {
        sound = vad_sound_end(v);
        v->last_change = (v->last_sound + (uint64_t)v->n_hold) * v->kind->hop + v->kind->n_sound;
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
        for (const float *frame; (frame = framer_next(&v->framer)) != NULL;)
            n_changes += (size_t)decide(v, v->kind->score(v->state, frame), &changes[n_changes]);
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

uint64_t vad_sound_end(const struct vad *v)
{
    uint64_t end = v->last_sound * v->kind->hop + v->kind->n_sound;
    return end < v->n_samples ? end : v->n_samples;
}

static uint64_t reach_of_starts(const struct vad *v)
{
    return (uint64_t)v->n_start_window * v->kind->hop + v->pre_roll_samples;
}

uint64_t vad_decided(const struct vad *v)
{
    uint64_t back = v->is_speech ? 0 : reach_of_starts(v), now = v->n_frames * v->kind->hop;
    uint64_t decided = now > back ? now - back : 0;
    return decided > v->last_change ? decided : v->last_change;
}

/* Samples that are in no whole frame yet come on top. */
size_t vad_reach(const struct vad *v) { return (size_t)reach_of_starts(v) + v->kind->length; }
