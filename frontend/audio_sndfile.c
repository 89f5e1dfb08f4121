/* SPDX-License-Identifier: Apache-2.0
 * audio_sndfile.c - a recording that libsndfile reads. */
#include "frontend/audio_sndfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "frontend/resample.h"

enum { TAG_BYTES = 16384 };

struct state {
    SNDFILE *sndfile;
    int fd, is_seekable;
    int64_t n_most, n_left; /* frames; -1: all there are */
};

static const struct {
    const char *name;
    int format;
} encodings[] = {
    {"s8", SF_FORMAT_PCM_S8},
    {"u8", SF_FORMAT_PCM_U8},
    {"s16le", SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE},
    {"s16be", SF_FORMAT_PCM_16 | SF_ENDIAN_BIG},
    {"s24le", SF_FORMAT_PCM_24 | SF_ENDIAN_LITTLE},
    {"s24be", SF_FORMAT_PCM_24 | SF_ENDIAN_BIG},
    {"s32le", SF_FORMAT_PCM_32 | SF_ENDIAN_LITTLE},
    {"s32be", SF_FORMAT_PCM_32 | SF_ENDIAN_BIG},
    {"f32le", SF_FORMAT_FLOAT | SF_ENDIAN_LITTLE},
    {"f32be", SF_FORMAT_FLOAT | SF_ENDIAN_BIG},
    {"f64le", SF_FORMAT_DOUBLE | SF_ENDIAN_LITTLE},
    {"f64be", SF_FORMAT_DOUBLE | SF_ENDIAN_BIG},
    {"ulaw", SF_FORMAT_ULAW},
    {"alaw", SF_FORMAT_ALAW},
};

/* A number after ':' in text: returns what follows it, or NULL for no number or one outside 1..max. */
static const char *parse_number(const char *text, int max, int *number)
{
    if (text[0] != ':' || text[1] < '0' || text[1] > '9')
        return NULL;
    char *end;
    errno = 0;
    long value = strtol(text + 1, &end, 10);
    if (errno != 0 || value < 1 || value > max)
        return NULL;
    *number = (int)value;
    return end;
}

int audio_sndfile_describe(struct audio_samples *plain, const char *raw, struct message *msg)
{
    size_t n = strcspn(raw, ":");
    SF_INFO info = {.samplerate = 16000, .channels = 1};
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (strlen(encodings[i].name) == n && memcmp(encodings[i].name, raw, n) == 0)
            info.format = SF_FORMAT_RAW | encodings[i].format;
    const char *rest = raw + n;
    if (*rest != '\0')
        rest = parse_number(rest, RESAMPLE_MAX_HZ, &info.samplerate);
    if (rest != NULL && *rest != '\0')
        rest = parse_number(rest, AUDIO_SOURCE_MAX_CHANNELS, &info.channels);
    if (info.format == 0 || rest == NULL || *rest != '\0')
        return fail(msg, LINNET_E_ARGUMENT, "raw audio \"%s\" is not ENCODING[:RATE[:CHANNELS]], such as s16le:16000:1",
                    raw);
    *plain = (struct audio_samples){.info = info, .n_most = -1};
    return LINNET_OK;
}

/* libsndfile reads the first of MP3 files that were joined; tags at the end are shorter. */
static int64_t bytes_left(const struct audio_source *s)
{
    const struct state *state = s->state;
    struct stat st;
    off_t at = lseek(state->fd, 0, SEEK_CUR);
    return s->is_estimate && at >= 0 && fstat(state->fd, &st) == 0 && st.st_size - at > TAG_BYTES ? st.st_size - at : 0;
}

static long read_frames(struct audio_source *s, float *frames, size_t n, struct message *msg)
{
    struct state *state = s->state;
    sf_count_t n_wanted = (sf_count_t)n;
    if (state->sndfile == NULL)
        return fail(msg, LINNET_E_IO, "it could not be opened again");
    if (state->n_left >= 0 && n_wanted > state->n_left)
        n_wanted = state->n_left;
    sf_count_t n_read = n_wanted > 0 ? sf_readf_float(state->sndfile, frames, n_wanted) : 0;
    if (n_read > 0 && state->n_left >= 0)
        state->n_left -= n_read;
    if (n_read <= 0 && sf_error(state->sndfile) != SF_ERR_NO_ERROR)
        return fail(msg, LINNET_E_AUDIO, "%s", sf_strerror(state->sndfile));
    if (n_read <= 0 && bytes_left(s) > 0)
        return fail(msg, LINNET_E_AUDIO, "%lld bytes follow that only FFmpeg reads", (long long)bytes_left(s));
    return n_read > 0 ? (long)n_read : 0;
}

