/* SPDX-License-Identifier: Apache-2.0
 * whisper_base.h - Whisper base from the model cache as words are spoken: opening, recordings, events as text. */
#ifndef LINNET_TESTS_SUPPORT_WHISPER_BASE_H
#define LINNET_TESTS_SUPPORT_WHISPER_BASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "frontend/audio_file.h"
#include "linnet.h"
#include "tests/support/unit.h"

static linnet_model *model;
static char model_dir[4200];

static const char *const recordings[] = {"000030012", "000940012", "001200015", "004570010",
                                         "008110043", "010500012", "011350001", "012930008"};
enum { N_RECORDINGS = sizeof recordings / sizeof recordings[0], RATE_HZ = 16000 };

#define REFERENCES "refs/simul-whisper" /* where they lie */
#define UTTERANCES "data/speechocean762-dev/wav"

static inline float *read_recording(const char *folder, const char *name, size_t *n)
{
    char path[4400];
    struct audio_file *f;
    snprintf(path, sizeof path, "%s/%s/%s.flac", unit_shared(), folder, name);
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&f, path, NULL, RATE_HZ, NULL), 0);
    float *samples = mem_array(30 * RATE_HZ, sizeof *samples);
    long n_read = audio_file_read(f, samples, 30 * RATE_HZ, NULL);
    CU_ASSERT_FATAL(n_read > RATE_HZ);
    audio_file_close(f);
    *n = (size_t)n_read;
    return samples;
}

static inline linnet_stream *open_stream(const char *const *settings, size_t n)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[500] = "";
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = n;
    o.streaming = 1;
    int rc = linnet_stream_open(model, &o, &s, error, sizeof error);
    if (rc < 0)
        printf("%s\n", error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return s;
}

/* Events as text, one a line: type, times, committed, text, tokens, words. */
static inline void take_events(linnet_stream *s, struct buffer *out)
{
    linnet_event e;
    int rc = 0;
    while (linnet_stream_next(s, &e) > 0) {
        rc |= buffer_printf(out, "%d %.4f %.4f %zu '%s' %.9g", e.type, e.start_s, e.end_s, e.committed, e.text,
                            e.logprob);
        for (int i = 0; i < e.n_tokens; i++)
            rc |= buffer_printf(out, " %d", e.tokens[i]);
        for (int i = 0; i < e.n_words; i++)
            rc |= buffer_printf(out, " {%s %.4f %.4f}", e.words[i].text, e.words[i].start_s, e.words[i].end_s);
        rc |= buffer_puts(out, "\n");
        CU_ASSERT(e.committed <= strlen(e.text) && e.start_s <= e.end_s);
    }
    CU_ASSERT_EQUAL(rc, 0);
}

static inline void run(linnet_stream *s, const float *samples, size_t n, size_t chunk, struct buffer *out)
{
    for (size_t at = 0; at < n; at += chunk) {
        CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples + at, n - at < chunk ? n - at : chunk), 0);
        take_events(s, out);
    }
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    take_events(s, out);
}

/* From -0.5 to 0.5. */
static inline float noise_of(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 16777216.0f - 0.5f;
}

/* 0, or what main returns where the model or the reference data is not there. */
static inline int whisper_base_open(void)
{
    const char *models = getenv("LINNET_MODELS"), *home = getenv("HOME");
    if (models != NULL)
        snprintf(model_dir, sizeof model_dir, "%s/whisper-base", models);
    else
        snprintf(model_dir, sizeof model_dir, "%s/.cache/linnet/models/whisper-base", home != NULL ? home : "");
    if (unit_shared() == NULL || access(model_dir, R_OK) != 0) {
        printf("no reference data, or no Whisper model at %s\n", model_dir);
        return UNIT_SKIP;
    }
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.n_threads = 2;
    o.precision = "fp32"; /* as references are */
    return linnet_model_open(model_dir, &o, &model, NULL, 0) < 0 ? 99 : 0;
}

#endif
