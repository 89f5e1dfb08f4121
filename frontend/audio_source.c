/* SPDX-License-Identifier: Apache-2.0
 * audio_source.c - which library reads a recording.
 *
 * libsndfile 1.2 comes first, but for what it reads wrongly: MP3 (it stops at the end of the first of joined files and
 * writes to stderr), chained Ogg (it reads the first link) and headers whose sizes are not right.  It reads bare
 * samples from a pipe as they arrive, and a header before them is read here; Ogg arrives at FFmpeg.  Everything else in
 * a pipe is copied into a temporary file. */
#include "frontend/audio_source.h"

#include <string.h>

#include "base/mem.h"
#include "frontend/audio_ffmpeg.h"
#include "frontend/audio_header.h"
#include "frontend/audio_input.h"
#include "frontend/audio_kind.h"
#include "frontend/audio_sndfile.h"
#include "frontend/ogg_pages.h"
#include "frontend/resample.h"

#define UNSIZED "its header does not tell how long it is: read to its end"

enum { LOOK_BYTES = 65536, RIFF_MP2 = 0x50, RIFF_MP3 = 0x55 };

/* ---- what is in a file ---- */

/* Where the recording begins behind ID3 tags. */
static int64_t pass_tags(const struct audio_input *in)
{
    unsigned char b[10];
    int64_t at = 0;
    while (audio_input_peek(in, at, b, sizeof b) == sizeof b && memcmp(b, "ID3", 3) == 0) {
        int64_t size = (b[6] & 0x7f) << 21 | (b[7] & 0x7f) << 14 | (b[8] & 0x7f) << 7 | (b[9] & 0x7f);
        at += 10 + size + ((b[5] & 0x10) != 0 ? 10 : 0);
    }
    return at;
}

/* MPEG audio: its frames begin with 11 bits that are set; an ID3 tag stands before others only in FLAC. */
static int is_mpeg_audio(const struct audio_input *in)
{
    unsigned char b[4] = {0};
    int64_t at = pass_tags(in);
    size_t n = audio_input_peek(in, at, b, sizeof b);
    return at > 0 ? n < 4 || memcmp(b, "fLaC", 4) != 0 : n == 4 && b[0] == 0xff && (b[1] & 0xe0) == 0xe0;
}

/* What follows an empty chunk of samples is more chunks, up to the end, and not samples whose size was not written. */
static int has_only_chunks(const struct audio_input *in, int64_t at)
{
    int64_t size = audio_input_size(in);
    while (at < size) {
        unsigned char b[8];
        if (audio_input_peek(in, at, b, sizeof b) < sizeof b)
            return 0;
        for (int i = 0; i < 4; i++)
            if (b[i] < ' ' || b[i] > '~')
                return 0;
        int64_t n = (int64_t)b[4] | (int64_t)b[5] << 8 | (int64_t)b[6] << 16 | (int64_t)b[7] << 24;
        at += 8 + n + n % 2;
    }
    return at <= size + 1;
}

/* The header's size of the samples is none. */
static int is_size_unknown(const struct audio_header *h, const struct audio_input *in)
{
    int64_t n_there = audio_input_size(in) - h->data_at;
    if (h->data_size == 0)
        return n_there > 0 && !has_only_chunks(in, h->data_at);
    return h->data_size < 0 ||
           (h->data_size >= AUDIO_HEADER_UNKNOWN && h->data_size <= UINT32_MAX && h->data_size > n_there);
}

static int look_at_pages(const struct audio_input *in, struct ogg_pages *pages, struct message *msg)
{
    unsigned char *bytes = mem_array(LOOK_BYTES, 1);
    *pages = (struct ogg_pages){0};
    if (bytes == NULL)
        return fail_memory(msg);
    int64_t at = 0;
    for (size_t n; (n = audio_input_peek(in, at, bytes, LOOK_BYTES)) > 0; at += (int64_t)n)
        ogg_pages_feed(pages, bytes, n);
    mem_free(bytes);
    return LINNET_OK;
}

