/* SPDX-License-Identifier: Apache-2.0
 * stream.c - one recording through a model: reading a file, resampling, the decoder, the queue of events.
 *
 * An error other than a bad argument, a call out of order or a damaged file ends the stream: events before it can still
 * be taken, audio cannot be fed until reset. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "decoders/common/calibration.h"
#include "decoders/decoder.h"
#include "frontend/audio_file.h"
#include "frontend/mix.h"
#include "frontend/resample.h"
#include "models/detector.h"
#include "models/model.h"
#include "models/stream.h"

/* Samples that are resampled, or read of a file, at a time. */
enum { BLOCK = 8000, FILE_BLOCK = 2 * AUDIO_RATE_HZ, LIVE_BLOCK = AUDIO_RATE_HZ / 10 };

struct linnet_stream {
    const struct linnet_model *model;
    struct settings settings;
    const struct decoder *decoder;
    void *state;
    struct events events;
    struct calibration calibration; /* that events has, if there is one */
    struct linnet_stats stats;
    struct message msg;
    atomic_int cancelled;
    int rate_hz;
    struct resample *resample; /* NULL at the decoder's own rate */
    float *block;              /* [n_block] resampled samples, or those of a file */
    size_t n_block;
    uint64_t n_fed; /* samples, at fed_hz: rate_hz, or a file's after resampling */
    int fed_hz;
    struct audio_file *file; /* that linnet_stream_read reads, until reset */
    uint64_t n_part, n_read; /* samples of it at the decoder's rate: of the part, read in this pass */
    int is_streaming, has_finished, error;
};

void linnet_stream_options_init(struct linnet_stream_options *options)
{
    *options = (struct linnet_stream_options){.size = sizeof *options, .sample_rate_hz = AUDIO_RATE_HZ};
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
    int rc = model_open_settings(&s->settings, &s->msg);
    if (rc >= 0 && o->recipe != NULL)
        rc = settings_read(&s->settings, o->recipe, &s->msg);
    for (size_t i = 0; i < o->n_settings && rc >= 0; i++)
        rc = settings_set(&s->settings, o->settings[i], &s->msg);
    if (rc >= 0)
        rc = set_fields(s, o);
    return rc < 0 ? rc : detector_find(&s->settings, &s->msg);
}

/* Room in block for n samples.  At common rates that of open is enough: resampling adds what its filter held back. */
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
    s->is_streaming = o->streaming;
    s->rate_hz = s->fed_hz = o->sample_rate_hz;
    if (s->rate_hz < RESAMPLE_MIN_HZ || s->rate_hz > RESAMPLE_MAX_HZ)
        return fail(&s->msg, LINNET_E_ARGUMENT, "a sample rate of %d Hz: possible are %d to %d", s->rate_hz,
                    RESAMPLE_MIN_HZ, RESAMPLE_MAX_HZ);
    if (s->rate_hz != AUDIO_RATE_HZ && (rc = resample_open(&s->resample, s->rate_hz, AUDIO_RATE_HZ, &s->msg)) < 0)
        return rc;
    if ((rc = make_room(s, FILE_BLOCK)) < 0)
        return rc;
    const struct decoder_options *options = settings_of(&s->settings, &decoder_settings);
    if ((rc = decoder_find(&s->decoder, options, s->model, o->streaming, &s->msg)) < 0)
        return rc;
    if ((rc = calibration_find(&s->calibration, options->calibration, s->model->dir, s->decoder->name, o->streaming,
                               &s->msg)) < 0)
        return rc;
    s->events.calibration = rc > 0 ? &s->calibration : NULL;
    struct decoder_host host = {s->decoder, s->model,  &s->settings,  o->streaming,
                                &s->events, &s->stats, &s->cancelled, &s->msg};
    return s->decoder->open(&s->state, &host);
}

int linnet_stream_open(linnet_model *model, const struct linnet_stream_options *options, linnet_stream **stream,
                       char *error, size_t error_size)
{
    struct linnet_stream_options mine;
    linnet_stream_options_init(&mine);
    struct message msg = {""};
    if (model == NULL || stream == NULL || sized_take(&mine, sizeof mine, options) < 0)
        return model_report(fail(&msg, LINNET_E_ARGUMENT, "bad argument"), &msg, error, error_size);
    struct linnet_stream *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return model_report(fail_memory(&msg), &msg, error, error_size);
    s->model = model;
    int rc = model_report(stream_open(s, &mine), &s->msg, error, error_size);
    if (rc < 0)
        linnet_stream_close(s);
    else
        *stream = s;
    return rc;
}

/* Keeps an error that ends the stream. */
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
        return fail(&s->msg, LINNET_E_STATE, "audio after finish");
    return s->cancelled ? keep(s, fail(&s->msg, LINNET_E_CANCELLED, "cancelled")) : LINNET_OK;
}