static void close_state(struct audio_source *s)
{
    struct state *state = s->state;
    if (state->sndfile != NULL)
        sf_close(state->sndfile);
    if (state->fd >= 0)
        close(state->fd);
    mem_free(state);
}

/* The file, or 0 and why not. */
static SNDFILE *open_sndfile(int fd, const struct audio_samples *plain, SF_INFO *info, struct message *msg)
{
    SNDFILE *f = sf_open_fd(fd, SFM_READ, info, 0);
    sf_count_t at = plain != NULL ? plain->at : 0;
    if (f != NULL &&
        (at == 0 || (sf_command(f, SFC_SET_RAW_START_OFFSET, &at, sizeof at) == 0 && sf_seek(f, 0, SEEK_SET) == 0)))
        return f;
    fail(msg, LINNET_E_FORMAT, "%s", sf_strerror(f));
    if (f != NULL)
        sf_close(f);
    return NULL;
}

/* Some codecs cannot be sought in (GSM 6.10): the file is opened again, and read up to there. */
static int read_up_to(struct audio_source *s, int64_t frame, struct message *msg)
{
    struct state *state = s->state;
    float skipped[1024];
    const int64_t most = (int64_t)(sizeof skipped / sizeof skipped[0]) / s->n_channels;
    SF_INFO info = {0};
    if (lseek(state->fd, 0, SEEK_SET) != 0)
        return fail(msg, LINNET_E_IO, "%s", strerror(errno));
    sf_close(state->sndfile);
    state->sndfile = open_sndfile(state->fd, NULL, &info, msg);
    if (state->sndfile == NULL || info.channels != s->n_channels)
        return LINNET_E_IO;
    while (frame > 0) {
        long n = read_frames(s, skipped, (size_t)(frame < most ? frame : most), msg);
        if (n <= 0)
            return n < 0 ? (int)n : fail(msg, LINNET_E_ARGUMENT, "it ends before");
        frame -= n;
    }
    return LINNET_OK;
}

static int seek(struct audio_source *s, int64_t frame, struct message *msg)
{
    struct state *state = s->state;
    if (!state->is_seekable)
        return read_up_to(s, frame, msg);
    if (sf_seek(state->sndfile, frame, SEEK_SET) != frame)
        return fail(msg, LINNET_E_IO, "%s", sf_strerror(state->sndfile));
    state->n_left = state->n_most >= 0 ? state->n_most - frame : -1;
    return LINNET_OK;
}

static const struct audio_reader reader = {read_frames, seek, close_state};

int audio_sndfile_open(struct audio_source *out, int fd, const struct audio_samples *plain, struct message *msg)
{
    SF_INFO info = plain != NULL ? plain->info : (SF_INFO){0};
    struct state *state = mem_array(1, sizeof *state);
    if (state == NULL)
        return fail_memory(msg);
    *state = (struct state){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3), .n_most = plain != NULL ? plain->n_most : -1};
    state->n_left = state->n_most;
    int rc = state->fd < 0 ? fail(msg, LINNET_E_IO, "%s", strerror(errno)) : LINNET_E_FORMAT;
    state->sndfile = state->fd >= 0 ? open_sndfile(state->fd, plain, &info, msg) : NULL;
    if (state->sndfile == NULL) {
        close_state(&(struct audio_source){.state = state});
        return rc;
    }
    int coding = info.format & SF_FORMAT_SUBMASK, kind = info.format & SF_FORMAT_TYPEMASK;
    struct audio_source s = {
        .reader = &reader, .state = state, .rate_hz = info.samplerate, .n_channels = info.channels};
    s.is_pipe = lseek(fd, 0, SEEK_CUR) < 0;
    s.is_float = coding == SF_FORMAT_FLOAT || coding == SF_FORMAT_DOUBLE;
    /* libsndfile says 2^62 or so frames, or the largest 32-bit number, where a header does not tell. */
    s.n_frames = s.is_pipe || info.frames >= (sf_count_t)1 << 48 ? -1
                 : state->n_most >= 0                            ? state->n_most
                                                                 : info.frames;
    s.is_estimate = kind == SF_FORMAT_MPEG || coding == SF_FORMAT_MPEG_LAYER_III || coding == SF_FORMAT_MPEG_LAYER_II;
    state->is_seekable = info.seekable;
    if (s.n_frames > 0 && !s.is_estimate)
        s.n_promised = s.n_frames;
    *out = s;
    return LINNET_OK;
}
