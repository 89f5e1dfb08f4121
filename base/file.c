/* SPDX-License-Identifier: Apache-2.0
 * file.c - whole files in and out. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_in(char path[FILE_MAX_PATH], const char *dir, const char *name, struct message *msg)
{
    int n = snprintf(path, FILE_MAX_PATH, "%s/%s", dir, name);
    return n >= 0 && n < FILE_MAX_PATH ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "%.100s...: path too long", dir);
}

int file_exists(const char *path) { return access(path, R_OK) == 0; }

int file_exists_in(const char *dir, const char *name)
{
    char path[FILE_MAX_PATH];
    return file_in(path, dir, name, NULL) >= 0 && file_exists(path);
}

int file_has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), n_suffix = strlen(suffix);
    return n > n_suffix && strcmp(path + n - n_suffix, suffix) == 0;
}

int file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int file_make_folder(const char *path, struct message *msg)
{
    char part[FILE_MAX_PATH];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return fail(msg, LINNET_E_ARGUMENT, "%.100s...: path too long", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return fail(msg, LINNET_E_IO, "%s: %s", part, strerror(errno));
    }
    return LINNET_OK;
}

static int read_all(int fd, const char *path, struct buffer *out, struct message *msg)
{
    for (;;) {
        int rc = buffer_reserve(out, 1);
        if (rc < 0)
            return rc == LINNET_E_MEMORY ? fail_memory(msg) : fail(msg, rc, "%s: more than %zu bytes", path, out->max);
        size_t room = out->size - out->n - 1;
        ssize_t got = read(fd, out->data + out->n, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
        out->n += (size_t)got;
        out->data[out->n] = '\0';
        if (got == 0)
            return 0;
    }
}

int file_read(const char *path, size_t max, struct buffer *out, struct message *msg)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
    struct stat info;
    size_t old_n = out->n, old_max = out->max;
    int rc = 0;
    out->max = max + 1; /* the byte that finds the end */
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (unsigned long long)info.st_size <= max)
        rc = buffer_reserve(out, (size_t)info.st_size + 1) < 0 ? fail_memory(msg) : 0;
    if (rc == 0)
        rc = read_all(fd, path, out, msg);
    if (rc == 0 && out->n - old_n > max)
        rc = fail(msg, LINNET_E_FORMAT, "%s: more than %zu bytes", path, max);
    out->max = old_max;
    if (rc < 0)
        buffer_cut(out, old_n);
    close(fd);
    return rc;
}

int file_write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

int file_open_nameless(void)
{
    const char *folder = getenv("TMPDIR");
    char path[FILE_MAX_PATH];
    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
#ifdef O_TMPFILE
    int nameless = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (nameless >= 0)
        return nameless;
#endif
    if (snprintf(path, sizeof path, "%s/linnet-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int file_write(const char *path, const void *bytes, size_t n, struct message *msg)
{
    char beside[FILE_MAX_PATH];
    if (snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof beside)
        return fail(msg, LINNET_E_ARGUMENT, "%s: path too long", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
    int bad = file_write_all(fd, bytes, n) < 0 || fsync(fd) < 0, error = errno;
    if (close(fd) < 0 && !bad) {
        bad = 1;
        error = errno;
    }
    if (!bad && rename(beside, path) < 0) {
        bad = 1;
        error = errno;
    }
    if (!bad)
        return 0;
    unlink(beside);
    return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(error));
}
