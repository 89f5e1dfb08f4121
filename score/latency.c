/* SPDX-License-Identifier: Apache-2.0
 * latency.c - delays of words, average lagging, revisions.
 *
 * Average lagging is LAAL (Papi et al. 2022) as SimulEval computes it: how far, on average, words come after those of
 * an ideal recogniser that commits as many words as the hypothesis or the reference has, whichever is longer, evenly
 * over the audio.  Of the words committed once all audio is fed only the first counts.  Nobody speaks evenly for long,
 * so for long recordings it means little; there each final text is taken for a recording by itself as well. */
#include "score/latency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/mem.h"

#define CHUNK_S 1.0
#define SLACK_S 1e-6 /* of sums of block lengths */

static int list_add(struct latency_list *list, double value)
{
    int rc = MEM_GROW(list->at, list->n_max, list->n + 1);
    if (rc >= 0)
        list->at[list->n++] = value;
    return rc;
}

/* ---- one recording ---- */

void latency_advance(struct latency *l, double fed_s, double compute_s, double now_s)
{
    l->now_s[LATENCY_AUDIO] = fed_s;
    if (now_s < 0) /* audio that comes while the decoder is busy waits */
        now_s = fmax(l->now_s[LATENCY_WALL], fed_s) + compute_s;
    l->now_s[LATENCY_WALL] = now_s;
}

int latency_called(struct latency *l, double fed_s, double compute_s, double now_s)
{
    double before = l->now_s[LATENCY_AUDIO];
    int rc = LINNET_OK;
    if (before > 0 && ceil(fed_s / CHUNK_S - SLACK_S) > ceil(before / CHUNK_S - SLACK_S)) {
        rc = list_add(&l->chunks, l->chunk_s);
        l->chunk_s = 0;
    }
    l->chunk_s += compute_s;
    l->compute_s += compute_s;
    latency_advance(l, fed_s, compute_s, now_s);
    return rc;
}

/* Word i of the event: its bytes end at *bytes of the text.  Without word times the text is cut at spaces. */
static int next_word(const linnet_event *e, int i, size_t *bytes, double *end_s)
{
    if (e->n_words > 0) {
        if (i >= e->n_words)
            return 0;
        *bytes += strlen(e->words[i].text);
        *end_s = e->words[i].end_s;
        return 1;
    }
    *bytes += strspn(e->text + *bytes, " ");
    size_t n = strcspn(e->text + *bytes, " ");
    *bytes += n;
    *end_s = e->end_s;
    return n > 0;
}

static int add_word(struct latency *l, double end_s)
{
    int rc = MEM_GROW(l->words, l->n_max, l->n_words + 1);
    if (rc < 0)
        return rc;
    struct latency_word *w = &l->words[l->n_words++];
    memcpy(w->committed_s, l->now_s, sizeof w->committed_s);
    w->end_s = end_s;
    l->n_open++;
    return LINNET_OK;
}

/* The delay since time_s of the audio, by both clocks. */
static int add_since(const struct latency *l, struct latency_list *lists, double time_s)
{
    int rc = LINNET_OK;
    for (int c = 0; c < LATENCY_CLOCKS && rc >= 0; c++)
        rc = list_add(&lists[c], l->now_s[c] - time_s);
    return rc;
}

/* Words of the last partial text that are no longer there. */
static int count_revised(const char *before, const char *now)
{
    size_t same = 0;
    int n = 0;
    while (before[same] != '\0' && before[same] == now[same])
        same++;
    while (same > 0 && before[same] != '\0' && before[same - 1] != ' ')
        same--;
    for (const char *at = before + same; *at != '\0'; n++) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
        at += *at != '\0' && at[strspn(at, " ")] == '\0' ? strspn(at, " ") : 0;
    }
    return n;
}

/* A final text may be the start of the last partial one (the rest is still open): that is no revision. */
static int track_revisions(struct latency *l, const linnet_event *e)
{
    size_t n = strlen(e->text);
    const char *partial = buffer_text(&l->partial);
    if (e->type == LINNET_EVENT_FINAL && strncmp(partial, e->text, n) == 0) {
        size_t rest = l->partial.n - n;
        if (rest > 0)
            memmove(l->partial.data, l->partial.data + n, rest);
        buffer_cut(&l->partial, rest);
        return LINNET_OK;
    }
    l->n_revised += count_revised(partial, e->text);
    buffer_cut(&l->partial, 0);
    return e->type == LINNET_EVENT_PARTIAL ? buffer_append(&l->partial, e->text, n) : LINNET_OK;
}

/* Average lagging of words [n], by one clock, when n_ideal are spoken between start_s and end_s. */
static double average_lagging(const struct latency_word *words, int n, int clock, int n_ideal, double start_s,
                              double end_s)
{
    double sum = 0;
    int i = 0;
    do {
        sum += words[i].committed_s[clock] - start_s - i * (end_s - start_s) / n_ideal;
    } while (words[i++].committed_s[clock] < end_s && i < n);
    return sum / i;
}

static int add_lagging(struct latency_list *lists, const struct latency_word *words, int n, int n_ideal, double start_s,
                       double end_s)
{
    int rc = LINNET_OK;
    for (int c = 0; c < LATENCY_CLOCKS && rc >= 0 && n > 0; c++)
        rc = list_add(&lists[c], average_lagging(words, n, c, n_ideal, start_s, end_s));
    return rc;
}

/* Bytes of the marks at the end of the text's first n bytes: a word is committed before they are. */
static size_t marks_before(const char *text, size_t n)
{
    size_t n_marks = 0;
    while (n_marks < n && strchr(".,?!;:", text[n - 1 - n_marks]) != NULL)
        n_marks++;
    return n_marks;
}

