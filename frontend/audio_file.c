/* SPDX-License-Identifier: Apache-2.0
 * audio_file.c - samples from a file, a pipe or standard input.
 *
 * A block of frames is read, checked, mixed and resampled into `ready`, from where reads are served.  The first thing
 * that goes wrong ends the recording: the resampler is emptied and the error is kept until `ready` has been read.
 * From a pipe a block is 20 ms, for a low delay.
 *
 * How several channels, or samples of unknown scale, are mixed is decided by the first half minute of a file, whatever
 * part of it is read; of a pipe by its first second, and again whenever another second has been read. */
#include "frontend/audio_file.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/audio_source.h"
#include "frontend/mix.h"
#include "frontend/resample.h"

#define BLOCK_S 0.25
#define PIPE_BLOCK_S 0.02
#define LOOK_S 30.0

struct audio_file {
    char *name;
    struct audio_source source;
    struct mix mix;
    struct resample *resample;
    float *block; /* [n_block, channels] frames as they were read */
    float *mono;  /* [n_block] */
    size_t n_block;
    float *ahead; /* [ahead_end, channels] of a pipe, read to decide on the mix; not yet mixed from ahead_begin on */
    size_t ahead_begin, ahead_end;
    float *ready; /* [ready_size] resampled samples; not yet read: [ready_begin, ready_end) */
    size_t ready_begin, ready_end, ready_size;
    int64_t position;       /* frames of the file before the next block */
    int64_t n_shown;        /* frames of a pipe that the mix was shown */
    int has_looked, sought; /* the mix is decided */
    int bad_sample;         /* the frame at position cannot be used */
    int ended;              /* nothing more comes into `ready` */
    int error;              /* what audio_file_read returns then */
    struct message why, warning;
};

