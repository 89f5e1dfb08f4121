/* SPDX-License-Identifier: Apache-2.0
 * file_map.h - the bytes of a file, mapped read-only, or of several files as if they were one. */
#ifndef LINNET_BASE_FILE_MAP_H
#define LINNET_BASE_FILE_MAP_H

#include "base/buffer.h"
#include "base/status.h"

struct file_map {
    const unsigned char *data; /* [size] */
    size_t size;
    void *mapped;         /* for munmap, or NULL */
    struct buffer joined; /* several files, joined in memory */
};

/* One path: the file is mapped, and its bytes must not change while it is.  More: they are joined in this order. */
int file_map_open(struct file_map *m, const char *const paths[], int n_paths, struct message *msg) LINNET_MUST_CHECK;
void file_map_close(struct file_map *m); /* a zeroed one is fine */

#endif
