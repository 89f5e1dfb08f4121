/* SPDX-License-Identifier: Apache-2.0
 * lines.h - the lines of a text file, whatever program wrote it: the one reader of lists, transcripts and units.
 *
 * A file is UTF-8, perhaps with a byte order mark, or UTF-16 with one.  Lines end in LF, CRLF or CR, the last one with
 * the file too.  Which other encoding a file may have is not guessed: a line that is no
 * UTF-8, or holds a NUL, is an error of its own, and those after it can be read. */
#ifndef LINNET_BASE_LINES_H
#define LINNET_BASE_LINES_H

#include "base/buffer.h"
#include "base/status.h"

/* Zeroed may be closed. */
struct lines {
    const char *path; /* the caller's */
    struct buffer text;
    size_t at;
    int number;    /* of the line that was read last, from 1 */
    int any_bytes; /* the caller's: lines may be other than UTF-8, as names of files may */
};

struct line {
    char *text; /* NUL-terminated; in struct lines, until it is closed */
    size_t n;
};

/* path: "-" is standard input; max: bytes of the largest file that is taken. */
int lines_open(struct lines *l, const char *path, size_t max, struct message *msg) LINNET_MUST_CHECK;
void lines_close(struct lines *l);

/* 1 and the next line, without its end; 0: there is none; LINNET_E_FORMAT: it is no text. */
int lines_next(struct lines *l, struct line *line, struct message *msg) LINNET_MUST_CHECK;

/* Fails with LINNET_E_FORMAT and "path:number: ..." of the line that was read last. */
int lines_fail(const struct lines *l, struct message *msg, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Drops blanks at both ends, and byte order marks in front. */
void line_trim(struct line *line);

/* Cuts the first word off: it becomes *word, and line what follows the blanks behind it. */
void line_cut_word(struct line *line, struct line *word);

#endif