static int open_any(struct audio_file **out, const char *path, int fd, const char *raw, int rate_hz,
                    struct message *msg)
{
    struct audio_file *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    f->name = mem_string(fd < 0 && strcmp(path, "-") == 0 ? "standard input" : path);
    int rc = f->name != NULL ? audio_source_open(&f->source, path, fd, raw, msg) : fail_memory(msg);
    if (rc < 0 || (rc = resample_open(&f->resample, f->source.rate_hz, rate_hz, msg)) < 0 ||
        (rc = audio_file_set_channel(f, NULL, msg)) < 0)
        goto fail;
    f->n_block = (size_t)(f->source.rate_hz * (f->source.is_pipe ? PIPE_BLOCK_S : BLOCK_S));
    f->block = mem_array(f->n_block * (size_t)f->source.n_channels, sizeof *f->block);
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

int audio_file_open(struct audio_file **out, const char *path, const char *raw, int rate_hz, struct message *msg)
{
    return open_any(out, path, -1, raw, rate_hz, msg);
}

int audio_file_open_fd(struct audio_file **out, int fd, const char *name, int rate_hz, struct message *msg)
{
    return open_any(out, name, fd, NULL, rate_hz, msg);
}

void audio_file_close(struct audio_file *f)
{
    if (f == NULL)
        return;
    audio_source_close(&f->source);
    resample_close(f->resample);
    mem_free(f->block);
    mem_free(f->ahead);
    mem_free(f->mono);
    mem_free(f->ready);
    mem_free(f->name);
    mem_free(f);
}

int audio_file_set_channel(struct audio_file *f, const char *channel, struct message *msg)
{
    int rc = mix_init(&f->mix, channel, f->source.n_channels, f->source.is_float, msg);
    return rc < 0 ? fail_in(msg, rc, f->name) : rc;
}

static double seconds(const struct audio_file *f, int64_t frames) { return (double)frames / f->source.rate_hz; }

double audio_file_duration_s(const struct audio_file *f)
{
    return f->source.n_frames >= 0 ? seconds(f, f->source.n_frames) : -1.0;
}

const char *audio_file_name(const struct audio_file *f) { return f->name; }

int audio_file_rate_hz(const struct audio_file *f) { return f->source.rate_hz; }

int audio_file_channels(const struct audio_file *f) { return f->source.n_channels; }

const char *audio_file_warning(const struct audio_file *f) { return f->warning.text; }

/* ---- how channels are mixed ---- */

static void note(struct audio_file *f)
{
    const char *one = f->source.note.text, *other = f->mix.note.text;
    if (one[0] != '\0' || other[0] != '\0')
        fail(&f->warning, 0, "%s: %s%s%s", f->name, one, one[0] != '\0' && other[0] != '\0' ? "; " : "", other);
}

/* Shows the mix the first half minute of a file, which is read from its beginning afterwards. */
static int look(struct audio_file *f, struct message *msg)
{
    long n = 1;
    for (int64_t n_left = (int64_t)(LOOK_S * f->source.rate_hz); n > 0 && n_left > 0; n_left -= n) {
        n = f->source.reader->read(&f->source, f->block, f->n_block, NULL); /* an error comes again */
        mix_show(&f->mix, f->block, n > 0 ? (size_t)n : 0);
    }
    return f->source.reader->seek(&f->source, 0, msg);
}

/* The first second of a pipe, which is kept. */
static int look_ahead(struct audio_file *f, struct message *msg)
{
    size_t n_most = (size_t)f->source.rate_hz, n_channels = (size_t)f->source.n_channels;
    f->ahead = mem_array(n_most * n_channels, sizeof *f->ahead);
    if (f->ahead == NULL)
        return fail_memory(msg);
    long n = f->source.reader->read(&f->source, f->ahead, n_most, NULL);
    f->ahead_end = n > 0 ? (size_t)n : 0;
    mix_show(&f->mix, f->ahead, f->ahead_end);
    f->n_shown = (int64_t)f->ahead_end;
    return LINNET_OK;
}

static int decide(struct audio_file *f, struct message *msg)
{
    int rc = LINNET_OK;
    if (f->has_looked)
        return LINNET_OK;
    f->has_looked = 1;
    if (mix_is_undecided(&f->mix)) {
        rc = f->source.is_pipe ? look_ahead(f, msg) : look(f, msg);
        mix_decide(&f->mix);
    }
    note(f);
    return rc;
}

/* Frames that a pipe has given are shown to the mix, which may decide otherwise each second. */
static void show(struct audio_file *f, size_t n)
{
    if (!f->source.is_pipe || !mix_is_undecided(&f->mix))
        return;
    int64_t before = f->n_shown / f->source.rate_hz;
    mix_show(&f->mix, f->block, n);
    f->n_shown += (int64_t)n;
    if (f->n_shown / f->source.rate_hz > before) {
        mix_decide(&f->mix);
        note(f);
    }
}

/* ---- reading ---- */

/* The next block: frames, 0 at the end, or an error. */
static long read_block(struct audio_file *f, struct message *msg)
{
    size_t n_ahead = f->ahead_end - f->ahead_begin, n = n_ahead < f->n_block ? n_ahead : f->n_block;
    size_t n_channels = (size_t)f->source.n_channels;
    if (n == 0) {
        long n_read = f->source.reader->read(&f->source, f->block, f->n_block, msg);
        show(f, n_read > 0 ? (size_t)n_read : 0);
        return n_read;
    }
    memcpy(f->block, f->ahead + f->ahead_begin * n_channels, n * n_channels * sizeof *f->block);
    f->ahead_begin += n;
    return (long)n;
}

/* Why no frame follows those read so far; rc: what reading said. */
static int end_status(struct audio_file *f, long rc)
{
    const struct audio_source *s = &f->source;
    struct message reason = f->why;
    note(f);
    if (rc >= 0 && f->position < s->n_promised)
        return fail(&f->why, LINNET_E_AUDIO, "%s: cut off after %.2f of %.2f s", f->name, seconds(f, f->position),
                    seconds(f, s->n_promised));
    if (rc < 0 || s->ending.text[0] != '\0')
        return fail(&f->why, rc == LINNET_E_MEMORY ? LINNET_E_MEMORY : LINNET_E_AUDIO,
                    "%s: damaged or cut off after %.2f s: %.300s", f->name, seconds(f, f->position),
                    rc < 0 ? reason.text : s->ending.text);
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
    int rc = decide(f, &f->why);
    long n_read = rc < 0 ? rc : read_block(f, &f->why);
    if (n_read <= 0) {
        finish(f, end_status(f, n_read));
        return;
    }
    size_t n = mix_run(&f->mix, f->block, (size_t)n_read, f->mono);
    f->position += (int64_t)n;
    f->bad_sample = n < (size_t)n_read;
    rc = make_room(f, resample_max_samples(f->resample, n));
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
    double frame = time_s * f->source.rate_hz;
    if (!(frame >= 0.0 && frame < 1e15))
        return fail(msg, LINNET_E_ARGUMENT, "%s: no such time: %g s", f->name, time_s);
    int64_t wanted = llrint(frame);
    if (f->source.is_pipe)
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: a pipe cannot be read from %g s on", f->name, time_s);
    if (f->source.n_frames >= 0 && !f->source.is_estimate && wanted > f->source.n_frames)
        return fail(msg, LINNET_E_ARGUMENT, "%s: %g s is past the end at %.2f s", f->name, time_s,
                    seconds(f, f->source.n_frames));
    struct message reason = {""};
    int rc = decide(f, &reason);
    if (rc < 0 || (rc = f->source.reader->seek(&f->source, wanted, &reason)) < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot be read from %g s on: %.300s", f->name, time_s, reason.text);
    if ((rc = resample_reset(f->resample, msg)) < 0)
        return rc;
    f->position = wanted;
    f->ready_begin = f->ready_end = 0;
    f->sought = 1;
    f->ended = f->bad_sample = f->error = 0;
    return LINNET_OK;
}