int latency_event(struct latency *l, const linnet_event *e)
{
    size_t bytes = 0;
    double end_s;
    int rc = LINNET_OK, is_final = e->type == LINNET_EVENT_FINAL, n_before = l->n_open, i;
    if ((!is_final && e->type != LINNET_EVENT_PARTIAL) || *e->text == '\0')
        return LINNET_OK;
    if (!l->has_first)
        rc = add_since(l, l->firsts, e->start_s);
    l->has_first = 1;
    int first = l->n_words - n_before; /* word of the event */
    for (i = 0; rc >= 0 && next_word(e, i, &bytes, &end_s); i++) {
        if (!is_final && bytes - marks_before(e->text, bytes) > e->committed)
            break;
        if (i < n_before)
            l->words[first + i].end_s = end_s;
        else
            rc = add_word(l, end_s);
    }
    if (rc >= 0 && is_final) {
        l->n_open = l->n_open > i ? l->n_open - i : 0;
        if ((rc = add_since(l, l->finals, e->end_s)) >= 0)
            rc = add_lagging(l->utterances, l->words + first, i, i, e->start_s, e->end_s);
    }
    return rc < 0 ? rc : track_revisions(l, e);
}

static int end_words(struct latency *l, int n_reference)
{
    int n_ideal = n_reference > l->n_words ? n_reference : l->n_words;
    int rc = add_lagging(l->lags, l->words, l->n_words, n_ideal, 0, l->now_s[LATENCY_AUDIO]);
    for (int c = 0; c < LATENCY_CLOCKS && rc >= 0; c++)
        for (int i = 0; i < l->n_words && rc >= 0; i++)
            rc = list_add(&l->delays[c], l->words[i].committed_s[c] - l->words[i].end_s);
    l->n_all_words += l->n_words;
    return rc;
}

int latency_end(struct latency *l, int n_reference)
{
    int rc = end_words(l, n_reference);
    if (rc >= 0 && l->now_s[LATENCY_AUDIO] > 0)
        rc = list_add(&l->chunks, l->chunk_s);
    l->n_recordings++;
    l->audio_s += l->now_s[LATENCY_AUDIO];
    memset(l->now_s, 0, sizeof l->now_s);
    l->n_words = l->n_open = l->has_first = 0;
    l->chunk_s = 0;
    buffer_cut(&l->partial, 0);
    return rc;
}

/* ---- report ---- */

static int smaller(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int put(struct buffer *out, const char *name, double value)
{
    int rc = buffer_printf(out, "%s\"%s\": ", out->data[out->n - 1] == '{' ? "" : ", ", name);
    return rc < 0 ? rc : json_write_number(out, value, 3);
}

/* "NAME_p50": .., "NAME_p90": .., "NAME_p99": .. */
static int put_quantiles(struct buffer *out, const char *name, struct latency_list *list)
{
    static const int shares[] = {50, 90, 99};
    int rc = LINNET_OK;
    if (list->n > 0)
        qsort(list->at, (size_t)list->n, sizeof *list->at, smaller);
    for (int i = 0; i < 3 && rc >= 0; i++) {
        char key[40];
        snprintf(key, sizeof key, "%s_p%d", name, shares[i]);
        rc = put(out, key, list->n > 0 ? list->at[(int)(shares[i] / 100.0 * (list->n - 1) + 0.5)] : NAN);
    }
    return rc;
}

static double mean(const struct latency_list *list)
{
    double sum = 0;
    for (int i = 0; i < list->n; i++)
        sum += list->at[i];
    return list->n > 0 ? sum / list->n : NAN;
}

static int report_clock(struct latency *l, int c, const char *name, struct buffer *out)
{
    int rc = buffer_printf(out, ", \"%s\": {", name);
    if (rc < 0 || (rc = put(out, "average_lagging", mean(&l->lags[c]))) < 0 ||
        (rc = put(out, "utterance_lagging", mean(&l->utterances[c]))) < 0 ||
        (rc = put(out, "word_delay_mean", mean(&l->delays[c]))) < 0 ||
        (rc = put_quantiles(out, "word_delay", &l->delays[c])) < 0 ||
        (rc = put_quantiles(out, "first_text", &l->firsts[c])) < 0 ||
        (rc = put_quantiles(out, "final", &l->finals[c])) < 0)
        return rc;
    return buffer_puts(out, "}");
}

int latency_report(struct latency *l, struct buffer *out)
{
    int rc = buffer_printf(out, "{\"recordings\": %d, \"words\": %d", l->n_recordings, l->n_all_words);
    if (rc < 0 || (rc = put(out, "audio", l->audio_s)) < 0 || (rc = put(out, "compute", l->compute_s)) < 0 ||
        (rc = put(out, "real_time_factor", l->audio_s > 0 ? l->compute_s / l->audio_s : NAN)) < 0 ||
        (rc = put(out, "revisions_per_word", l->n_all_words > 0 ? (double)l->n_revised / l->n_all_words : NAN)) < 0 ||
        (rc = put_quantiles(out, "compute_per_second", &l->chunks)) < 0 ||
        (rc = report_clock(l, LATENCY_AUDIO, "audio_clock", out)) < 0 ||
        (rc = report_clock(l, LATENCY_WALL, "with_compute", out)) < 0)
        return rc;
    return buffer_puts(out, "}");
}

void latency_close(struct latency *l)
{
    mem_free(l->words);
    mem_free(l->chunks.at);
    for (int c = 0; c < LATENCY_CLOCKS; c++) {
        mem_free(l->lags[c].at);
        mem_free(l->utterances[c].at);
        mem_free(l->firsts[c].at);
        mem_free(l->finals[c].at);
        mem_free(l->delays[c].at);
    }
    buffer_free(&l->partial);
    memset(l, 0, sizeof *l);
}
