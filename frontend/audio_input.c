/* SPDX-License-Identifier: Apache-2.0
 * audio_input.c - where the bytes of a recording come from.
 *
 * The first bytes of a pipe are peeked at with tee(2), which only pipes have; other things that are no files (sockets,
 * terminals) show nothing. */
#include "frontend/audio_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { COPY_SIZE = 65536, MOST_TAKEN = 1 << 20, MOST_PEEKED = 4 };

int audio_input_open(struct audio_input *out, const char *path, int fd, struct message *msg)
{
    int is_standard = fd < 0 && strcmp(path, "-") == 0, from = is_standard ? STDIN_FILENO : fd;
    struct audio_input in = {.name = is_standard ? "standard input" : path};
    in.fd = from >= 0 ? fcntl(from, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int rc = LINNET_OK;
    if (in.fd < 0 || fstat(in.fd, &st) != 0)
        rc = fail(msg, LINNET_E_IO, "%s: %s", in.name, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        rc = fail(msg, LINNET_E_IO, "%s: is a directory", in.name);
    else if (S_ISREG(st.st_mode) && st.st_size == 0)
        rc = fail(msg, LINNET_E_AUDIO, "%s: the file is empty", in.name);
    if (rc < 0) {
        audio_input_close(&in);
        return rc;
    }
    off_t at = lseek(in.fd, 0, SEEK_CUR);
    in.is_pipe = at < 0;
    if (at > 0 && (rc = audio_input_spool(&in, at, msg)) < 0)
        audio_input_close(&in);
    else
        *out = in;
    return rc;
}

void audio_input_close(struct audio_input *in)
{
    if (in->fd >= 0)
        close(in->fd);
    in->fd = -1;
    buffer_free(&in->head);
}

static size_t peek_pipe(int fd, void *start, size_t n)
{
    int copy[2];
    size_t n_got = 0;
    if (pipe2(copy, O_CLOEXEC) != 0)
        return 0;
    ssize_t n_copied = tee(fd, copy[1], n, 0);
    if (n_copied > 0 && read(copy[0], start, (size_t)n_copied) == n_copied)
        n_got = (size_t)n_copied;
    close(copy[0]);
    close(copy[1]);
    return n_got;
}

size_t audio_input_peek(const struct audio_input *in, int64_t at, void *bytes, size_t n)
{
    if (in->is_pipe)
        return at == 0 ? peek_pipe(in->fd, bytes, n < MOST_PEEKED ? n : MOST_PEEKED) : 0;
    ssize_t n_got = pread(in->fd, bytes, n, at);
    return n_got > 0 ? (size_t)n_got : 0;
}

int64_t audio_input_size(const struct audio_input *in)
{
    struct stat st;
    return fstat(in->fd, &st) == 0 ? (int64_t)st.st_size : 0;
}

int audio_input_take(struct audio_input *in, void *bytes, size_t n)
{
    if (in->is_pipe && in->head.n + n > MOST_TAKEN)
        return 0;
    for (size_t n_got = 0; n_got < n;) {
        ssize_t n_more = read(in->fd, (char *)bytes + n_got, n - n_got);
        if (n_more < 0 && errno == EINTR)
            continue;
        if (n_more > 0 && in->is_pipe && buffer_append(&in->head, (char *)bytes + n_got, (size_t)n_more) < 0)
            return 0;
        if (n_more <= 0)
            return 0;
        n_got += (size_t)n_more;
    }
    return 1;
}

int audio_input_skip(struct audio_input *in, int64_t n)
{
    char bytes[4096];
    if (!in->is_pipe)
        return lseek(in->fd, n, SEEK_CUR) >= 0;
    while (n > 0) {
        size_t n_now = n < (int64_t)sizeof bytes ? (size_t)n : sizeof bytes;
        if (!audio_input_take(in, bytes, n_now))
            return 0;
        n -= (int64_t)n_now;
    }
    return 1;
}

void audio_input_rewind(struct audio_input *in)
{
    off_t at = lseek(in->fd, 0, SEEK_SET);
    (void)at; /* a file's offset can always be set */
}

/* Appends what is left of `from` to the file `to`. */
static int copy_rest(int from, int to, const char *name, struct message *msg)
{
    char *data = mem_array(COPY_SIZE, 1);
    int rc = data == NULL ? fail_memory(msg) : LINNET_OK;
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
    return rc;
}

int audio_input_spool(struct audio_input *in, int64_t from, struct message *msg)
{
    int to = file_open_nameless(), rc = LINNET_OK;
    if (to < 0)
        return fail(msg, LINNET_E_IO, "%s: no temporary file for what it holds: %s", in->name, strerror(errno));
    if (!in->is_pipe && lseek(in->fd, from, SEEK_SET) < 0)
        rc = fail(msg, LINNET_E_IO, "%s: %s", in->name, strerror(errno));
    if (rc == 0 && in->head.n > 0 && file_write_all(to, in->head.data, in->head.n) < 0)
        rc = fail(msg, LINNET_E_IO, "%s: writing its copy: %s", in->name, strerror(errno));
    if (rc == 0)
        rc = copy_rest(in->fd, to, in->name, msg);
    if (rc == 0 && lseek(to, 0, SEEK_SET) != 0)
        rc = fail(msg, LINNET_E_IO, "%s: %s", in->name, strerror(errno));
    if (rc < 0) {
        close(to);
        return rc;
    }
    audio_input_close(in);
    in->fd = to;
    in->is_pipe = 0;
    return LINNET_OK;
}
