/* SPDX-License-Identifier: Apache-2.0
 * speech.c - where the voice detector hears speech. */
#include "frontend/speech.h"

#include <string.h>

#include "base/mem.h"

int speech_open(struct speech *s, const struct vad_options *options, struct message *msg)
{
    memset(s, 0, sizeof *s);
    return vad_open(&s->vad, options, msg);
}

void speech_close(struct speech *s)
{
    vad_close(s->vad);
    mem_free(s->changes);
    memset(s, 0, sizeof *s);
}

void speech_reset(struct speech *s)
{
    vad_reset(s->vad);
    s->n = 0;
    s->is_speech = s->has_finished = 0;
}

static int make_room(struct speech *s, size_t n, struct message *msg)
{
    if (s->n + n <= s->n_max)
        return LINNET_OK;
    size_t n_max = 2 * (s->n + n);
    struct vad_change *fresh = mem_resize(s->changes, s->n, n_max, sizeof *fresh);
    if (fresh == NULL)
        return fail_memory(msg);
    s->changes = fresh;
    s->n_max = n_max;
    return LINNET_OK;
}

int speech_feed(struct speech *s, const float *samples, size_t n, struct message *msg)
{
    int rc = make_room(s, vad_max_changes(s->vad, n), msg);
    if (rc >= 0)
        s->n += vad_feed(s->vad, samples, n, s->changes + s->n);
    return rc;
}

int speech_finish(struct speech *s, uint64_t n_samples, struct message *msg)
{
    int rc = make_room(s, 1, msg);
    if (rc < 0)
        return rc;
    s->n += vad_finish(s->vad, s->changes + s->n);
    s->has_finished = 1;
    s->end = n_samples;
    return LINNET_OK;
}

uint64_t speech_settled(const struct speech *s) { return s->has_finished ? s->end : vad_settled(s->vad); }

uint64_t speech_next(struct speech *s, uint64_t from)
{
    size_t passed = 0;
    while (passed < s->n && s->changes[passed].at <= from)
        s->is_speech = s->changes[passed++].is_speech;
    s->n -= passed;
    memmove(s->changes, s->changes + passed, s->n * sizeof *s->changes);
    if (s->is_speech)
        return from;
    return s->n > 0 ? s->changes[0].at : SPEECH_NONE; /* the next change is a beginning */
}
