/* SPDX-License-Identifier: Apache-2.0
 * stream.c - one recording on its way through a model: resampling, the decoder, the queue of events.
 *
 * An error other than a bad argument ends the stream: what was said before it can still be taken, further audio cannot
 * be fed until reset. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "decoders/decoder.h"
#include "decoders/model.h"
#include "frontend/audio_file.h"
#include "frontend/resample.h"

enum { BLOCK = 8000, FILE_BLOCK = 5 * DECODER_RATE_HZ };

struct linnet_stream {
    const struct linnet_model *model;
    struct settings settings;
    const struct decoder_ops *ops;
    void *state;
    struct events events;
    struct linnet_stats stats;
    struct message msg;
    atomic_int cancelled;
    int rate_hz;
    struct resample *resample; /* NULL at the decoder's own rate */
    float *block;              /* [n_block] resampled samples, or those of a file */
    size_t n_block;
    uint64_t n_fed;            /* samples, at fed_hz: rate_hz, or a file's after resampling */
    int fed_hz;
    struct audio_file *file;
    int is_shown, has_finished, error;
};

void linnet_stream_options_init(struct linnet_stream_options *options)
{
    *options = (struct linnet_stream_options){.size = sizeof *options, .sample_rate_hz = DECODER_RATE_HZ};
}

/* The options that are settings with fields of their own. */
static int set_fields(struct linnet_stream *s, const struct linnet_stream_options *o)
{
    char nbest[24];
    snprintf(nbest, sizeof nbest, "%d", o->nbest);
    const struct {
        const char *key, *value;
    } fields[] = {{"language", o->language},
                  {"task", o->task},
                  {"decoder.word_times", o->word_times ? "true" : NULL},
                  {"decoder.nbest", o->nbest != 0 ? nbest : NULL}};
    int rc = LINNET_OK;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && rc >= 0; i++)
        if (fields[i].value != NULL)
            rc = settings_set_key(&s->settings, fields[i].key, fields[i].value, &s->msg);
    return rc;
}

static int read_settings(struct linnet_stream *s, const struct linnet_stream_options *o)
{
    int rc = decoder_open_settings(&s->settings, &s->msg);
    if (rc >= 0 && o->recipe != NULL)
        rc = settings_read(&s->settings, o->recipe, &s->msg);
    for (size_t i = 0; i < o->n_settings && rc >= 0; i++)
        rc = settings_set(&s->settings, o->settings[i], &s->msg);
    return rc < 0 ? rc : set_fields(s, o);
}

/* Room in block for n samples.  At the usual rates open's is enough: what resampling holds back comes on top. */
static int make_room(struct linnet_stream *s, size_t n)
{
    if (n <= s->n_block)
        return LINNET_OK;
    mem_free(s->block);
    s->block = mem_array(n, sizeof *s->block);
    s->n_block = s->block != NULL ? n : 0;
    return s->block != NULL ? LINNET_OK : fail_memory(&s->msg);
}

static int stream_open(struct linnet_stream *s, const struct linnet_stream_options *o)
{
    int rc = read_settings(s, o);
    if (rc < 0)
        return rc;
    s->rate_hz = s->fed_hz = o->sample_rate_hz;
    if (s->rate_hz < RESAMPLE_MIN_HZ || s->rate_hz > RESAMPLE_MAX_HZ)
        return fail(&s->msg, LINNET_E_ARGUMENT, "a sample rate of %d Hz: possible are %d to %d", s->rate_hz,
                    RESAMPLE_MIN_HZ, RESAMPLE_MAX_HZ);
    if (s->rate_hz != DECODER_RATE_HZ && (rc = resample_open(&s->resample, s->rate_hz, DECODER_RATE_HZ, &s->msg)) < 0)
        return rc;
    if ((rc = make_room(s, FILE_BLOCK)) < 0)
        return rc;
    const struct decoder_options *options = settings_of(&s->settings, &decoder_settings);
    if ((rc = decoder_find(&s->ops, options, s->model->kind, o->streaming, &s->msg)) < 0)
        return rc;
    struct decoder_host host = {s->model, &s->settings, o->streaming, &s->events, &s->stats, &s->cancelled, &s->msg};
    return s->ops->open(&s->state, &host);
}

