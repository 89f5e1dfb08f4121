/* SPDX-License-Identifier: Apache-2.0
 * data_dir.h - a data directory as Kaldi lays it out: `wav.scp` and, where recordings are cut, `segments`.
 *
 *     wav.scp    recording path        relative to the current folder, else to the directory; commands are refused
 *     segments   utterance recording start end         in seconds; end -1: to the end of the recording
 *
 * Without segments every recording is an utterance.  A line that cannot be used is told and left out. */
#ifndef LINNET_BIN_DATA_DIR_H
#define LINNET_BIN_DATA_DIR_H

#include "score/transcripts.h"

struct data_utterance {
    const char *id, *path; /* as wav.scp has it */
    double start_s, end_s; /* end_s < 0: to the end */
};

struct data_dir {
    struct data_utterance *at; /* [n] in order of ids */
    int n;
    const char *dir; /* the caller's */
    struct transcripts recordings, segments;
};

/* Reports on stderr the lines that are left out; a directory that holds no utterance is an error. */
int data_dir_open(struct data_dir *d, const char *dir, struct message *msg) LINNET_MUST_CHECK;
void data_dir_close(struct data_dir *d); /* zeroed ones too */

int data_dir_problems(const struct data_dir *d); /* how many lines were left out */

/* Where the utterance's recording lies. */
int data_dir_find(const struct data_dir *d, const struct data_utterance *u, char *path, size_t size,
                  struct message *msg) LINNET_MUST_CHECK;

/* 1 when the recording ended before the utterance, which had heard_s, and how far in msg; else 0 and an empty msg. */
int data_dir_is_cut(const struct data_utterance *u, double heard_s, struct message *msg);

#endif
