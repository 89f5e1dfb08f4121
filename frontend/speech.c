/* SPDX-License-Identifier: Apache-2.0
 * speech.c - the changes that the voice detector found, in order. */
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

int speech_feed(struct speech *s, const float *samples, size_t n, struct message *msg)
{
    if (MEM_GROW(s->changes, s->room, (int)(s->n + vad_max_changes(s->vad, n))) < 0)
        return fail_memory(msg);
    s->n += vad_feed(s->vad, samples, n, s->changes + s->n);
    return LINNET_OK;
}

int speech_finish(struct speech *s, uint64_t n_samples, struct message *msg)
{
    if (MEM_GROW(s->changes, s->room, (int)s->n + 1) < 0)
        return fail_memory(msg);
    s->n += vad_finish(s->vad, s->changes + s->n);
    s->has_finished = 1;
    s->end = n_samples;
    return LINNET_OK;
}

uint64_t speech_decided(const struct speech *s) { return s->has_finished ? s->end : vad_decided(s->vad); }

uint64_t speech_next(const struct speech *s, uint64_t from)
{
    int is_speech = s->is_speech;
    size_t i = 0;
    while (i < s->n && s->changes[i].at <= from)
        is_speech = s->changes[i++].is_speech;
    if (is_speech)
        return from;
    return i < s->n ? s->changes[i].at : SPEECH_NONE; /* the next change is a start */
}

static uint64_t clamp(uint64_t at, uint64_t from, uint64_t to) { return at < from ? from : at < to ? at : to; }

uint64_t speech_within(const struct speech *s, uint64_t from, uint64_t to)
{
    uint64_t n = 0, begin = from;
    int is_speech = s->is_speech;
    if (to <= from)
        return 0;
    for (size_t i = 0; i < s->n && s->changes[i].at <= to; i++) {
        uint64_t at = clamp(s->changes[i].sound, from, to);
        n += is_speech ? at - begin : 0;
        begin = at;
        is_speech = s->changes[i].is_speech;
    }
    return is_speech ? n + to - begin : n;
}

void speech_drop(struct speech *s, uint64_t before)
{
    size_t passed = 0;
    while (passed < s->n && s->changes[passed].at <= before && s->changes[passed].sound <= before)
        s->is_speech = s->changes[passed++].is_speech;
    s->n -= passed;
    memmove(s->changes, s->changes + passed, s->n * sizeof *s->changes);
}
