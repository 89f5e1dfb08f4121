/* SPDX-License-Identifier: Apache-2.0
 * wenet_stream.h - WeNet models behind the public interface: opening, events as text, a recording with pauses. */
#ifndef LINNET_TESTS_SUPPORT_WENET_STREAM_H
#define LINNET_TESTS_SUPPORT_WENET_STREAM_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "linnet.h"
#include "tests/support/converted.h"
#include "tests/support/reference.h"
#include "tests/support/unit.h"

#define MAX_SETTINGS 12

struct setting_texts {
    char text[MAX_SETTINGS][64];
    const char *list[MAX_SETTINGS];
    size_t n;
};

static void set(struct setting_texts *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void set(struct setting_texts *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->text[s->n], sizeof s->text[0], format, args);
    va_end(args);
    s->list[s->n] = s->text[s->n];
    s->n++;
}

static inline linnet_model *model_open(const char *dir, int n_threads)
{
    char error[500] = "";
    linnet_model *model = NULL;
    struct linnet_model_options options;
    linnet_model_options_init(&options);
    options.n_threads = n_threads;
    options.precision = "fp32"; /* as references are */
    int rc = linnet_model_open(dir, &options, &model, error, sizeof error);
    if (rc < 0)
        printf("%s\n", error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return model;
}

static inline linnet_stream *stream_open(linnet_model *model, const struct setting_texts *s, int streaming)
{
    char error[500] = "";
    linnet_stream *stream = NULL;
    struct linnet_stream_options options;
    linnet_stream_options_init(&options);
    options.settings = s->list;
    options.n_settings = s->n;
    options.streaming = streaming;
    int rc = linnet_stream_open(model, &options, &stream, error, sizeof error);
    if (rc < 0)
        printf("%s\n", error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return stream;
}

/* ---- events as one text, so that they can be compared ---- */

static inline void note_hypothesis(struct buffer *b, const struct linnet_hypothesis *h)
{
    CU_ASSERT_EQUAL(buffer_printf(b, "  %a [%s]", h->score, h->text), 0);
    for (int i = 0; i < h->n_tokens; i++)
        CU_ASSERT_EQUAL(buffer_printf(b, " %d@%a", h->tokens[i], h->times_s != NULL ? h->times_s[i] : -1), 0);
    CU_ASSERT_EQUAL(buffer_puts(b, "\n"), 0);
}

static inline void note_event(struct buffer *b, const linnet_event *e)
{
    CU_ASSERT_EQUAL(buffer_printf(b, "%d %a-%a [%s] %zu %a %a\n", e->type, e->start_s, e->end_s, e->text, e->committed,
                                  e->logprob, (double)e->confidence),
                    0);
    for (int i = 0; i < e->n_words; i++)
        CU_ASSERT_EQUAL(buffer_printf(b, "  %s %a-%a %a\n", e->words[i].text, e->words[i].start_s, e->words[i].end_s,
                                      (double)e->words[i].confidence),
                        0);
    for (int i = 0; i < e->n_nbest; i++)
        note_hypothesis(b, &e->nbest[i]);
}

static inline void note_events(linnet_stream *s, struct buffer *b)
{
    linnet_event e;
    while (linnet_stream_next(s, &e) > 0)
        note_event(b, &e);
}

/* The whole recording in pieces of n_piece samples; its events are appended to b. */
static inline void run(linnet_stream *s, const float *samples, size_t n, size_t n_piece, struct buffer *b)
{
    for (size_t at = 0; at < n; at += n_piece) {
        CU_ASSERT_EQUAL(linnet_stream_feed(s, samples + at, n - at < n_piece ? n - at : n_piece), 0);
        note_events(s, b);
    }
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    note_events(s, b);
}

/* The final event's n-best list of a recording that is one utterance: for what the caller compares. */
static inline int final_event(linnet_stream *s, const struct reference *wav, linnet_event *e)
{
    CU_ASSERT_EQUAL(linnet_stream_feed(s, wav->data, wav->n_rows), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, e) > 0)
        if (e->type == LINNET_EVENT_FINAL)
            return 1;
    return 0;
}

/* ---- recordings ---- */

struct recording {
    struct converted c;
    struct reference wav;
};

/* The U2++ reference model and its recording, three times with silence between, so that endpoints are found. */
static inline void recording_open(struct recording *r)
{
    char folder[4300];
    enum { SILENCE = 24000 };
    snprintf(folder, sizeof folder, "%s/refs/wenet-u2pp", unit_shared());
    CU_ASSERT_EQUAL_FATAL(converted_open(&r->c, "refs/wenet-u2pp"), 0);
    struct reference wav = reference_wav(folder, "input.wav");
    r->wav.n_rows = 3 * (wav.n_rows + SILENCE);
    r->wav.data = calloc(r->wav.n_rows, sizeof *r->wav.data);
    for (size_t i = 0; i < 3; i++)
        memcpy(r->wav.data + i * (wav.n_rows + SILENCE), wav.data, wav.n_rows * sizeof *wav.data);
    free(wav.data);
}

static inline void recording_close(struct recording *r)
{
    free(r->wav.data);
    converted_close(&r->c);
}

static inline void stream_settings(struct setting_texts *s, const char *decoder)
{
    set(s, "decoder.name=%s", decoder);
    set(s, "decoder.left_chunks=4");
    set(s, "decoder.nbest=3");
    set(s, "decoder.word_times=true");
    set(s, "endpoint.rule3_utterance_ms=3000"); /* a random model hears no silence */
}

static const char *const streaming_decoders[] = {"ctc_greedy", "ctc_prefix_beam", "attention_rescoring", "segmental"};
enum { N_DECODERS = sizeof streaming_decoders / sizeof streaming_decoders[0] };

#endif
