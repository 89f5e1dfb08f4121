/* SPDX-License-Identifier: Apache-2.0
 * audio_file.c - samples from a file, a pipe or standard input.
 *
 * A block of frames is read, checked, mixed and resampled into `ready`, from where reads are served.  The first thing
 * that goes wrong ends the recording: the resampler is emptied and the error is kept until `ready` has been read.
 * From a pipe a block is 20 ms, for a low delay. */
#include "frontend/audio_file.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/audio_source.h"
#include "frontend/resample.h"

#define BLOCK_S 0.25
#define PIPE_BLOCK_S 0.02
#define MAX_VALUE 1e6f /* far beyond any scale in use; its square still fits a float */

struct audio_file {
    char *name;
    struct audio_source source;
    struct resample *resample;
    float *block; /* [n_block, channels] frames as they were read */
    float *mono;  /* [n_block] */
    size_t n_block;
    float *ready; /* [ready_size] resampled samples; not yet read: [ready_begin, ready_end) */
    size_t ready_begin, ready_end, ready_size;
    sf_count_t position;    /* frames of the file before the next block */
    int sought, bad_sample; /* bad_sample: the frame at position cannot be used */
    int ended;              /* nothing more comes into `ready` */
    int error;              /* what audio_file_read returns then */
    struct message why;
};

int audio_file_open(struct audio_file **out, const char *path, const char *raw, int rate_hz, struct message *msg)
{
    struct audio_file *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    f->name = mem_string(strcmp(path, "-") == 0 ? "standard input" : path);
    int rc = f->name != NULL ? audio_source_open(&f->source, path, raw, msg) : fail_memory(msg);
    if (rc < 0 || (rc = resample_open(&f->resample, f->source.info.samplerate, rate_hz, msg)) < 0)
        goto fail;
    f->n_block = (size_t)(f->source.info.samplerate * (f->source.is_pipe ? PIPE_BLOCK_S : BLOCK_S));
    f->block = mem_array(f->n_block * (size_t)f->source.info.channels, sizeof *f->block);
    f->mono = mem_array(f->n_block, sizeof *f->mono);
    if (f->block != NULL && f->mono != NULL) {
        *out = f;
        return LINNET_OK;
    }
    rc = fail_memory(msg);
fail:
    audio_file_close(f);
    return rc;
}

void audio_file_close(struct audio_file *f)
{
    if (f == NULL)
        return;
    audio_source_close(&f->source);
    resample_close(f->resample);
    mem_free(f->block);
    mem_free(f->mono);
    mem_free(f->ready);
    mem_free(f->name);
    mem_free(f);
}

static double seconds(const struct audio_file *f, sf_count_t frames)
{
    return (double)frames / f->source.info.samplerate;
}

/* libsndfile says 2^62 or so frames, or the largest 32-bit number, where a header does not tell. */
static int length_is_known(const struct audio_file *f)
{
    return !f->source.is_pipe && f->source.info.frames < (sf_count_t)1 << 48;
}

double audio_file_duration_s(const struct audio_file *f)
{
    return length_is_known(f) ? seconds(f, f->source.info.frames) : -1.0;
}

const char *audio_file_name(const struct audio_file *f) { return f->name; }

int audio_file_rate_hz(const struct audio_file *f) { return f->source.info.samplerate; }

int audio_file_channels(const struct audio_file *f) { return f->source.info.channels; }

/* Mixes n frames of the block to their mean; returns how many come before one that cannot be used. */
static size_t mix(const struct audio_file *f, size_t n)
{
    size_t n_channels = (size_t)f->source.info.channels;
    const float *frame = f->block;
    for (size_t i = 0; i < n; i++, frame += n_channels) {
        float sum = 0.0f;
        for (size_t c = 0; c < n_channels; c++) {
            if (!(fabsf(frame[c]) <= MAX_VALUE)) /* true for NaN */
                return i;
            sum += frame[c];
        }
        f->mono[i] = sum / (float)n_channels;
    }
    return n;
}