/* Where in its first bytes a recording begins behind something else; 0: nowhere. */
static int64_t find_recording(const struct audio_input *in)
{
    unsigned char *b = mem_array(LOOK_BYTES, 1);
    size_t n = b != NULL ? audio_input_peek(in, 0, b, LOOK_BYTES) : 0;
    int64_t at = 0;
    for (size_t i = 1; i + 12 <= n && at == 0; i++)
        if ((memcmp(b + i, "RIFF", 4) == 0 && memcmp(b + i + 8, "WAVE", 4) == 0) || memcmp(b + i, "fLaC", 4) == 0 ||
            memcmp(b + i, "OggS\0\2", 6) == 0 || (memcmp(b + i, "FORM", 4) == 0 && memcmp(b + i + 8, "AIF", 3) == 0))
            at = (int64_t)i;
    mem_free(b);
    return at;
}

/* ---- files ---- */

static int with_sndfile(struct audio_source *s, struct audio_input *in, struct message *msg)
{
    audio_input_rewind(in);
    int rc = audio_sndfile_open(s, in->fd, NULL, msg);
    if (rc < 0 || s->n_frames != 0)
        return rc;
    audio_source_close(s);
    return fail(msg, LINNET_E_AUDIO, "holds no samples");
}

static int with_ffmpeg(struct audio_source *s, struct audio_input *in, struct message *msg)
{
    audio_input_rewind(in);
    return audio_ffmpeg_open(s, in->fd, msg);
}

/* What the first bytes tell; NULL: nothing.  What is no audio is not given to FFmpeg: a text may be a playlist. */
static const char *find_kind(const struct audio_input *in, int *is_audio)
{
    unsigned char start[AUDIO_KIND_BYTES];
    return audio_kind_name(start, audio_input_peek(in, 0, start, sizeof start), is_audio);
}

/* Neither library can read it: says what it is, and what to do. */
static int cannot_read(const struct audio_input *in, int code, const struct message *why, struct message *msg)
{
    int is_audio;
    const char *kind = find_kind(in, &is_audio);
    if (code == LINNET_E_AUDIO || code == LINNET_E_MEMORY)
        return fail(msg, code, "%s: %s", in->name, why->text);
    if (kind != NULL && !is_audio)
        return fail(msg, code, "%s: not audio that can be read: it is %s", in->name, kind);
    if (kind != NULL && !audio_ffmpeg_is_there())
        return fail(msg, code,
                    "%s: not audio that can be read: it is %s (%s). Build linnet with FFmpeg's libraries "
                    "(libavformat-dev, libavcodec-dev, libswresample-dev), or convert it: ffmpeg -i IN OUT.wav",
                    in->name, kind, why->text);
    return fail(msg, code, "%s: not audio that can be read: %s%s%s", in->name, kind != NULL ? kind : "",
                kind != NULL ? ": " : "", why->text);
}

/* What libsndfile writes to stderr about MP3 is not to be seen where FFmpeg reads it. */
enum order { SNDFILE_FIRST, FFMPEG_FIRST, FFMPEG_ALONE };

static int with_either(struct audio_source *s, struct audio_input *in, enum order order, struct message *msg)
{
    struct message why[2] = {{""}, {""}}; /* libsndfile's, FFmpeg's */
    int is_audio, rc = LINNET_E_FORMAT;
    const char *kind = find_kind(in, &is_audio);
    int may_be_known = kind == NULL || is_audio;
    if (order != SNDFILE_FIRST && may_be_known && audio_ffmpeg_is_there()) {
        if ((rc = with_ffmpeg(s, in, &why[1])) >= 0)
            return LINNET_OK;
        if (order == FFMPEG_ALONE)
            return cannot_read(in, rc, &why[1], msg);
    }
    if ((rc = with_sndfile(s, in, &why[0])) >= 0)
        return rc;
    may_be_known = may_be_known && audio_ffmpeg_is_there();
    if (order == SNDFILE_FIRST && may_be_known && with_ffmpeg(s, in, &why[1]) >= 0)
        return LINNET_OK;
    return cannot_read(in, rc, may_be_known && rc == LINNET_E_FORMAT && kind != NULL ? &why[1] : &why[0], msg);
}

