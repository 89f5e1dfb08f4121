/* SPDX-License-Identifier: Apache-2.0
 * file_map.c - files as bytes in memory. */
#include "base/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Opens a regular file and tells its size. */
static int open_file(const char *path, int *fd, size_t *size, struct message *msg)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for a pipe's writer */
    if (*fd < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
    if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        return fail(msg, LINNET_E_IO, "%s: not a file", path);
    }
    *size = (size_t)st.st_size;
    return 0;
}

static int map_one(struct file_map *m, const char *path, struct message *msg)
{
    int fd, rc = open_file(path, &fd, &m->size, msg);
    if (rc < 0)
        return rc;
    m->data = (const unsigned char *)"";
    if (m->size > 0) { /* nothing cannot be mapped */
        void *data = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            rc = fail(msg, LINNET_E_IO, "%s: cannot be mapped: %s", path, strerror(errno));
        else
            m->data = m->mapped = data;
    }
    close(fd);
    return rc;
}

static int append_one(struct file_map *m, const char *path, struct message *msg)
{
    size_t size;
    int fd, rc = open_file(path, &fd, &size, msg);
    if (rc < 0)
        return rc;
    close(fd);
    rc = file_read(path, SIZE_MAX / 2, &m->joined, msg);
    m->data = (const unsigned char *)m->joined.data;
    m->size = m->joined.n;
    return rc;
}

int file_map_open(struct file_map *m, const char *const paths[], int n_paths, struct message *msg)
{
    struct file_map fresh = {0};
    int rc = n_paths == 1 ? map_one(&fresh, paths[0], msg) : 0;
    for (int i = 0; i < n_paths && n_paths > 1 && rc == 0; i++)
        rc = append_one(&fresh, paths[i], msg);
    if (rc < 0) {
        file_map_close(&fresh);
        return rc;
    }
    *m = fresh;
    return 0;
}

void file_map_close(struct file_map *m)
{
    if (m->mapped != NULL)
        munmap(m->mapped, m->size);
    buffer_free(&m->joined);
    *m = (struct file_map){0};
}