/* Puts the name of the file that is read, if any, before the message. */
static int in_file(struct linnet_stream *s, int rc)
{
    return rc < 0 && s->file != NULL ? fail_in(&s->msg, rc, audio_file_name(s->file)) : rc;
}

static double fed_s(const struct linnet_stream *s) { return (double)s->n_fed / s->fed_hz; }

static int check_finite(struct linnet_stream *s, const float *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(samples[i]))
            return fail(&s->msg, LINNET_E_AUDIO, "the sample at %.4f s is not a number",
                        (double)(s->n_fed + i) / s->rate_hz);
    return LINNET_OK;
}

/* Decodes samples, at the decoder's rate. */
static int decode(struct linnet_stream *s, const float *samples, size_t n)
{
    int rc = LINNET_OK;
    if (s->resample == NULL)
        return s->decoder->feed(s->state, samples, n);
    for (size_t at = 0, n_out; at < n && rc >= 0; at += BLOCK) {
        size_t n_in = n - at < BLOCK ? n - at : BLOCK;
        if ((rc = make_room(s, resample_max_samples(s->resample, n_in))) < 0)
            break;
        rc = resample_feed(s->resample, samples + at, n_in, s->block, &n_out, &s->msg);
        if (rc >= 0)
            rc = s->decoder->feed(s->state, s->block, n_out);
    }
    return rc;
}

/* Decodes the rest that the resampling filter holds. */
static int decode_rest(struct linnet_stream *s)
{
    size_t n;
    if (s->resample == NULL)
        return LINNET_OK;
    int rc = make_room(s, resample_max_samples(s->resample, 0));
    if (rc >= 0)
        rc = resample_finish(s->resample, s->block, &n, &s->msg);
    return rc < 0 ? rc : s->decoder->feed(s->state, s->block, n);
}

int linnet_stream_feed(linnet_stream *s, const float *samples, size_t n)
{
    if (s == NULL || (samples == NULL && n > 0))
        return LINNET_E_ARGUMENT;
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    if (s->file != NULL)
        return fail(&s->msg, LINNET_E_STATE, "feed beside the file %s", audio_file_name(s->file));
    if ((rc = check_finite(s, samples, n)) < 0)
        return keep(s, rc);
    s->n_fed += n;
    return keep(s, decode(s, samples, n));
}

/* ---- files ---- */

void linnet_file_options_init(struct linnet_file_options *options)
{
    *options = (struct linnet_file_options){.size = sizeof *options};
}

/* The next samples of the part: n_most at most, 0 at its end, or an error. */
static long read_part(struct linnet_stream *s, size_t n_most, struct message *msg)
{
    size_t n_left = s->n_part - s->n_read < n_most ? (size_t)(s->n_part - s->n_read) : n_most;
    long n = audio_file_read(s->file, s->block, n_left, msg);
    s->n_read += n > 0 ? (uint64_t)n : 0;
    return n;
}

static int seek_part(struct linnet_stream *s, double start_s)
{
    s->n_read = 0;
    return audio_file_seek_s(s->file, start_s, &s->msg);
}

/* The first pass over the part, for a decoder that needs one, of a file that can be read twice. */
static int preview_part(struct linnet_stream *s, double start_s)
{
    long n = 0;
    int rc =
        s->decoder->preview != NULL && audio_file_duration_s(s->file) >= 0 ? s->decoder->preview(s->state, NULL, 0) : 0;
    if (rc <= 0)
        return rc;
    while (!s->cancelled && (n = read_part(s, FILE_BLOCK, NULL)) > 0)
        if ((rc = s->decoder->preview(s->state, s->block, (size_t)n)) < 0)
            return rc;
    if (s->cancelled)
        return fail(&s->msg, LINNET_E_CANCELLED, "%s: cancelled", audio_file_name(s->file));
    return seek_part(s, start_s);
}

static int open_part(struct linnet_stream *s, const char *path, int fd, const struct linnet_file_options *o)
{
    double length_s = o->end_s - o->start_s, unlimited_s = 1e12;
    if (!(o->start_s >= 0) || (o->end_s != 0 && !(length_s > 0)))
        return fail(&s->msg, LINNET_E_ARGUMENT, "%s: from %g s to %g s is no part of it", path, o->start_s, o->end_s);
    const struct mix_options *mix = settings_of(&s->settings, &mix_settings);
    int rc = fd >= 0 ? audio_file_open_fd(&s->file, fd, path, AUDIO_RATE_HZ, &s->msg)
                     : audio_file_open(&s->file, path, o->raw, AUDIO_RATE_HZ, &s->msg);
    if (rc < 0 || (rc = audio_file_set_channel(s->file, mix->channel, &s->msg)) < 0)
        return rc;
    s->n_part = length_s > 0 && length_s < unlimited_s ? (uint64_t)llrint(length_s * AUDIO_RATE_HZ) : UINT64_MAX;
    s->n_read = 0;
    if (o->start_s > 0 && (rc = seek_part(s, o->start_s)) < 0)
        return rc;
    return preview_part(s, o->start_s);
}

