/* SPDX-License-Identifier: Apache-2.0
 * file.h - whole files in and out. */
#ifndef LINNET_BASE_FILE_H
#define LINNET_BASE_FILE_H

#include "base/buffer.h"
#include "base/status.h"

#define FILE_MAX_PATH 4096

/* Writes dir/name into path; a path that does not fit is an error. */
int file_in(char path[FILE_MAX_PATH], const char *dir, const char *name, struct message *msg) LINNET_MUST_CHECK;

/* Appends the file's bytes; one with more than max of them is an error, and so is anything that cannot be read. */
int file_read(const char *path, size_t max, struct buffer *out, struct message *msg) LINNET_MUST_CHECK;

int file_exists(const char *path); /* and can be read */
int file_exists_in(const char *dir, const char *name);
int file_is_folder(const char *path);
int file_has_suffix(const char *path, const char *suffix); /* and something before it */

/* Makes the folder and those above it; one that is there is fine. */
int file_make_folder(const char *path, struct message *msg) LINNET_MUST_CHECK;

/* Writes all bytes to an open file; 0, or -1 and errno. */
int file_write_all(int fd, const char *bytes, size_t n) LINNET_MUST_CHECK;

/* Opens a file without a name in $TMPDIR or /tmp, which is gone when the descriptor is closed.  Returns that, or -1 and
 * errno. */
int file_open_nameless(void) LINNET_MUST_CHECK;

/* Puts bytes into the file at path so that it holds either what it held before or all of them, also after a crash:
 * a file beside it is written, flushed to the disk and renamed. */
int file_write(const char *path, const void *bytes, size_t n, struct message *msg) LINNET_MUST_CHECK;

#endif
