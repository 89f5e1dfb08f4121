/* SPDX-License-Identifier: Apache-2.0
 * audio_source.c - opens what libsndfile reads from.
 *
 * libsndfile 1.2 reads raw samples, WAV, AU and Ogg from a pipe as they arrive; it fails on FLAC and CAF there, and
 * RF64 loses its last samples.  So the first bytes are peeked at (tee(2); only pipes have it), and
 * everything else is copied into a temporary file that has no name any more. */
#include "frontend/audio_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "frontend/resample.h"

#define MAX_CHANNELS 256
#define COPY_SIZE 65536

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

static int parse_raw(SF_INFO *info, const char *raw, struct message *msg)
{
    size_t n = strcspn(raw, ":");
    *info = (SF_INFO){.samplerate = 16000, .channels = 1};
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (strlen(encodings[i].name) == n && memcmp(encodings[i].name, raw, n) == 0)
            info->format = SF_FORMAT_RAW | encodings[i].format;
    const char *rest = raw + n;
    if (*rest != '\0')
        rest = parse_number(rest, RESAMPLE_MAX_HZ, &info->samplerate);
    if (rest != NULL && *rest != '\0')
        rest = parse_number(rest, MAX_CHANNELS, &info->channels);
    if (info->format != 0 && rest != NULL && *rest == '\0')
        return LINNET_OK;
    return fail(msg, LINNET_E_ARGUMENT, "raw audio \"%s\" is not ENCODING[:RATE[:CHANNELS]], such as s16le:16000:1",
                raw);
}

/* Waits for the first 4 bytes of the pipe and copies them without consuming them.  Returns 0 where that fails. */
static int peek(int fd, char start[4])
{
    int copy[2], found = 0;
    if (pipe2(copy, O_CLOEXEC) != 0)
        return 0;
    ssize_t n = tee(fd, copy[1], 4, 0);
    if (n == 4 && read(copy[0], start, 4) == 4)
        found = 1;
    close(copy[0]);
    close(copy[1]);
    return found;
}

/* True for a container that libsndfile decodes rightly while it arrives. */
static int streams_well(int fd)
{
    char start[4];
    return peek(fd, start) &&
           (memcmp(start, "RIFF", 4) == 0 || memcmp(start, ".snd", 4) == 0 || memcmp(start, "OggS", 4) == 0);
}

static int open_nameless(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/linnet-XXXXXX", folder != NULL && *folder != '\0' ? folder : "/tmp");
    if (n < 0 || (size_t)n >= sizeof path)
        return -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* Copies all of from into a temporary file and makes that fd `*fd`; from is closed. */
static int spool(int *fd, const char *name, struct message *msg)
{
    int from = *fd, to = open_nameless(), rc = LINNET_OK;
    char *data = mem_array(COPY_SIZE, 1);
    if (data == NULL)
        rc = fail_memory(msg);
    else if (to < 0)
        rc = fail(msg, LINNET_E_IO, "%s: no temporary file for what the pipe holds: %s", name, strerror(errno));
    while (rc == 0) {
        ssize_t n = read(from, data, COPY_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = fail(msg, LINNET_E_IO, "%s: %s", name, strerror(errno));
        else if (n > 0 && file_write_all(to, data, (size_t)n) < 0)
            rc = fail(msg, LINNET_E_IO, "%s: writing its copy: %s", name, strerror(errno));
        if (n == 0)
            break;
    }
    mem_free(data);
    if (rc == 0 && lseek(to, 0, SEEK_SET) != 0)
        rc = fail(msg, LINNET_E_IO, "%s: %s", name, strerror(errno));
    if (rc == 0) {
        close(from);
        *fd = to;
    } else if (to >= 0) {
        close(to);
    }
    return rc;
}

static int open_descriptor(const char *path, const char *name, int *fd, struct message *msg)
{
    *fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (*fd < 0 || fstat(*fd, &st) != 0)
        return fail(msg, LINNET_E_IO, "%s: %s", name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return fail(msg, LINNET_E_IO, "%s: is a directory", name);
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        return fail(msg, LINNET_E_AUDIO, "%s: the file is empty", name);
    return LINNET_OK;
}

static int check_info(const SF_INFO *info, const char *name, int is_pipe, struct message *msg)
{
    if (info->channels < 1 || info->channels > MAX_CHANNELS)
        return fail(msg, LINNET_E_AUDIO, "%s: %d channels (1 to %d are possible)", name, info->channels, MAX_CHANNELS);
    if (info->samplerate < RESAMPLE_MIN_HZ || info->samplerate > RESAMPLE_MAX_HZ)
        return fail(msg, LINNET_E_AUDIO, "%s: a sample rate of %d Hz (%d to %d are possible)", name, info->samplerate,
                    RESAMPLE_MIN_HZ, RESAMPLE_MAX_HZ);
    if (!is_pipe && info->frames <= 0)
        return fail(msg, LINNET_E_AUDIO, "%s: holds no samples", name);
    return LINNET_OK;
}

int audio_source_open(struct audio_source *out, const char *path, const char *raw, struct message *msg)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct audio_source s = {0};
    int fd = -1, rc = raw != NULL ? parse_raw(&s.info, raw, msg) : LINNET_OK;
    if (rc == 0)
        rc = open_descriptor(path, name, &fd, msg);
    if (rc < 0)
        goto fail;
    s.is_pipe = lseek(fd, 0, SEEK_CUR) < 0;
    if (s.is_pipe && raw == NULL && !streams_well(fd)) {
        rc = spool(&fd, name, msg);
        if (rc < 0)
            goto fail;
        s.is_pipe = 0;
    }
    s.sndfile = sf_open_fd(fd, SFM_READ, &s.info, 1);
    fd = -1; /* closed with the sndfile, or by the failed call */
    rc = s.sndfile != NULL ? check_info(&s.info, name, s.is_pipe, msg)
                           : fail(msg, LINNET_E_FORMAT, "%s: not audio that can be read: %s", name, sf_strerror(NULL));
    if (rc == 0) {
        *out = s;
        return LINNET_OK;
    }
fail:
    if (fd >= 0)
        close(fd);
    audio_source_close(&s);
    return rc;
}

void audio_source_close(struct audio_source *s)
{
    if (s->sndfile != NULL)
        sf_close(s->sndfile);
    s->sndfile = NULL;
}
