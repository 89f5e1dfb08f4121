/* SPDX-License-Identifier: Apache-2.0
 * vad.c - one detector alone, or Silero with the edges of energy.
 *
 * Silero hears in blocks of 32 ms whether somebody speaks, some blocks late, and lets go of faint ends of words. Energy
 * is exact about both, but takes music for speech.  So a start is energy's if Silero's sound begins soon after it, and
 * an end is energy's if Silero hears nothing then.  Where energy hears no pause, as in noise, or no sound, both are
 * Silero's, found a little later.  Nothing here depends on how the stream is cut into feeds. */
#include "frontend/vad.h"

#include <string.h>

#include "base/mem.h"
#include "frontend/vad_turns.h"

#define SAMPLES(ms) ((uint64_t)(ms)*VAD_RATE_HZ / 1000)
#define BEFORE SAMPLES(800)         /* a sound of energy's at most, to be the beginning of Silero's */
#define HEARD_ALONE SAMPLES(300)    /* what Silero hears and energy does not starts speech after so long, ... */
#define UNHEARD_ALONE SAMPLES(1500) /* ...and what Silero does not hear any more, and energy does, ends it */
#define PAUSE SAMPLES(200)          /* without speech: energy's end may be one */

struct vad {
    struct vad_turns heard; /* speech */
    struct vad_turns edges; /* energy's, beside Silero; zeroed: there is none */
    uint64_t n_samples;     /* so far */
    uint64_t last_change;   /* sample */
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
     "sound that starts speech, in ms: what is shorter, as a click, does not; silero: at least 96"},
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

int vad_open(struct vad **out, const struct vad_options *o, struct message *msg)
{
    int rc = check_options(o, msg), is_silero = o->kind == VAD_SILERO || (o->kind == VAD_AUTO && o->model[0] != '\0');
    if (rc < 0)
        return rc;
    struct vad *v = mem_array(1, sizeof *v);
    if (v == NULL)
        return fail_memory(msg);
    rc = vad_turns_open(&v->heard, is_silero ? &silero_vad : &vad_energy, o, msg);
    if (rc >= 0 && is_silero)
        rc = vad_turns_open(&v->edges, &vad_energy, o, msg);
    if (rc < 0)
        vad_close(v);
    else
        *out = v;
    return rc;
}

static int has_edges(const struct vad *v) { return v->edges.kind != NULL; }

void vad_close(struct vad *v)
{
    if (v == NULL)
        return;
    vad_turns_close(&v->heard);
    vad_turns_close(&v->edges);
    mem_free(v);
}

void vad_reset(struct vad *v)
{
    vad_turns_reset(&v->heard);
    if (has_edges(v))
        vad_turns_reset(&v->edges);
    v->n_samples = v->last_change = 0;
    v->is_speech = 0;
}

size_t vad_max_changes(const struct vad *v, size_t n)
{
    (void)v;
    return n / VAD_STEP + 2; /* each step makes one change at most */
}

/* What starts now with both detectors, or NULL. */
static const struct vad_change *find_start(const struct vad *v)
{
    const struct vad_turns *s = &v->heard, *e = &v->edges;
    uint64_t spoken = vad_turns_sound_end(s);
    uint64_t since = s->start.sound > v->last_change ? s->start.sound : v->last_change;
    if (!s->is_speech || spoken < since + (e->is_speech ? 1 : HEARD_ALONE))
        return NULL;
    return e->is_speech && e->start.sound + BEFORE >= s->start.sound ? &e->start : &s->start;
}

/* What ends now, or NULL. */
static const struct vad_change *find_end(const struct vad *v)
{
    const struct vad_turns *s = &v->heard, *e = &v->edges;
    uint64_t spoken = vad_turns_sound_end(s);
    if (e->is_speech)
        return !s->is_speech && v->n_samples >= s->end.at + UNHEARD_ALONE ? &s->end : NULL;
    if (e->end.at >= spoken) /* energy has not been deaf to it */
        return v->n_samples >= spoken + PAUSE ? &e->end : NULL;
    return !s->is_speech ? &s->end : NULL;
}

/* After a step.  Returns 1 and the change, or 0. */
static int decide(struct vad *v, struct vad_change *change)
{
    const struct vad_turns *s = &v->heard;
    const struct vad_change *found = v->is_speech ? find_end(v) : find_start(v);
    if (!has_edges(v))
        found = s->is_speech == v->is_speech ? NULL : s->is_speech ? &s->start : &s->end;
    if (found == NULL)
        return 0;
    v->is_speech = !v->is_speech;
    *change = (struct vad_change){found->at, found->sound, v->is_speech};
    change->at = change->at > v->last_change ? change->at : v->last_change;
    v->last_change = change->at;
    return 1;
}

size_t vad_feed(struct vad *v, const float *samples, size_t n, struct vad_change *changes)
{
    size_t n_changes = 0;
    while (n > 0) {
        size_t room = VAD_STEP - (size_t)(v->n_samples % VAD_STEP), n_step = n < room ? n : room;
        vad_turns_feed(&v->heard, samples, n_step);
        if (has_edges(v))
            vad_turns_feed(&v->edges, samples, n_step);
        v->n_samples += n_step;
        if (!has_edges(v) || n_step == room)
            n_changes += (size_t)decide(v, &changes[n_changes]);
        samples += n_step;
        n -= n_step;
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

int vad_may_be_speech(const struct vad *v)
{
    return !v->is_speech && v->edges.is_speech && v->n_samples < v->edges.start.sound + BEFORE;
}

uint64_t vad_sound_end(const struct vad *v)
{
    uint64_t spoken = vad_turns_sound_end(&v->heard), sounded = has_edges(v) ? vad_turns_sound_end(&v->edges) : 0;
    return sounded > spoken && sounded < spoken + UNHEARD_ALONE ? sounded : spoken;
}

/* A start is found at most so many samples after it. */
static uint64_t reach_of_starts(const struct vad *v)
{
    const struct vad_kind *k = v->heard.kind;
    uint64_t reach = vad_turns_reach(&v->heard);
    uint64_t alone = HEARD_ALONE + (uint64_t)v->heard.n_hold * k->hop + v->heard.pre_roll_samples;
    if (!has_edges(v))
        return reach;
    reach += BEFORE;
    return (reach > alone ? reach : alone) + k->length + VAD_STEP;
}

uint64_t vad_decided(const struct vad *v)
{
    uint64_t of_ends = has_edges(v) ? UNHEARD_ALONE + v->heard.kind->length + VAD_STEP : 0;
    uint64_t back = v->is_speech ? of_ends : reach_of_starts(v);
    uint64_t now = has_edges(v) ? v->n_samples : v->heard.n_frames * v->heard.kind->hop;
    uint64_t decided = now > back ? now - back : 0;
    return decided > v->last_change ? decided : v->last_change;
}

size_t vad_reach(const struct vad *v) { return (size_t)reach_of_starts(v) + v->heard.kind->length; }