int linnet_stream_open(linnet_model *model, const struct linnet_stream_options *options, linnet_stream **stream,
                       char *error, size_t error_size)
{
    struct linnet_stream_options mine;
    linnet_stream_options_init(&mine);
    int rc = LINNET_E_ARGUMENT;
    struct message msg = {"bad argument"};
    struct linnet_stream *s = NULL;
    if (model != NULL && stream != NULL && sized_take(&mine, sizeof mine, options) >= 0) {
        s = mem_array(1, sizeof *s);
        if (s == NULL)
            rc = fail_memory(&msg);
    }
    if (s != NULL) {
        s->model = model;
        rc = stream_open(s, &mine);
        msg = s->msg;
    }
    if (rc >= 0) {
        *stream = s;
        return LINNET_OK;
    }
    linnet_stream_close(s);
    if (error != NULL && error_size > 0)
        snprintf(error, error_size, "%s", msg.text);
    return rc;
}

/* Remembers an error that ends the stream. */
static int keep(struct linnet_stream *s, int rc)
{
    if (rc < 0 && rc != LINNET_E_ARGUMENT)
        s->error = rc;
    return rc;
}

static int can_feed(struct linnet_stream *s)
{
    if (s->error < 0)
        return s->error;
    if (s->has_finished)
        return fail(&s->msg, LINNET_E_STATE, "feed after finish");
    return LINNET_OK;
}

static double fed_s(const struct linnet_stream *s)
{
    return (double)s->n_fed / s->fed_hz;
}

static int check_finite(struct linnet_stream *s, const float *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(samples[i]))
            return fail(&s->msg, LINNET_E_AUDIO, "the sample at %.4f s is not a number",
                        (double)(s->n_fed + i) / s->rate_hz);
    return LINNET_OK;
}

typedef int take_samples(struct linnet_stream *s, const float *samples, size_t n);

static int decode(struct linnet_stream *s, const float *samples, size_t n)
{
    return s->ops->feed(s->state, samples, n);
}

static int show(struct linnet_stream *s, const float *samples, size_t n)
{
    return s->ops->preview(s->state, samples, n);
}

/* Hands samples on at the decoder's rate. */
static int resampled(struct linnet_stream *s, const float *samples, size_t n, take_samples *take)
{
    int rc = LINNET_OK;
    if (s->resample == NULL)
        return take(s, samples, n);
    for (size_t at = 0, n_out; at < n && rc >= 0; at += BLOCK) {
        size_t n_in = n - at < BLOCK ? n - at : BLOCK;
        if ((rc = make_room(s, resample_max_samples(s->resample, n_in))) < 0)
            break;
        rc = resample_feed(s->resample, samples + at, n_in, s->block, &n_out, &s->msg);
        if (rc >= 0)
            rc = take(s, s->block, n_out);
    }
    return rc;
}

/* Hands on what the filter holds back at the end. */
static int resampled_end(struct linnet_stream *s, take_samples *take)
{
    size_t n;
    if (s->resample == NULL)
        return LINNET_OK;
    int rc = make_room(s, resample_max_samples(s->resample, 0));
    if (rc >= 0)
        rc = resample_finish(s->resample, s->block, &n, &s->msg);
    return rc < 0 ? rc : take(s, s->block, n);
}

int linnet_stream_preview(linnet_stream *s, const float *samples, size_t n)
{
    if (s == NULL || (samples == NULL && n > 0))
        return LINNET_E_ARGUMENT;
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    if (s->n_fed > 0)
        return fail(&s->msg, LINNET_E_STATE, "a recording is shown before its first audio is fed");
    if (s->cancelled)
        return keep(s, fail(&s->msg, LINNET_E_CANCELLED, "cancelled"));
    if ((rc = check_finite(s, samples, n)) < 0)
        return keep(s, rc);
    rc = s->ops->preview != NULL ? show(s, samples, 0) : 0;
    if (rc <= 0 || n == 0)
        return keep(s, rc);
    s->is_shown = 1;
    rc = resampled(s, samples, n, show);
    return rc < 0 ? keep(s, rc) : 1;
}

/* The recording begins. */
static int end_preview(struct linnet_stream *s)
{
    if (!s->is_shown)
        return LINNET_OK;
    s->is_shown = 0;
    int rc = resampled_end(s, show);
    return rc < 0 || s->resample == NULL ? rc : resample_reset(s->resample, &s->msg);
}

int linnet_stream_feed(linnet_stream *s, const float *samples, size_t n)
{
    if (s == NULL || (samples == NULL && n > 0))
        return LINNET_E_ARGUMENT;
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    if ((rc = check_finite(s, samples, n)) < 0)
        return keep(s, rc);
    s->n_fed += n;
    rc = end_preview(s);
    return keep(s, rc < 0 ? rc : resampled(s, samples, n, decode));
}