/* Why no frame follows those read so far. */
static int end_status(struct audio_file *f)
{
    const SF_INFO *info = &f->source.info;
    int is_mp3 = (info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG; /* its length may be an estimate */
    if (sf_error(f->source.sndfile) != SF_ERR_NO_ERROR)
        return fail(&f->why, LINNET_E_AUDIO, "%s: damaged or cut off after %.2f s: %s", f->name,
                    seconds(f, f->position), sf_strerror(f->source.sndfile));
    if (length_is_known(f) && !is_mp3 && f->position < info->frames)
        return fail(&f->why, LINNET_E_AUDIO, "%s: cut off after %.2f of %.2f s", f->name, seconds(f, f->position),
                    seconds(f, info->frames));
    if (f->position == 0 && !f->sought)
        return fail(&f->why, LINNET_E_AUDIO, "%s: holds no samples", f->name);
    return LINNET_OK;
}

/* Makes room for n samples in the empty `ready`. */
static int make_room(struct audio_file *f, size_t n)
{
    f->ready_begin = f->ready_end = 0;
    if (n <= f->ready_size)
        return LINNET_OK;
    n += n / 4; /* the filter's delay makes the first blocks smaller than some later one */
    mem_free(f->ready);
    f->ready_size = 0;
    f->ready = mem_array(n, sizeof *f->ready);
    if (f->ready == NULL)
        return fail_memory(&f->why);
    f->ready_size = n;
    return LINNET_OK;
}

static void finish(struct audio_file *f, int error)
{
    f->ended = 1;
    f->error = error;
    size_t n = 0;
    if (make_room(f, resample_max_samples(f->resample, 0)) < 0 || resample_finish(f->resample, f->ready, &n, NULL) < 0)
        f->error = error < 0 ? error : fail_memory(&f->why);
    f->ready_end = n;
}

/* Fills the empty `ready` with one block more, or ends. */
static void refill(struct audio_file *f)
{
    if (f->bad_sample) {
        finish(f, fail(&f->why, LINNET_E_AUDIO, "%s: the sample at %.4f s is not a number or not finite", f->name,
                       seconds(f, f->position)));
        return;
    }
    sf_count_t n_read = sf_readf_float(f->source.sndfile, f->block, (sf_count_t)f->n_block);
    if (n_read <= 0) {
        finish(f, end_status(f));
        return;
    }
    size_t n = mix(f, (size_t)n_read);
    f->position += (sf_count_t)n;
    f->bad_sample = n < (size_t)n_read;
    int rc = make_room(f, resample_max_samples(f->resample, n));
    if (rc == 0)
        rc = resample_feed(f->resample, f->mono, n, f->ready, &f->ready_end, &f->why);
    if (rc < 0) {
        f->ended = 1;
        f->error = rc;
    }
}

long audio_file_read(struct audio_file *f, float *samples, size_t max, struct message *msg)
{
    size_t n = 0;
    while (n < max) {
        size_t n_ready = f->ready_end - f->ready_begin;
        if (n_ready == 0 && f->ended)
            break;
        if (n_ready == 0) {
            refill(f);
            continue;
        }
        size_t n_more = n_ready < max - n ? n_ready : max - n;
        memcpy(samples + n, f->ready + f->ready_begin, n_more * sizeof *samples);
        f->ready_begin += n_more;
        n += n_more;
    }
    if (n == 0 && max > 0 && f->error < 0)
        return fail(msg, f->error, "%s", f->why.text);
    return (long)n;
}

int audio_file_seek_s(struct audio_file *f, double time_s, struct message *msg)
{
    double frame = time_s * f->source.info.samplerate;
    if (!(frame >= 0.0 && frame < 1e15))
        return fail(msg, LINNET_E_ARGUMENT, "%s: no such time: %g s", f->name, time_s);
    sf_count_t wanted = (sf_count_t)llrint(frame);
    if (f->source.is_pipe)
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: a pipe cannot be read from %g s on", f->name, time_s);
    if (length_is_known(f) && wanted > f->source.info.frames)
        return fail(msg, LINNET_E_ARGUMENT, "%s: %g s is past the end at %.2f s", f->name, time_s,
                    seconds(f, f->source.info.frames));
    if (sf_seek(f->source.sndfile, wanted, SEEK_SET) != wanted)
        return fail(msg, LINNET_E_IO, "%s: cannot be read from %g s on: %s", f->name, time_s,
                    sf_strerror(f->source.sndfile));
    int rc = resample_reset(f->resample, msg);
    if (rc < 0)
        return rc;
    f->position = wanted;
    f->ready_begin = f->ready_end = 0;
    f->sought = 1;
    f->ended = f->bad_sample = f->error = 0;
    return LINNET_OK;
}
