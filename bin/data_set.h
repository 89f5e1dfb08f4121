/* SPDX-License-Identifier: Apache-2.0
 * data_set.h - the utterances of a data set, whatever lists them: what --data takes.
 *
 *     a Kaldi directory     wav.scp, and segments where recordings are cut, and text (data_dir.c)
 *     a list of utterances  JSON lines as WeNet's data.list, a table, or a path in each line (data_list.c,
 *                           score/entries.h)
 *
 * A recording's path is relative to the current folder, or else to that of the list.  An entry that cannot be used is
 * told and left out. */
#ifndef LINNET_BIN_DATA_SET_H
#define LINNET_BIN_DATA_SET_H

#include "base/file.h"
#include "bin/problems.h"

/* For help and errors. */
#define DATA_SET_FORMATS                                                                                               \
    "a Kaldi directory (wav.scp, segments, text), JSON lines such as WeNet's raw data.list, a table with a header "    \
    "(CSV, TSV), or a list of files"

struct data_utterance {
    const char *id, *path; /* as the list has it */
    const char *text;      /* NULL: none */
    double start_s, end_s; /* end_s < 0: to the end */
};

/* Zeroed is empty. */
struct data_set {
    struct data_utterance *at; /* [n] in order of ids */
    int n;
    char folder[FILE_MAX_PATH];
    const char *times_from;                         /* what has start_s and end_s, for messages */
    struct transcripts recordings, segments, texts; /* of a Kaldi directory; of a list only the problems of the first */
    struct buffer bytes;                            /* of a list: what `at` points into */
};

/* Reports on stderr what is left out; one without an utterance is an error.  with_texts: the texts of a Kaldi
 * directory too, if it has any. */
int data_set_open(struct data_set *d, const char *path, int with_texts, struct message *msg) LINNET_MUST_CHECK;
void data_set_close(struct data_set *d);
void data_set_problems(const struct data_set *d, struct problems *p); /* adds what was left out */

/* Where the utterance's recording lies. */
int data_set_find(const struct data_set *d, const struct data_utterance *u, char *path, size_t size,
                  struct message *msg) LINNET_MUST_CHECK;

/* 1 when the recording ended before the utterance, which had heard_s, and how far in msg; else 0 and an empty msg. */
int data_set_is_cut(const struct data_set *d, const struct data_utterance *u, double heard_s, struct message *msg);

/* Both parts read into an empty data set. */
int data_dir_read(struct data_set *d, int with_texts, struct message *msg) LINNET_MUST_CHECK;
int data_list_read(struct data_set *d, const char *path, struct message *msg) LINNET_MUST_CHECK;

/* Takes the times of an utterance, either of which may be NULL: returns NULL, or what is wrong with them. */
const char *data_set_times(struct data_utterance *u, const char *start, const char *end) LINNET_MUST_CHECK;

#endif