/* Opens a file for linnet_stream_feed_file, and shows it whole where that is possible and wanted. */
static int open_file(struct linnet_stream *s, const char *path)
{
    long n;
    int rc = audio_file_open(&s->file, path, NULL, DECODER_RATE_HZ, &s->msg);
    s->fed_hz = DECODER_RATE_HZ;
    if (rc < 0 || s->n_fed > 0 || s->ops->preview == NULL || audio_file_duration_s(s->file) < 0 ||
        (rc = show(s, NULL, 0)) <= 0)
        return rc;
    while (!s->cancelled && (n = audio_file_read(s->file, s->block, FILE_BLOCK, NULL)) > 0)
        if ((rc = show(s, s->block, (size_t)n)) < 0)
            return rc;
    return audio_file_seek_s(s->file, 0, &s->msg);
}

int linnet_stream_feed_file(linnet_stream *s, const char *path)
{
    if (s == NULL || path == NULL)
        return LINNET_E_ARGUMENT;
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    if (s->file == NULL && (rc = open_file(s, path)) < 0)
        return keep(s, rc);
    long n = audio_file_read(s->file, s->block, FILE_BLOCK, &s->msg);
    if (n > 0) {
        s->n_fed += (uint64_t)n;
        rc = decode(s, s->block, (size_t)n);
        return rc < 0 ? keep(s, rc) : 1;
    }
    audio_file_close(s->file);
    s->file = NULL;
    return keep(s, (int)n);
}

static int push_end(struct linnet_stream *s)
{
    linnet_event end = {.type = LINNET_EVENT_END, .start_s = fed_s(s), .end_s = fed_s(s), .text = ""};
    end.language = s->events.language;
    return events_push(&s->events, &end, &s->msg);
}

int linnet_stream_finish(linnet_stream *s)
{
    if (s == NULL)
        return LINNET_E_ARGUMENT;
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    s->has_finished = 1;
    if ((rc = end_preview(s)) >= 0)
        rc = resampled_end(s, decode);
    if (rc >= 0)
        rc = s->ops->finish(s->state);
    return keep(s, rc < 0 ? rc : push_end(s));
}

int linnet_stream_next(linnet_stream *s, linnet_event *event)
{
    if (s == NULL || event == NULL)
        return LINNET_E_ARGUMENT;
    return events_pop(&s->events, event);
}

int linnet_stream_bias(linnet_stream *s, const char *const *phrases, const float *bonus, size_t n)
{
    if (s == NULL || (phrases == NULL && n > 0))
        return LINNET_E_ARGUMENT;
    if (s->ops->bias == NULL)
        return fail(&s->msg, LINNET_E_UNSUPPORTED, "decoder '%s' takes no phrases", s->ops->name);
    if (s->n_fed > 0)
        return fail(&s->msg, LINNET_E_STATE, "phrases must come before the first audio");
    return s->ops->bias(s->state, phrases, bonus, n);
}

void linnet_stream_cancel(linnet_stream *s)
{
    if (s != NULL)
        s->cancelled = 1;
}

int linnet_stream_reset(linnet_stream *s)
{
    if (s == NULL)
        return LINNET_E_ARGUMENT;
    events_clear(&s->events);
    audio_file_close(s->file);
    s->file = NULL;
    s->is_shown = s->has_finished = s->error = 0;
    s->cancelled = 0;
    s->n_fed = 0;
    s->fed_hz = s->rate_hz;
    s->stats = (struct linnet_stats){0};
    s->msg.text[0] = '\0';
    int rc = s->resample != NULL ? resample_reset(s->resample, &s->msg) : LINNET_OK;
    return keep(s, rc < 0 ? rc : s->ops->reset(s->state));
}

const char *linnet_stream_error(const linnet_stream *s)
{
    return s != NULL ? s->msg.text : "";
}

int linnet_stream_stats(const linnet_stream *s, struct linnet_stats *stats)
{
    if (s == NULL)
        return LINNET_E_ARGUMENT;
    struct linnet_stats all = s->stats;
    all.audio_s = fed_s(s);
    return sized_give(&all, sizeof all, stats);
}

void linnet_stream_close(linnet_stream *s)
{
    if (s == NULL)
        return;
    if (s->ops != NULL)
        s->ops->close(s->state);
    events_clear(&s->events);
    audio_file_close(s->file);
    resample_close(s->resample);
    settings_close(&s->settings);
    mem_free(s->block);
    mem_free(s);
}
