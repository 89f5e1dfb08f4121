/* SPDX-License-Identifier: Apache-2.0
 * segments.c - two time stamps in a row are a cut.  What follows the last cut is decoded again in the next window,
 * unless the window ends in a single time stamp: no speech follows.  Without a cut the window is one segment. */
#include "decoders/whisper/segments.h"

#include <math.h>

#define STEP_S 0.02
#define SHORTEST_S 0.02 /* of a word */
enum { STEP_FRAMES = 2 };

static void add(struct whisper_segments *s, int first, int last, double start_s, double end_s)
{
    if (s->n < WHISPER_MAX_SEGMENTS) /* 224 tokens make at most 112 */
        s->at[s->n++] = (struct whisper_segment){.first = first, .last = last, .start_s = start_s, .end_s = end_s};
}

void whisper_segments_cut(struct whisper_segments *s, const int *tokens, int n, int begin, double offset_s,
                          int n_frames)
{
    int last = 0, last_time = -1;
    s->n = s->n_words = 0;
    s->single_ending = n >= 2 && tokens[n - 2] < begin && tokens[n - 1] >= begin;
    for (int i = 0; i < n; i++)
        last_time = tokens[i] >= begin ? tokens[i] - begin : last_time;
    for (int i = 1; i <= n; i++) {
        int cut = i < n ? tokens[i - 1] >= begin && tokens[i] >= begin : s->single_ending && last > 0;
        if (!cut)
            continue;
        add(s, last, i, offset_s + (tokens[last] - begin) * STEP_S, offset_s + (tokens[i - 1] - begin) * STEP_S);
        last = i;
    }
    if (last > 0) {
        s->seek_frames = s->single_ending ? n_frames : (tokens[last - 1] - begin) * STEP_FRAMES;
        return;
    }
    double duration = last_time > 0 ? last_time * STEP_S : n_frames * 0.01;
    add(s, 0, n, offset_s, offset_s + duration);
    s->seek_frames = n_frames;
}

static double round_hundredth(double x) { return nearbyint(x * 100) / 100; }

static double larger(double a, double b) { return a > b ? a : b; }

/* openai-whisper's heuristics: the first words after a pause and the last of a segment are rarely as long as they seem.
 * */
static void adjust(struct whisper_segments *s, struct whisper_segment *g, double median, double *last_speech_s)
{
    struct whisper_timed_word *w = s->words + g->first_word;
    int n = g->last_word - g->first_word;
    double longest = 2 * median;
    if (n < 1)
        return;
    if (w[0].end_s - *last_speech_s > median * 4 &&
        (w[0].end_s - w[0].start_s > longest || (n > 1 && w[1].end_s - w[0].start_s > longest * 2))) {
        if (n > 1 && w[1].end_s - w[1].start_s > longest)
            w[0].end_s = w[1].start_s = larger(w[1].end_s / 2, w[1].end_s - longest);
        w[0].start_s = larger(0, w[0].end_s - longest);
    }
    if (g->start_s < w[0].end_s && g->start_s - 0.5 > w[0].start_s) {
        double start = w[0].end_s - median < g->start_s ? w[0].end_s - median : g->start_s;
        w[0].start_s = larger(0, start);
    } else {
        g->start_s = w[0].start_s;
    }
    if (g->end_s > w[n - 1].start_s && g->end_s + 0.5 < w[n - 1].end_s)
        w[n - 1].end_s = larger(w[n - 1].start_s + median, g->end_s);
    else
        g->end_s = w[n - 1].end_s;
    *last_speech_s = g->end_s;
}

void whisper_segments_time(struct whisper_segments *s, const int *tokens, int eot, const struct whisper_words *words,
                           double offset_s, double *last_speech_s)
{
    int next = 0, text_before = 0; /* tokens of text in the segments so far */
    const int most = (int)(sizeof s->words / sizeof s->words[0]);
    s->n_words = 0;
    for (int i = 0; i < s->n; i++) {
        struct whisper_segment *g = &s->at[i];
        for (int t = g->first; t < g->last; t++)
            text_before += tokens[t] < eot;
        g->first_word = s->n_words;
        for (; next < words->n && words->at[next].first < text_before && s->n_words < most; next++) {
            const struct whisper_word *w = &words->at[next];
            s->words[s->n_words++] =
                (struct whisper_timed_word){w->first, w->last, round_hundredth(offset_s + w->start_s),
                                            round_hundredth(offset_s + w->end_s), w->probability};
        }
        g->last_word = s->n_words;
        adjust(s, g, words->median_s, last_speech_s);
    }
}

/* ---- limits ---- */

static double smaller(double a, double b) { return a < b ? a : b; }

/* Words first .. last - 1, which have no duration, get equal parts of the time between their neighbours, or with their
 * neighbours where there is none.  One alone stays where it is and gets the shortest duration. */
static void share(const struct whisper_segment *g, struct whisper_timed_word *words, int first, int last)
{
    int is_alone = last - first == 1;
    double from = 0, to = 0, end = words[first].end_s;
    for (int wider = 0; wider < 2; wider++) {
        first -= wider && first > g->first_word;
        last += wider && last < g->last_word;
        from = first > g->first_word ? words[first - 1].end_s : g->start_s;
        to = last < g->last_word ? words[last].start_s : g->end_s;
        if (to - from >= SHORTEST_S * (last - first))
            break;
    }
    if (is_alone && last - first == 1) {
        to = smaller(to, larger(end, from + SHORTEST_S));
        from = to - SHORTEST_S;
    }
    double each = larger(0, to - from) / (last - first);
    for (int i = first; i < last; i++) {
        words[i].start_s = round_hundredth(from + each * (i - first));
        words[i].end_s = round_hundredth(from + each * (i + 1 - first));
    }
}

static int is_instant(const struct whisper_timed_word *w) { return w->end_s - w->start_s < SHORTEST_S / 2; }

void whisper_segments_limit(struct whisper_segments *s, double end_s)
{
    for (int i = 0; i < s->n; i++) {
        struct whisper_segment *g = &s->at[i];
        g->end_s = smaller(g->end_s, end_s);
        g->start_s = smaller(g->start_s, g->end_s);
        for (int k = g->first_word; k < g->last_word; k++) {
            s->words[k].end_s = smaller(s->words[k].end_s, g->end_s);
            s->words[k].start_s = smaller(s->words[k].start_s, s->words[k].end_s);
        }
        for (int k = g->first_word, n; k < g->last_word; k += n + 1) {
            for (n = 0; k + n < g->last_word && is_instant(&s->words[k + n]); n++)
                continue;
            if (n > 0)
                share(g, s->words, k, k + n);
        }
    }
}
