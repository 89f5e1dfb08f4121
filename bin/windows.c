/* SPDX-License-Identifier: Apache-2.0
 * windows.c - a window is as long as it may be, but ends in the last silence of its last two thirds. */
#include "bin/windows.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "frontend/audio_file.h"
#include "frontend/speech.h"

enum { LEAST_S = 10, MOST_S = 30, BLOCK = 2 * AUDIO_RATE_HZ };

void windows_close(struct windows *w)
{
    mem_free(w->at);
    *w = (struct windows){0};
}

/* Where the file's samples from .. to - 1 are cut: in the middle of the last silence, or at their end. */
static uint64_t cut(const struct speech *s, uint64_t from, uint64_t to)
{
    uint64_t at = to;
    for (size_t i = 0; i + 1 < s->n; i++) {
        uint64_t first = s->changes[i].at, last = s->changes[i + 1].at;
        first = first > from ? first : from;
        last = last < to ? last : to;
        if (!s->changes[i].is_speech && first < last)
            at = first + (last - first) / 2;
    }
    return at;
}

/* Finds speech in the part of the file.  Returns its number of samples, or an error. */
static int64_t listen(struct audio_file *f, const struct linnet_file_options *part, struct speech *s)
{
    float *block = mem_array(BLOCK, sizeof *block);
    uint64_t n_all = 0,
             n_most = part->end_s > 0 ? (uint64_t)llrint((part->end_s - part->start_s) * AUDIO_RATE_HZ) : UINT64_MAX;
    long n = block != NULL ? 1 : LINNET_E_MEMORY;
    int rc = part->start_s > 0 ? audio_file_seek_s(f, part->start_s, NULL) : LINNET_OK;
    while (rc >= 0 && n > 0 && n_all < n_most) {
        n = audio_file_read(f, block, n_most - n_all < BLOCK ? (size_t)(n_most - n_all) : BLOCK, NULL);
        rc = n > 0 ? speech_feed(s, block, (size_t)n, NULL) : LINNET_OK;
        n_all += n > 0 ? (uint64_t)n : 0;
    }
    mem_free(block);
    if (rc >= 0 && n >= 0)
        rc = speech_finish(s, n_all, NULL);
    return rc < 0 ? rc : n < 0 ? n : (int64_t)n_all;
}

static int is_long(const struct audio_file *f, const struct linnet_file_options *part)
{
    double length_s = audio_file_duration_s(f), end_s = part->end_s > 0 ? part->end_s : length_s;
    return length_s >= 0 && end_s - part->start_s > MOST_S;
}

static int append(struct windows *w, const struct window *window, struct message *msg)
{
    if (MEM_GROW(w->at, w->room, w->n + 1) < 0)
        return fail_memory(msg);
    w->at[w->n++] = *window;
    return LINNET_OK;
}

/* The windows of n samples. */
static int add_cuts(struct windows *w, struct window one, const struct speech *s, uint64_t n, struct message *msg)
{
    const uint64_t most = MOST_S * AUDIO_RATE_HZ, least = LEAST_S * AUDIO_RATE_HZ;
    double start_s = one.start_s, end_s = one.end_s;
    int rc = LINNET_OK;
    for (uint64_t at = 0, next; rc >= 0 && at < n; at = next) {
        next = n - at > most ? cut(s, at + least, at + most) : n;
        one.is_last = next == n;
        one.before_s = (double)at / AUDIO_RATE_HZ;
        one.start_s = start_s + one.before_s;
        one.length_s = next - at < n ? (double)(next - at) / AUDIO_RATE_HZ : 0;
        one.end_s = one.is_last ? end_s : start_s + (double)next / AUDIO_RATE_HZ;
        rc = append(w, &one, msg);
    }
    return rc;
}

int windows_add(struct windows *w, int recording, const char *path, const struct linnet_file_options *part,
                const struct vad_options *vad, struct message *msg)
{
    struct window one = {.recording = recording, .is_last = 1, .start_s = part->start_s, .end_s = part->end_s};
    struct audio_file *f = NULL;
    struct speech s = {0};
    int64_t n = 0;
    if (vad == NULL || audio_file_open(&f, path, part->raw, AUDIO_RATE_HZ, NULL) < 0)
        return append(w, &one, msg);
    int rc = is_long(f, part) ? speech_open(&s, vad, msg) : LINNET_OK;
    if (rc >= 0 && s.vad != NULL)
        n = listen(f, part, &s);
    audio_file_close(f);
    if (rc >= 0)
        rc = n > 0 ? add_cuts(w, one, &s, (uint64_t)n, msg) : append(w, &one, msg);
    speech_close(&s);
    return rc;
}

static int longest_first(const void *a, const void *b)
{
    const struct window *x = a, *y = b;
    if (x->recording_s != y->recording_s)
        return x->recording_s < y->recording_s ? 1 : -1;
    if (x->recording != y->recording)
        return x->recording < y->recording ? -1 : 1;
    return (x->before_s > y->before_s) - (x->before_s < y->before_s);
}

void windows_sort(struct windows *w, const double *length_s)
{
    for (int i = 0; i < w->n; i++)
        w->at[i].recording_s = length_s[w->at[i].recording];
    if (w->n > 0)
        qsort(w->at, (size_t)w->n, sizeof *w->at, longest_first);
}
