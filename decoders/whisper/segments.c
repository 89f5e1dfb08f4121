/* SPDX-License-Identifier: Apache-2.0
 * segments.c - two time stamps in a row are a cut.  What follows the last cut is decoded again in the next window,
 * unless the window ends in a single time stamp: no speech follows.  Without a cut the window is one segment. */
#include "decoders/whisper/segments.h"

#include <math.h>

#define STEP_S 0.02
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
