/* SPDX-License-Identifier: Apache-2.0
 * latency.c - delays of words, average lagging, revisions.
 *
 * Average lagging (LAAL, Papi et al. 2022, with the words that came for want of those that should have): how far, on
 * average, words come after an ideal listener who says the same number of words evenly over the audio. */
#include "bin/latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/mem.h"

static int grow(void **array, int n, int *n_max, size_t size)
{
    if (n < *n_max)
        return LINNET_OK;
    int wanted = *n_max > 0 ? 2 * *n_max : 256;
    void *fresh = mem_resize(*array, (size_t)*n_max, (size_t)wanted, size);
    if (fresh == NULL)
        return LINNET_E_MEMORY;
    *array = fresh;
    *n_max = wanted;
    return LINNET_OK;
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

static int add_word(struct latency *l, double heard_s, double shown_s, double end_s)
{
    int rc = grow((void **)&l->words, l->n_words, &l->n_max, sizeof *l->words);
    if (rc < 0)
        return rc;
    l->words[l->n_words++] = (struct latency_word){heard_s, shown_s, end_s};
    l->n_open++;
    return LINNET_OK;
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

/* A final text may be the start of what was shown (the rest is still open): that is no revision. */
static int show(struct latency *l, const linnet_event *e)
{
    size_t n = strlen(e->text);
    const char *shown = buffer_text(&l->shown);
    if (e->type == LINNET_EVENT_FINAL && strncmp(shown, e->text, n) == 0) {
        size_t rest = l->shown.n - n;
        if (rest > 0)
            memmove(l->shown.data, l->shown.data + n, rest);
        buffer_cut(&l->shown, rest);
        return LINNET_OK;
    }
    l->n_revised += count_revised(shown, e->text);
    buffer_cut(&l->shown, 0);
    return e->type == LINNET_EVENT_PARTIAL ? buffer_append(&l->shown, e->text, n) : LINNET_OK;
}

int latency_event(struct latency *l, const linnet_event *e, double heard_s, double shown_s)
{
    size_t bytes = 0;
    double end_s;
    int rc = LINNET_OK, is_final = e->type == LINNET_EVENT_FINAL, n_before = l->n_open, i;
    if ((!is_final && e->type != LINNET_EVENT_PARTIAL) || *e->text == '\0')
        return LINNET_OK;
    if (!l->has_first)
        l->first_s = shown_s - e->start_s;
    l->has_first = 1;
    struct latency_word *open = l->n_words > 0 ? l->words + l->n_words - n_before : NULL;
    for (i = 0; rc >= 0 && next_word(e, i, &bytes, &end_s) && (is_final || bytes <= e->committed); i++) {
        if (i < n_before)
            open[i].end_s = end_s;
        else
            rc = add_word(l, heard_s, shown_s, end_s);
    }
    if (rc >= 0 && is_final) {
        l->n_open = l->n_open > i ? l->n_open - i : 0;
        if ((rc = grow((void **)&l->finals, l->n_finals, &l->n_finals_max, sizeof *l->finals)) >= 0)
            l->finals[l->n_finals++] = shown_s - e->end_s;
    }
    return rc < 0 ? rc : show(l, e);
}

/* ---- report ---- */

static int smaller(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int n, double share)
{
    return n > 0 ? sorted[(int)(share * (n - 1) + 0.5)] : NAN;
}

static int put(struct buffer *out, const char *name, double value)
{
    int rc = buffer_printf(out, "\"%s\": ", name);
    return rc < 0 ? rc : json_write_number(out, value, 3);
}

/* Delays of words by one clock, and average lagging. */
static int report_words(const struct latency *l, int by_listener, double audio_s, double *delays, struct buffer *out)
{
    double lag = 0;
    int rc;
    for (int i = 0; i < l->n_words; i++) {
        double at = by_listener ? l->words[i].shown_s : l->words[i].heard_s;
        delays[i] = at - l->words[i].end_s;
        lag += at - i * audio_s / l->n_words;
    }
    if (l->n_words > 0)
        qsort(delays, (size_t)l->n_words, sizeof *delays, smaller);
    if ((rc = buffer_printf(out, ", \"%s\": {", by_listener ? "with_compute" : "audio_clock")) < 0 ||
        (rc = put(out, "average_lagging", l->n_words > 0 ? lag / l->n_words : NAN)) < 0 ||
        (rc = buffer_puts(out, ", ")) < 0 || (rc = put(out, "word_delay_p50", quantile(delays, l->n_words, 0.5))) < 0 ||
        (rc = buffer_puts(out, ", ")) < 0 || (rc = put(out, "word_delay_p90", quantile(delays, l->n_words, 0.9))) < 0 ||
        (rc = buffer_puts(out, ", ")) < 0 || (rc = put(out, "word_delay_p99", quantile(delays, l->n_words, 0.99))) < 0)
        return rc;
    return buffer_puts(out, "}");
}

int latency_report(struct latency *l, double audio_s, double compute_s, struct buffer *out)
{
    double *delays = mem_array((size_t)l->n_words + 1, sizeof *delays);
    if (delays == NULL)
        return LINNET_E_MEMORY;
    if (l->n_finals > 0)
        qsort(l->finals, (size_t)l->n_finals, sizeof *l->finals, smaller);
    int rc = buffer_printf(out, "{\"type\": \"latency\", \"words\": %d, ", l->n_words);
    if (rc >= 0 && (rc = put(out, "audio", audio_s)) >= 0 && (rc = buffer_puts(out, ", ")) >= 0 &&
        (rc = put(out, "compute", compute_s)) >= 0 && (rc = buffer_puts(out, ", ")) >= 0 &&
        (rc = put(out, "real_time_factor", audio_s > 0 ? compute_s / audio_s : NAN)) >= 0 &&
        (rc = buffer_puts(out, ", ")) >= 0 && (rc = put(out, "first_text", l->has_first ? l->first_s : NAN)) >= 0 &&
        (rc = buffer_puts(out, ", ")) >= 0 && (rc = put(out, "final_p50", quantile(l->finals, l->n_finals, 0.5))) >= 0 &&
        (rc = buffer_puts(out, ", ")) >= 0 &&
        (rc = put(out, "revisions_per_word", l->n_words > 0 ? (double)l->n_revised / l->n_words : NAN)) >= 0 &&
        (rc = report_words(l, 0, audio_s, delays, out)) >= 0 && (rc = report_words(l, 1, audio_s, delays, out)) >= 0)
        rc = buffer_puts(out, "}\n");
    mem_free(delays);
    return rc;
}

void latency_close(struct latency *l)
{
    mem_free(l->words);
    mem_free(l->finals);
    buffer_free(&l->shown);
    memset(l, 0, sizeof *l);
}