static int open_file(struct linnet_stream *s, const char *path, int fd, const struct linnet_file_options *o)
{
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    if (s->file != NULL || s->n_fed > 0)
        return fail(&s->msg, LINNET_E_STATE, "%s: a stream takes one file, and no other audio before it", path);
    if ((rc = open_part(s, path, fd, o)) >= 0) {
        s->fed_hz = AUDIO_RATE_HZ;
        return LINNET_OK;
    }
    audio_file_close(s->file);
    s->file = NULL;
    return keep(s, rc);
}

int linnet_stream_open_file(linnet_stream *s, const char *path, const struct linnet_file_options *options)
{
    struct linnet_file_options mine;
    linnet_file_options_init(&mine);
    if (s == NULL || path == NULL || sized_take(&mine, sizeof mine, options) < 0)
        return LINNET_E_ARGUMENT;
    return open_file(s, path, -1, &mine);
}

int stream_open_fd(linnet_stream *s, int fd, const char *name)
{
    struct linnet_file_options whole;
    linnet_file_options_init(&whole);
    return open_file(s, name, fd, &whole);
}

int linnet_stream_read(linnet_stream *s)
{
    if (s == NULL)
        return LINNET_E_ARGUMENT;
    int rc = can_feed(s);
    if (rc < 0)
        return rc;
    if (s->file == NULL)
        return fail(&s->msg, LINNET_E_STATE, "read without an open file");
    long n = read_part(s, s->is_streaming ? LIVE_BLOCK : FILE_BLOCK, &s->msg);
    if (n <= 0)
        return (int)n; /* damage does not end the stream: finish gives the words before it */
    s->n_fed += (uint64_t)n;
    rc = s->decoder->feed(s->state, s->block, (size_t)n);
    return rc < 0 ? keep(s, in_file(s, rc)) : 1;
}

/* ---- the end, events ---- */

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
    if ((rc = decode_rest(s)) >= 0 && (rc = s->decoder->finish(s->state)) >= 0)
        rc = push_end(s);
    return keep(s, in_file(s, rc));
}

int linnet_stream_next(linnet_stream *s, linnet_event *event)
{
    if (s == NULL || event == NULL)
        return LINNET_E_ARGUMENT;
    return events_pop(&s->events, event);
}

int linnet_stream_bias(linnet_stream *s, const char *const *phrases, const float *bonus, size_t n, char *unspelled,
                       size_t unspelled_size)
{
    struct buffer lines = {0};
    if (s == NULL || (phrases == NULL && n > 0))
        return LINNET_E_ARGUMENT;
    if (s->decoder->bias == NULL)
        return fail(&s->msg, LINNET_E_UNSUPPORTED, "decoder '%s' takes no phrases", s->decoder->name);
    if (s->n_fed > 0)
        return fail(&s->msg, LINNET_E_STATE, "phrases must come before the first audio");
    int rc = s->decoder->bias(s->state, phrases, bonus, n, &lines);
    if (rc >= 0 && unspelled != NULL && unspelled_size > 0)
        snprintf(unspelled, unspelled_size, "%s", buffer_text(&lines));
    buffer_free(&lines);
    return rc;
}

const struct settings *stream_settings(const linnet_stream *s) { return &s->settings; }

int stream_can_batch(const linnet_stream *s) { return s->decoder->set_batch != NULL && !s->is_streaming; }

int stream_set_batch(linnet_stream *s, struct text_batch *batch, linnet_stream *first)
{
    return keep(s, s->decoder->set_batch(s->state, batch, first->state));
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
    s->has_finished = s->error = 0;
    s->cancelled = 0;
    s->n_fed = 0;
    s->fed_hz = s->rate_hz;
    s->stats = (struct linnet_stats){0};
    s->msg.text[0] = '\0';
    int rc = s->resample != NULL ? resample_reset(s->resample, &s->msg) : LINNET_OK;
    return keep(s, rc < 0 ? rc : s->decoder->reset(s->state));
}

const char *linnet_stream_warning(const linnet_stream *s)
{
    return s != NULL && s->file != NULL ? audio_file_warning(s->file) : "";
}

const char *linnet_stream_error(const linnet_stream *s) { return s != NULL ? s->msg.text : ""; }

int linnet_stream_stats(const linnet_stream *s, struct linnet_stats *stats)
{
    if (s == NULL)
        return LINNET_E_ARGUMENT;
    struct linnet_stats all = s->stats;
    all.audio_s = fed_s(s);
    all.file_s = s->file != NULL ? fmax(audio_file_duration_s(s->file), 0) : 0;
    return sized_give(&all, sizeof all, stats);
}

void linnet_stream_close(linnet_stream *s)
{
    if (s == NULL)
        return;
    if (s->decoder != NULL)
        s->decoder->close(s->state);
    events_clear(&s->events);
    audio_file_close(s->file);
    resample_close(s->resample);
    settings_close(&s->settings);
    mem_free(s->block);
    mem_free(s);
}