static int open_ogg(struct audio_source *s, struct audio_input *in, struct message *msg)
{
    struct ogg_pages pages;
    int rc = look_at_pages(in, &pages, msg);
    if (rc < 0 || (rc = with_either(s, in, pages.n_links > 1 ? FFMPEG_FIRST : SNDFILE_FIRST, msg)) < 0)
        return rc;
    if (!ogg_pages_is_whole(&pages))
        fail(&s->ending, LINNET_E_AUDIO, "its last page is not whole");
    else if (pages.n_links > 1 && !audio_ffmpeg_is_there())
        fail(&s->ending, LINNET_E_AUDIO, "%d recordings more are chained to it, which only FFmpeg reads",
             pages.n_links - 1);
    else if (!pages.has_end_mark)
        fail(&s->note, 0, OGG_PAGES_NO_END);
    return LINNET_OK;
}

/* Samples whose number the header does not tell: all up to the end of the file. */
static int open_unsized(struct audio_source *s, struct audio_input *in, const struct audio_header *h,
                        struct message *msg)
{
    if (h->plain.format == 0) {
        int rc = with_either(s, in, SNDFILE_FIRST, msg);
        if (rc < 0)
            return rc;
    } else {
        const struct audio_samples samples = {
            .info = h->plain, .at = h->data_at, .n_most = (audio_input_size(in) - h->data_at) / h->frame_bytes};
        audio_input_rewind(in);
        int rc = audio_sndfile_open(s, in->fd, &samples, msg);
        if (rc < 0)
            return fail_in(msg, rc, in->name);
    }
    s->n_promised = 0;
    fail(&s->note, 0, UNSIZED);
    return LINNET_OK;
}

static int open_sized(struct audio_source *s, struct audio_input *in, const struct audio_header *h, struct message *msg)
{
    int64_t n_there = audio_input_size(in) - h->data_at;
    if (h->data_size == 0)
        return fail(msg, LINNET_E_AUDIO, "%s: holds no samples", in->name);
    int is_mpeg = h->riff_tag == RIFF_MP3 || h->riff_tag == RIFF_MP2;
    int rc = with_either(s, in, is_mpeg ? FFMPEG_ALONE : SNDFILE_FIRST, msg);
    if (rc >= 0 && n_there > 0 && n_there < h->data_size && s->n_frames > 0)
        s->n_promised = h->plain.format != 0 ? h->data_size / h->frame_bytes
                                             : (int64_t)((double)s->n_frames * (double)h->data_size / (double)n_there);
    return rc;
}

static int open_file(struct audio_source *s, struct audio_input *in, struct message *msg)
{
    struct audio_header h;
    unsigned char start[4] = {0};
    size_t n = audio_input_peek(in, 0, start, sizeof start);
    if (n == 4 && memcmp(start, "OggS", 4) == 0)
        return open_ogg(s, in, msg);
    audio_input_rewind(in);
    if (audio_header_take(&h, in))
        return is_size_unknown(&h, in) ? open_unsized(s, in, &h, msg) : open_sized(s, in, &h, msg);
    return with_either(s, in, is_mpeg_audio(in) ? FFMPEG_ALONE : SNDFILE_FIRST, msg);
}

/* A recording behind something else, which no library finds. */
static int open_any_file(struct audio_source *s, struct audio_input *in, struct message *msg)
{
    int is_audio;
    int64_t at = find_kind(in, &is_audio) == NULL || !is_audio ? find_recording(in) : 0;
    int rc = at > 0 ? audio_input_spool(in, at, msg) : LINNET_OK;
    if (rc >= 0 && (rc = open_file(s, in, msg)) >= 0 && at > 0 && s->note.text[0] == '\0')
        fail(&s->note, 0, "%lld bytes before the recording are passed over", (long long)at);
    return rc;
}

