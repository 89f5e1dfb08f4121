/* SPDX-License-Identifier: Apache-2.0
 * segments.h - the segments of a window: how its tokens are cut at time stamps, and their word times. */
#ifndef LINNET_DECODERS_WHISPER_SEGMENTS_H
#define LINNET_DECODERS_WHISPER_SEGMENTS_H

#include "decoders/whisper/times.h"

enum { WHISPER_MAX_SEGMENTS = 240 };

struct whisper_timed_word {
    int first, last; /* tokens of the window's text */
    double start_s, end_s, probability;
};

/* Tokens first .. last - 1 of the window, times from the start of the recording. */
struct whisper_segment {
    int first, last;
    double start_s, end_s;
    int first_word, last_word;
};

struct whisper_segments {
    struct whisper_segment at[WHISPER_MAX_SEGMENTS];
    int n;
    int seek_frames;   /* mel frames from this window to the next */
    int single_ending; /* the window ends in one time stamp: no speech after it */
    struct whisper_timed_word words[WHISPER_MAX_SEGMENTS * 2];
    int n_words;
};

/* Cuts tokens [n] of a window that starts at offset_s and holds n_frames mel frames (as transcribe.py does). */
void whisper_segments_cut(struct whisper_segments *s, const int *tokens, int n, int timestamp_begin, double offset_s,
                          int n_frames);

/* Gives the words of the window's text to the segments and adjusts times at pauses; last_speech_s becomes the end of
 * the last word. */
void whisper_segments_time(struct whisper_segments *s, const int *tokens, int eot, const struct whisper_words *words,
                           double offset_s, double *last_speech_s);

/* Makes nothing end after end_s, where the audio or the clip does, and no word have no duration: words that the
 * alignment puts on one instant share the time between their neighbours. */
void whisper_segments_limit(struct whisper_segments *s, double end_s);

#endif