/* ---- pipes ---- */

/* Bare samples behind a header that was taken out of the pipe. */
static int open_samples(struct audio_source *s, const struct audio_input *in, const struct audio_header *h,
                        struct message *msg)
{
    int is_known = h->data_size > 0 && h->data_size < AUDIO_HEADER_UNKNOWN;
    const struct audio_samples samples = {.info = h->plain,
                                          .n_most = h->data_size > 0 ? h->data_size / h->frame_bytes : -1};
    int rc = audio_sndfile_open(s, in->fd, &samples, msg);
    if (rc < 0)
        return fail_in(msg, rc, in->name);
    s->n_promised = is_known ? samples.n_most : 0;
    if (h->data_size == 0)
        fail(&s->note, 0, UNSIZED);
    return LINNET_OK;
}

static int open_pipe(struct audio_source *s, struct audio_input *in, struct message *msg)
{
    struct audio_header h;
    char start[4] = {0};
    size_t n = audio_input_peek(in, 0, start, sizeof start);
    if (n == 4 && memcmp(start, "OggS", 4) == 0) {
        int rc = audio_ffmpeg_is_there() ? audio_ffmpeg_open(s, in->fd, msg) : audio_sndfile_open(s, in->fd, NULL, msg);
        return rc < 0 ? fail_in(msg, rc, in->name) : rc;
    }
    if (n == 4 && (memcmp(start, "RIFF", 4) == 0 || memcmp(start, ".snd", 4) == 0) && audio_header_take(&h, in) &&
        h.plain.format != 0)
        return open_samples(s, in, &h, msg);
    int rc = audio_input_spool(in, 0, msg);
    return rc < 0 ? rc : open_any_file(s, in, msg);
}

/* ---- both ---- */

static int check(const struct audio_source *s, const char *name, struct message *msg)
{
    if (s->n_channels < 1 || s->n_channels > AUDIO_SOURCE_MAX_CHANNELS)
        return fail(msg, LINNET_E_AUDIO, "%s: %d channels (1 to %d are possible)", name, s->n_channels,
                    AUDIO_SOURCE_MAX_CHANNELS);
    if (s->rate_hz < RESAMPLE_MIN_HZ || s->rate_hz > RESAMPLE_MAX_HZ)
        return fail(msg, LINNET_E_AUDIO, "%s: a sample rate of %d Hz (%d to %d are possible)", name, s->rate_hz,
                    RESAMPLE_MIN_HZ, RESAMPLE_MAX_HZ);
    return s->n_frames == 0 ? fail(msg, LINNET_E_AUDIO, "%s: holds no samples", name) : LINNET_OK;
}

static int open_raw(struct audio_source *s, const struct audio_input *in, const char *raw, struct message *msg)
{
    struct audio_samples plain;
    int rc = audio_sndfile_describe(&plain, raw, msg);
    if (rc >= 0 && (rc = audio_sndfile_open(s, in->fd, &plain, msg)) < 0)
        rc = fail_in(msg, rc, in->name);
    return rc;
}

int audio_source_open(struct audio_source *out, const char *path, int fd, const char *raw, struct message *msg)
{
    struct audio_source s = {0};
    struct audio_input in = {.fd = -1};
    int rc = audio_input_open(&in, path, fd, msg);
    if (rc < 0)
        return rc;
    rc = raw != NULL ? open_raw(&s, &in, raw, msg) : in.is_pipe ? open_pipe(&s, &in, msg) : open_any_file(&s, &in, msg);
    if (rc >= 0)
        rc = check(&s, in.name, msg);
    audio_input_close(&in);
    if (rc < 0)
        audio_source_close(&s);
    else
        *out = s;
    return rc;
}

void audio_source_close(struct audio_source *s)
{
    if (s->reader != NULL)
        s->reader->close(s);
    *s = (struct audio_source){0};
}
